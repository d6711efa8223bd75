# The package: the tree of ./dev build, made by the same script, with its own Java runtime.
#
# It uses `let` instead of buildMavenPackage's function form (finalAttrs), because users may have a nixpkgs from before May
# 2026. README.md in this folder describes the move into nixpkgs.
{
  lib,
  buildPackages,
  coreutils,
  dash,
  gawk,
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

  # java.sql requires java.logging and java.xml, for junixsocket and logback. tests/run runs a queue with only these.
  jre = jre25_minimal.override (
    {
      jdk = jdk25_headless;
      modules = [
        "java.base"
        "java.sql"
      ];
    }
    # The JDK for jlink; older versions of nixpkgs would use `jdk`.
    // lib.optionalAttrs (lib.functionArgs jre25_minimal.override ? jdkOnBuild) {
      jdkOnBuild = buildPackages.jdk25_headless;
    }
  );

  # NixOS contains all of these anyway.
  tools = lib.makeBinPath [
    coreutils
    gawk
    socat
    util-linux
  ];

  # The package, through links, and the JVM's start-up archive: a third of the start-up time. The archive is not
  # reproducible, so it is a separate derivation; the NixOS module starts the worker from here.
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
        mkdir -p $out/bin $out/lib/${pname}
        ln -s ${package}/bin/* $out/bin/
        ln -s ${package}/lib/${pname}/* $out/lib/${pname}/
        # The launcher follows links to find its folder.
        cp --remove-destination ${package}/bin/${pname} $out/bin/
        sh ${../src/dev/archive.sh} $out
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

    # The unit tests call these. Maven's "package" phase does not run the tests that need Nix.
    nativeBuildInputs = [
      perl
      util-linux
    ];

    mvnJdk = jdk25_headless;
    # The hash of Maven's downloads; it changes with pom.xml. ./update-mvn-hash updates it.
    mvnHash = "sha256-XXCPU/95FH1e1EyWi4mAMifZmncT6LwDk+JDeM642AQ=";
    # Without the static checks, which are for developers. Some tests have a time limit and may need a retry on a busy
    # builder.
    mvnParameters = "-Dfast -Dsurefire.rerunFailingTestsCount=2";
    # Run one test: Maven fetches its test runner only when it runs a test.
    mvnFetchExtraArgs.env.MAVEN_ARGS = "-Dtest=DurationsTest";
    # Older versions of buildMavenPackage do not export it under __structuredAttrs.
    preBuild = "export JAVA_HOME";

    installPhase = ''
      runHook preInstall
      JAVA_HOME=${jdk25_headless.home} sh src/dev/assemble.sh $out
      ln -s ${jre} $out/lib/${pname}/runtime
      # Not /bin/sh, which exists on NixOS but not necessarily elsewhere. There it is bash, which starts more slowly than
      # dash and retries fork for 15 s.
      substituteInPlace $out/libexec/${pname}/post-build-hook \
        --replace-fail tools=/run/current-system 'tools=${tools}:/run/current-system' \
        --replace-fail /bin/sh ${dash}/bin/dash
      substituteInPlace $out/bin/${pname} \
        --replace-fail 'PATH=''${PATH:+$PATH:}/run' 'PATH=${tools}:''${PATH:+$PATH:}/run' \
        --replace-fail '#!/bin/sh' '#!${dirOf runtimeShell}/sh'
      for unit in $out/lib/systemd/system/*.service; do substituteInPlace "$unit" --replace-fail @PREFIX@ $out; done
      runHook postInstall
    '';

    # The start-up archive depends on exactly these jars, native libraries and links.
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
      inherit jre;
      # With the package that it starts: overrideAttrs keeps the archive of the original one.
      startupArchive = startupArchive // {
        inherit package;
      };
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
      # The platforms whose native libraries src/dev/Repack.java knows.
      platforms = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      sourceProvenance = [
        lib.sourceTypes.fromSource
        # Jars from Maven Central, which contain two native libraries.
        lib.sourceTypes.binaryBytecode
        lib.sourceTypes.binaryNativeCode
      ];
    };
  };
in
package
