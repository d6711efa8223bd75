# The package: the tree that ./dev build makes, put together by the same script, on a Java runtime of its own.
#
# `let` instead of buildMavenPackage's function form (finalAttrs), which nixpkgs has only since May 2026: users may have
# an older nixpkgs. README.md in this folder has the steps to a package of nixpkgs.
{
  lib,
  buildPackages,
  coreutils,
  dash,
  jdk25_headless,
  jre25_minimal,
  maven,
  nix-update-script,
  perl,
  runCommand,
  runtimeShell,
  socat,
  systemd,
  testers,
  util-linux,
  versionCheckHook,
}:
let
  pname = "nix-post-build-hook-queue";
  version = "0.1.0";

  # java.sql brings java.logging and java.xml, for junixsocket and logback. tests/run runs a queue on just these.
  jre = jre25_minimal.override (
    {
      jdk = jdk25_headless;
      modules = [
        "java.base"
        "java.sql"
      ];
    }
    # The JDK that runs jlink; older versions of nixpkgs run that of `jdk`.
    // lib.optionalAttrs (lib.functionArgs jre25_minimal.override ? jdkOnBuild) {
      jdkOnBuild = buildPackages.jdk25_headless;
    }
  );

  # NixOS has all of these anyway.
  tools = lib.makeBinPath [
    coreutils
    socat
    util-linux
  ];

  # The JVM's start-up archive: a third of the start-up time. Not the same byte for byte each time, hence a derivation
  # of its own; the NixOS module hands it to the worker.
  startupArchive =
    runCommand "${pname}-startup-archive-${version}"
      {
        strictDeps = true;
        __structuredAttrs = true;
        nativeBuildInputs = [
          socat
          systemd
        ];
        env.JAVA_HOME = "${jre}";
      }
      ''
        mkdir $out
        sh ${../src/dev/archive.sh} ${package} $out
        mv $out/startup-*.aot $out/startup.aot
      '';

  package = maven.buildMavenPackage {
    inherit pname version;
    strictDeps = true;
    __structuredAttrs = true;

    src = lib.fileset.toSource {
      root = ../.;
      fileset = lib.fileset.unions [
        ../.mvn
        ../CHANGELOG.md
        ../LICENSE
        ../README.md
        ../docs/sbom.cdx.json
        ../pom.xml
        ../src/dev/Repack.java
        ../src/dev/assemble.sh
        ../src/main
        ../src/test/java
        ../src/testkit
        ../src/test/resources
        ../systemd
      ];
    };

    # The unit tests call these. The tests that need Nix itself are not part of Maven's "package" phase.
    nativeBuildInputs = [
      perl
      util-linux
    ];

    mvnJdk = jdk25_headless;
    # Of what Maven fetches; changes with pom.xml. Written by ./update-mvn-hash.
    mvnHash = "sha256-XXCPU/95FH1e1EyWi4mAMifZmncT6LwDk+JDeM642AQ=";
    # Without the static checks, which are for developers. Some tests have a time limit, so on a busy builder a test may
    # need another try.
    mvnParameters = "-Dfast -Dsurefire.rerunFailingTestsCount=2";
    # One test: Maven fetches its test runner only when it runs a test.
    mvnFetchExtraArgs.env.MAVEN_ARGS = "-Dtest=DurationsTest";
    # Older versions of buildMavenPackage do not export it under __structuredAttrs.
    preBuild = "export JAVA_HOME";

    installPhase = ''
      runHook preInstall
      JAVA_HOME=${jdk25_headless.home} sh src/dev/assemble.sh $out
      ln -s ${jre} $out/lib/${pname}/runtime
      # /bin/sh is there on NixOS, and need not be where else Nix is. It is bash, which starts more slowly than dash and,
      # when it cannot fork, tries for 15 s.
      substituteInPlace $out/libexec/${pname}/post-build-hook \
        --replace-fail tools=/run/current-system 'tools=${tools}:/run/current-system' \
        --replace-fail /bin/sh ${dash}/bin/dash
      substituteInPlace $out/bin/${pname} \
        --replace-fail 'PATH=''${PATH:+$PATH:}/run' 'PATH=${tools}:''${PATH:+$PATH:}/run' \
        --replace-fail '#!/bin/sh' '#!${dirOf runtimeShell}/sh'
      for unit in $out/lib/systemd/system/*.service; do substituteInPlace "$unit" --replace-fail @PREFIX@ $out; done
      runHook postInstall
    '';

    # The jars, native libraries and links are what the start-up archive will be made for.
    dontPatchELF = true;
    dontStrip = true;

    nativeInstallCheckInputs = [ versionCheckHook ];
    doInstallCheck = true;

    # 72 MB of Java instead of 400.
    disallowedReferences = [
      jdk25_headless
      maven
    ];

    passthru = {
      inherit jre startupArchive;
      tests = {
        inherit startupArchive;
        vm = testers.runNixOSTest (
          import ./tests/vm.nix {
            module = {
              imports = [ ./module.nix ];
              services.${pname} = { inherit package; };
            };
          }
        );
      };
      updateScript = nix-update-script { };
    };

    meta = {
      description = "Signs and uploads what Nix has built, outside the build loop";
      longDescription = ''
        A post-build-hook that hands store paths over to a queue on disk, and a worker that signs and uploads them:
        started by systemd when paths come in, gone when nothing is left to do.
      '';
      homepage = "https://github.com/nix-post-build-hook-queue/nix-post-build-hook-queue";
      changelog = "https://github.com/nix-post-build-hook-queue/nix-post-build-hook-queue/blob/main/CHANGELOG.md";
      license = lib.licenses.mit;
      maintainers = [ ];
      mainProgram = pname;
      # Those that src/dev/Repack.java knows the native libraries of.
      platforms = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      sourceProvenance = [
        lib.sourceTypes.fromSource
        # Maven Central's jars, with two native libraries in them.
        lib.sourceTypes.binaryBytecode
        lib.sourceTypes.binaryNativeCode
      ];
    };
  };
in
package
