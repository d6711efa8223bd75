# Configurations that must evaluate: each a value of services.nix-post-build-hook-queue.
rec {
  # The configuration in the README of the Rust original, with sops-nix's resulting paths.
  original = {
    enable = true;
    signingPrivateKeyPath = "/run/secrets/cache-signing-priv-key";
    sshPrivateKeyPath = "/run/secrets/cache-ssh-priv-key";
    uploadTo = "ssh://nix-ssh@nix-cache.example.com";
  };

  # The configuration that the scenarios on a booted Debian (src/test/system) expect: render it, and pass the folder in
  # NPBHQ_TEST_UNITS.
  scenarios = {
    signingPrivateKeyPath = "/etc/credstore/nix-post-build-hook-queue.signing-key";
    sshPrivateKeyPath = "/etc/credstore/nix-post-build-hook-queue.ssh-key";
    uploadTo = "ssh://cache@localhost";
  };

  signing-only = {
    signingPrivateKeyPath = "/run/secrets/key";
  };

  never-uploaded = signing-only // {
    uploadTo = [ ];
  };

  # The destination is a secret in the environment file, which the module cannot see.
  secret-destination = signing-only // {
    sshPrivateKeyPath = "/run/secrets/ssh";
  };

  local = {
    uploadTo = "file:///srv/cache?compression=zstd&parallel-compression=true";
  };

  # Accepted with warnings.
  doubtful = {
    uploadTo = "file:///srv/cache";
    substituteOnDestination = true;
    knownHosts = [ "cache.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA" ];
    sshOptions = [ "StrictHostKeyChecking=no" ];
    signingPrivateKeyPath = "/run/secrets/key";
    nixPackage = (derivation { name = "nix-2.16.1"; builder = "/bin/sh"; system = builtins.currentSystem; }) // {
      pname = "nix";
      version = "2.16.1";
    };
  };

  # Values that need quoting somewhere.
  awkward = original // {
    uploadTo = [
      "s3://bucket?endpoint=a.example&profile=x%20y"
      "/mnt/other-store"
      "exec:/run/current-system/sw/bin/announce"
    ];
    sshPrivateKeyPath = null;
    include = "^(linux|fire\"fox)-[0-9]+\\.[0-9]%$";
    extraEnvironment.GREETING = "50% \"off\"";
  };

  # Destinations with names and settings of their own, and one without.
  named = {
    uploadTo = "file:///srv/cache";
    exclude = "-debug$";
    destinations = {
      office = {
        url = "ssh-ng://nix-ssh@office.example.com";
        exclude = "^100%$";
        parallel = 2;
        substituteOnDestination = true;
      };
      home = {
        url = "s3://home?region=x";
        include = "^linux-";
        batchSize = 7;
      };
    };
  };

  # Without uploadTo no other destination is expected.
  named-local = {
    destinations.disk.url = "file:///srv/disk";
  };

  # Every option, with other values than the defaults.
  everything = {
    uploadTo = [
      "ssh-ng://nix-ssh@one.example.com"
      "file:///srv/cache"
    ];
    signingPrivateKeyPath = "/run/secrets/key";
    sshPrivateKeyPath = "/run/secrets/ssh";
    knownHosts = [ "one.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA" ];
    sshOptions = [ "Port=2222" ];
    user = "uploader";
    group = "uploaders";
    socketPath = "/run/uploads.sock";
    socketGroup = "wheel";
    stateDir = "/srv/uploads";
    gcrootsDir = "/nix/var/nix/gcroots/uploads";
    storeDir = "/nix/store";
    batchSize = 50;
    parallel = 8;
    destinations.two.url = "ssh://nix-ssh@two.example.com";
    idleTimeout = 90;
    stallTimeout = "1h";
    maxAttempts = 3;
    failedRetention = "7d";
    include = "^linux-";
    exclude = "-source$";
    substituteOnDestination = true;
    metricsFile = "/var/lib/node-exporter/queue.prom";
    logLevel = "debug";
    hookTimeout = "2s";
    verifyDates = "weekly";
    extraEnvironment.AWS_REGION = "eu-central-1";
  };

  # As overrideAttrs makes it: another program, with the start-up archive of the original one.
  patched = local // {
    package =
      let
        original = import ./stand-in/pkgs.nix {
          lib = import ./stand-in/lib.nix;
          system = builtins.currentSystem;
        };
      in
      original.nix-post-build-hook-queue
      // derivation {
        name = "nix-post-build-hook-queue-patched";
        builder = "/bin/sh";
        system = builtins.currentSystem;
      };
  };
}
