# The package: the tree that ./dev build makes, put together by the same script, on a Java runtime of its own.
{
  lib,
  maven,
  jdk25_headless,
  jre25_minimal,
  runCommand,
  coreutils,
  dash,
  runtimeShell,
  socat,
  systemd,
  util-linux,
}:
let
  pname = "nix-post-build-hook-queue";
  version = "0.1.0";

  # java.sql brings java.logging and java.xml, for junixsocket and logback. tests/run runs a queue on just these.
  jre = jre25_minimal.override {
    jdk = jdk25_headless;
    modules = [
      "java.base"
      "java.sql"
    ];
  };

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
        nativeBuildInputs = [
          socat
          systemd
        ];
        JAVA_HOME = "${jre}";
      }
      ''
        mkdir $out
        sh ${../src/dev/archive.sh} ${package} $out
        mv $out/startup-*.aot $out/startup.aot
      '';

  package = maven.buildMavenPackage {
    inherit pname version;

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
        ../systemd
      ];
    };

    mvnJdk = jdk25_headless;
    # Of what Maven fetches; changes with pom.xml. Written by ./update-mvn-hash.
    mvnHash = "sha256-XXCPU/95FH1e1EyWi4mAMifZmncT6LwDk+JDeM642AQ=";
    # Without the static checks, which are for who changes the code. What the tests need Nix for is not part of
    # Maven's "package" phase.
    mvnParameters = "-Dfast";
    # One test, for Maven fetches what runs tests when it runs them.
    mvnFetchExtraArgs.MAVEN_ARGS = "-Dtest=DurationsTest";

    installPhase = ''
      runHook preInstall
      JAVA_HOME=${jdk25_headless} sh src/dev/assemble.sh $out
      ln -s ${jre} $out/lib/${pname}/runtime
      # /bin/sh is there on NixOS, and need not be where else Nix is. It is bash, which starts more slowly than dash and,
      # when it cannot fork, tries for 15 s.
      substituteInPlace $out/bin/post-build-hook \
        --replace-fail tools=/run/current-system 'tools=${tools}:/run/current-system' \
        --replace-fail /bin/sh ${dash}/bin/dash
      substituteInPlace $out/bin/${pname} \
        --replace-fail 'PATH=''${PATH:+$PATH:}/run' 'PATH=${tools}:''${PATH:+$PATH:}/run' \
        --replace-fail '#!/bin/sh' '#!${dirOf runtimeShell}/sh'
      substituteInPlace $out/lib/systemd/system/${pname}.service --replace-fail @PREFIX@ $out
      runHook postInstall
    '';

    # The jars, native libraries and links are what the start-up archive will be made for.
    dontStrip = true;

    passthru = {
      inherit jre startupArchive;
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
