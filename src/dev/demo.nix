# What ./dev demo builds: seven derivations, made of nothing but a shell, so that no other store is asked for
# anything. "page" needs "words", "tool" has two outputs, and "ballast" is something to transfer. `seed` makes them new
# each time.
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
