# Builds package.nix for real where there is no nixpkgs: with Nix, and with the programs of this (Debian) machine in the
# place of the packages that it asks for. `buildMavenPackage` does here what nixpkgs' does: one derivation of fixed
# output that Maven fetches into, and one that builds from that, offline; here without any network.
{
  # A JDK 25, and an unpacked Maven 3.9, as nixpkgs has.
  jdk,
  mavenHome,
  # Anything but the truth makes Nix say what it is.
  mvnHash ? null,
  # Of the tests that the package runs, all or those of one class.
  tests ? null,
}:
let
  lib = import ./stand-in/lib.nix;
  system = builtins.currentSystem;

  build =
    name: more: script:
    derivation (
      {
        inherit name system;
        builder = "/bin/bash";
        args = [
          "-euo"
          "pipefail"
          "-c"
          # A program that closes its output before it ends, as GNU find does, must not be what bash ends as: Nix kills then.
          "${script}\nexit 0"
        ];
        PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
      }
      // more
    );

  programs = name: list: build name { } ''
    mkdir -p $out/bin
    for program in ${toString list}; do ln -s "$(type -P $program)" $out/bin/; done
  '';

  # Of nixpkgs' stdenv.
  stdenv = ''
    runHook() { :; }
    substituteInPlace() {
      local file=$1 text
      shift
      text=$(cat "$file")
      while [ $# -gt 0 ]; do
        [ "$1" = --replace-fail ] && [[ $text == *"$2"* ]] || { echo "substituteInPlace $file: no $2" >&2; return 1; }
        text=''${text//"$2"/"$3"}
        shift 3
      done
      printf '%s\n' "$text" >"$file"
    }
  '';

  # Maven in a Nix build has no home to look into.
  maven = "${mavenHome}/bin/mvn -B -ntp -Dstyle.color=never -Duser.home=$PWD";

  pkgs = {
    inherit lib;
    coreutils = programs "coreutils" [ "cat" "date" "id" "mkdir" "mktemp" "mv" "readlink" "rm" "stat" "sync" "timeout" "tr" ];
    dash = programs "dash" [ "dash" ];
    socat = programs "socat" [ "socat" ];
    util-linux = programs "util-linux" [ "setpriv" ];
    systemd = programs "systemd" [ "systemd-socket-activate" ];
    runtimeShell = "${build "bash" { } "mkdir -p $out/bin; ln -s /bin/bash $out/bin/bash; ln -s bash $out/bin/sh"}/bin/bash";
    jdk25_headless = build "jdk" { } "mkdir $out; ln -s ${jdk}/* $out/";
    jre25_minimal.override =
      { jdk, modules }:
      build "jre" { } "${jdk}/bin/jlink --add-modules ${lib.concatStringsSep "," modules} --output $out";
    runCommand =
      name: { nativeBuildInputs, ... }@more: script:
      build name (removeAttrs more [ "nativeBuildInputs" ]) "PATH=${lib.makeBinPath nativeBuildInputs}:$PATH\n${script}";

    maven.buildMavenPackage =
      a:
      let
        fetched = build "${a.pname}-${a.version}-maven-deps" (
          {
            JAVA_HOME = a.mvnJdk;
            outputHashAlgo = "sha256";
            outputHashMode = "recursive";
            outputHash = if mvnHash == null then a.mvnHash else mvnHash;
          }
          // a.mvnFetchExtraArgs
        ) ''
          cp -r ${a.src}/. . && chmod -R u+w .
          ${maven} -q package -Dmaven.repo.local=$out/.m2 ${a.mvnParameters}
          find $out -type f \( -name '*.lastUpdated' -o -name resolver-status.properties -o -name _remote.repositories \) -delete
        '';
      in
      build "${a.pname}-${a.version}" { JAVA_HOME = a.mvnJdk; } ''
        ${stdenv}
        cp -r ${a.src}/. . && chmod -R u+w .
        cp -dpR ${fetched}/.m2 ./ && chmod -R u+w .m2
        alone='unshare -n'
        $alone true 2>/dev/null || alone='unshare -rn'
        $alone ${maven} package -o -nsu ${lib.optionalString (tests != null) "-Dtest=${tests}"} -Dmaven.repo.local=$PWD/.m2 ${a.mvnParameters}
        ${a.installPhase}
      ''
      // a.passthru
      // {
        inherit fetched;
        inherit (a) meta;
      };
  };
in
import ../package.nix (builtins.intersectAttrs (builtins.functionArgs (import ../package.nix)) pkgs)
