# The seven derivations that ./dev demo builds. They need only a shell, so Nix fetches nothing. "page" depends on "words",
# "tool" has two outputs, and "ballast" is large enough to show a transfer. A new `seed` forces a rebuild.
{ seed }:
let
  make =
    name: script: more:
    derivation (
      {
        inherit name seed;
        system = builtins.currentSystem;
        builder = "/bin/sh";
        PATH = "/run/current-system/sw/bin:/usr/bin:/bin";
        args = [
          "-euc"
          script
        ];
      }
      // more
    );
  words = make "words" "echo \"words of $seed\" > $out" { };
in
{
  inherit words;
  page = make "page" "mkdir $out; cat $words $words > $out/page; ln -s $words $out/source" { inherit words; };
  tool = make "tool" "mkdir $out $doc; echo \"tool $seed\" > $out/tool; echo \"how to: $out\" > $doc/README" {
    outputs = [
      "out"
      "doc"
    ];
  };
  ballast = make "ballast" "head -c 8000000 /dev/urandom > $out" { };
  north = make "north" "echo north > $out" { };
  south = make "south" "echo south > $out" { };
  west = make "west" "echo west > $out" { };
}
