# Fake packages: real store paths without a build. They refuse the package arguments that nixpkgs is known to refuse.
{ lib, system }:
let
  fake = name: version: main: (derivation { inherit system; name = "${name}-${version}"; builder = "/bin/sh"; args = [ "-c" "mkdir $out" ]; })
    // { pname = name; inherit version; meta.mainProgram = main; override = _: fake name version main; overrideAttrs = _: fake name version main; };
  mk = a: builtins.seq a.src (derivation { inherit system; name = a.name or "${a.pname}-${a.version}"; builder = "/bin/sh"; args = [ "-c" (a.installPhase or "mkdir $out") ]; })
    // { inherit (a) pname version meta src; } // a.passthru or { };
  self = {
    inherit lib system;
    buildPackages = self;
    stdenv.hostPlatform = { inherit system; };
    callPackage = f: args: let fn = if lib.isFunction f then f else import f; in fn (builtins.intersectAttrs (lib.functionArgs fn) self // args);
    coreutils = fake "coreutils" "9.7" "ls"; findutils = fake "findutils" "4.10" "find"; gnugrep = fake "gnugrep" "3.12" "grep"; gnused = fake "gnused" "4.9" "sed";
    systemd = fake "systemd" "258" "systemctl"; openssh = fake "openssh" "10.0" "ssh"; nix = fake "nix" "2.31.2" "nix";
    # What is on the machine that all this runs on: packages by name, for nobody looks into them.
    mandoc = fake "mandoc" "1.14" "mandoc"; shellcheck = fake "shellcheck" "0.11" "shellcheck"; dash = fake "dash" "0.5.13" "dash"; gawk = fake "gawk" "5.3" "awk"; socat = fake "socat" "1.8" "socat"; strace = fake "strace" "6.16" "strace";
    sqlite = fake "sqlite" "3.50" "sqlite3"; procps = fake "procps" "4.0" "ps"; util-linux = fake "util-linux" "2.41" "mount"; perl = fake "perl" "5.42" "perl"; versionCheckHook = fake "version-check-hook" "0" "x";
    nix-update-script = _: "nix-update"; runtimeShell = "${fake "bash" "5.3" "bash"}/bin/bash";
    nix-post-build-hook-queue = self.callPackage ../../package.nix { };
    mkShell = a: derivation { inherit system; name = "nix-shell"; builder = "/bin/sh"; inherit (a) packages; };
    writeShellScript = name: text: builtins.toFile name "#!/bin/sh\n${builtins.unsafeDiscardStringContext text}";
    writeShellApplication = { name, runtimeInputs, text }: derivation { inherit system name runtimeInputs text; builder = "/bin/sh"; } // { meta.mainProgram = name; };
    jdk25_headless = let jdk = fake "openjdk-headless" "25.0.3" "java"; in jdk // { home = "${jdk}/lib/openjdk"; };
    jre25_minimal.override = lib.setFunctionArgs ({ jdk, modules, jdkOnBuild }: fake "openjdk-minimal-jre" "25.0.3" "java") { jdk = false; modules = true; jdkOnBuild = false; };
    makeBinaryWrapper = fake "make-binary-wrapper" "0" "x"; nixfmt-tree = fake "nixfmt-tree" "1.0" "treefmt";
    maven = fake "maven" "3.9.11" "mvn" // {
      buildMavenPackage = a: assert lib.isFunction a || lib.hasPrefix "sha256-" a.mvnHash; let attrs = if lib.isFunction a then lib.fix a else a; in mk attrs;
    };
    runCommand = name: more: script: assert !(builtins.elem "JAVA_HOME" (builtins.attrNames more)); derivation { inherit system name; builder = "/bin/sh"; args = [ "-c" script ]; };
    writeText = name: text: builtins.toFile name (builtins.unsafeDiscardStringContext text);
    testers.runNixOSTest = t: let m = if lib.isFunction t then t { } else if builtins.isPath t then import t else t; in derivation { inherit system; name = "vm-test-run-${m.name or "x"}"; builder = "/bin/sh"; args = [ "-c" "mkdir $out" ]; };
    extend = o: let final = self // o final self; in final;
    formats.json = { }: {
      type = with lib.types; let v = nullOr (oneOf [ bool int float str path (attrsOf v) (listOf v) ]) // { description = "JSON value"; }; in v;
      generate = name: value: builtins.toFile name (builtins.toJSON value);
    };
  };
in self
