# Builds package.nix with real Nix, in its real sandbox, without nixpkgs: the programs of this (Debian) machine replace the
# packages of nixpkgs. run maps directories of the machine into the sandbox (sandbox-paths): its programs are in /hidden,
# which is in no PATH, and /bin has only sh. So a build finds only what its derivation declares.
{
  # A JDK 25, and an unpacked Maven 3.9, as in nixpkgs.
  jdk,
  mavenHome,
  # A wrong hash makes Nix print the right one.
  mvnHash ? null,
  # Runs only this class of unit tests, for a breakage that it must detect.
  tests ? null,
}:
let
  lib = import ./stand-in/lib.nix;
  stdenv = import ./stand-in/stdenv.nix { inherit lib; };
  inherit (stdenv) mkDerivation programs;

  # Copies a path from outside the store.
  imported = name: path: builtins.path { inherit name path; };

  # As in nixpkgs, the JDK's folder, with the file "release", is lib/openjdk.
  jdk25_headless =
    let
      package = mkDerivation {
      name = "openjdk-headless-25";
      dontUnpack = true;
      installPhase = ''
        mkdir -p $out/lib
        cp -rL ${jdk} $out/lib/openjdk
        ln -s lib/openjdk/bin $out/bin
      '';
      };
    in
    package // { home = "${package}/lib/openjdk"; };

  maven = mkDerivation {
    name = "maven-3.9.9";
    dontUnpack = true;
    installPhase = ''
      mkdir -p $out/bin
      cp -r ${imported "maven" mavenHome} $out/maven
      # Without a home directory. If no JDK is given, the default one does not exist.
      cat >$out/bin/mvn <<END
      #!$SHELL
      export JAVA_HOME=\''${JAVA_HOME-/no-JAVA_HOME}
      exec $SHELL $out/maven/bin/mvn -B -ntp -Dstyle.color=never -Duser.home=\$PWD "\$@"
      END
      chmod +x $out/bin/mvn
    '';
  };

  # In nixpkgs, one derivation builds, tests and installs. Here there are two, so that a change of the second does not run
  # all tests again.
  buildMavenPackage =
    a:
    let
      mvnJdk = a.mvnJdk or (throw "buildMavenPackage: without mvnJdk Maven runs on nixpkgs' default JDK");
      common = {
        inherit (a) src;
        __structuredAttrs = a.__structuredAttrs or false;
        # With __structuredAttrs, the older buildMavenPackage does not export this, and the newer one does. Here: not.
        JAVA_HOME = mvnJdk;
      };
      fetched = mkDerivation (
        common
        // {
          __structuredAttrs = false;
          name = "${a.pname}-${a.version}-maven-deps";
          nativeBuildInputs = [ maven ] ++ a.nativeBuildInputs or [ ];
          buildPhase = "mvn -q package -Dmaven.repo.local=$out/.m2 ${a.mvnParameters or ""}";
          installPhase = ''
            find $out -type f \( -name '*.lastUpdated' -o -name resolver-status.properties -o -name _remote.repositories \) -delete
            rm -rf $out/.m2/.meta
          '';
          dontFixup = true;
          outputHashAlgo = "sha256";
          outputHashMode = "recursive";
          outputHash = if mvnHash == null then a.mvnHash else mvnHash;
        }
        // a.mvnFetchExtraArgs or { }
      );
      compiled = mkDerivation (
        common
        // {
          name = "${a.pname}-${a.version}-compiled";
          nativeBuildInputs = a.nativeBuildInputs or [ ] ++ [ maven ];
          preBuild = a.preBuild or "";
          buildPhase = ''
            runHook preBuild
            cp -dpR ${fetched}/.m2 ./
            chmod -R u+w .m2
            mvn package -o -nsu "-Dmaven.repo.local=$PWD/.m2" ${
              lib.optionalString (!(a.doCheck or true)) "-DskipTests"
            } ${a.mvnParameters or ""} ${
              lib.optionalString (tests != null)
                "-Dtest=${tests} -Dsurefire.skipAfterFailureCount=1 -Dsurefire.rerunFailingTestsCount=0"
            }
            rm -rf .m2
            runHook postBuild
          '';
          installPhase = "cp -r . $out";
          dontFixup = true;
        }
      );
    in
    mkDerivation (
      removeAttrs a [
        "mvnFetchExtraArgs"
        "meta"
        "passthru"
        "preBuild"
      ]
      // common
      // {
        name = "${a.pname}-${a.version}";
        src = compiled;
        nativeBuildInputs = a.nativeBuildInputs or [ ] ++ [ maven ];
        env = a.env or { } // {
          NIX_MAIN_PROGRAM = a.meta.mainProgram;
        };
      }
    )
    // a.passthru
    // {
      inherit fetched compiled;
      inherit (a) meta pname version;
    };

  pkgs = {
    inherit lib jdk25_headless;
    maven = maven // {
      inherit buildMavenPackage;
    };
    coreutils = programs "coreutils" (import ./stand-in/tools.nix).coreutils;
    dash = programs "dash" [ "dash" ];
    gawk = programs "gawk" [ "awk=mawk" ];
    perl = programs "perl" [ "perl" ];
    socat = programs "socat" [ "socat" ];
    systemd = programs "systemd" [ "systemd-socket-activate" ];
    util-linux = programs "util-linux" [
      "mount"
      "setpriv"
      "setsid"
      "umount"
    ];
    runtimeShell = stdenv.shell;
    versionCheckHook = stdenv.hook "version-check-hook" ''
      versionCheck() {
        local said
        said=$(env -i "$out/bin/$NIX_MAIN_PROGRAM" --version) || { echo "--version ends with $?" >&2; return 1; }
        [[ $said == *"$version"* ]] || { echo "--version says not $version, but: $said" >&2; return 1; }
        echo "versionCheck: $said"
      }
      [ -n "''${dontVersionCheck-}" ] || preInstallCheckHooks+=(versionCheck)
    '';
    # jlink runs on the build machine.
    jre25_minimal.override = lib.setFunctionArgs (
      {
        jdk,
        modules,
        jdkOnBuild ? throw "jre25_minimal: would use jlink of nixpkgs' full JDK",
      }:
      mkDerivation {
        name = "openjdk-minimal-jre-25";
        dontUnpack = true;
        installPhase = "${jdkOnBuild}/bin/jlink --module-path ${jdk.home}/jmods --add-modules ${lib.concatStringsSep "," modules} --output $out";
      }
    ) { jdk = false; jdkOnBuild = false; modules = true; };
    runCommand =
      name: more: script:
      mkDerivation (
        more
        // {
          inherit name;
          dontUnpack = true;
          installPhase = script;
        }
      );
    testers.runNixOSTest = _: throw "there is no NixOS here";
    nix-update-script = _: throw "there is no nix-update here";
    buildPackages = pkgs;
  };
  ask = import ../package.nix;
  package = ask (
    builtins.mapAttrs (
      name: _: pkgs.${name} or (throw "package.nix needs ${name}, which host.nix does not have")
    ) (builtins.functionArgs ask)
  );
in
package // { inherit package; }
