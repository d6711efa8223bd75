# The options of services.nix-post-build-hook-queue: one for every setting, by the name that the setting has.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.nix-post-build-hook-queue;

  # What the worker reads as a duration.
  duration = types.either types.ints.unsigned (types.strMatching "[0-9]{1,15}(ms|s|min|h|d)?");
  # One word, for it goes into a list of words. The worker knows the same forms.
  destination = types.strMatching "([a-zA-Z][a-zA-Z0-9+.-]*://|/|exec:/)[^[:space:]]*|(daemon|local)([?][^[:space:]]*)?";
  secret = types.nullOr types.externalPath;
  regex = types.nullOr types.singleLineStr;
  # What a destination may have for itself alone; null: as for all of them.
  own =
    type: setting:
    mkOption {
      type = types.nullOr type;
      default = null;
      description = "${setting} for this destination alone; null: as for all of them.";
    };
in
{
  options.services.nix-post-build-hook-queue = {
    enable = lib.mkEnableOption "signing and uploading what Nix builds, outside the build loop";

    package = lib.mkPackageOption pkgs "nix-post-build-hook-queue" { };

    nixPackage = mkOption {
      type = types.package;
      default = config.nix.package;
      defaultText = lib.literalExpression "config.nix.package";
      example = lib.literalExpression "pkgs.nixVersions.latest";
      description = "The Nix that signs and copies (NPBHQ_NIX).";
    };

    signingPrivateKeyPath = mkOption {
      type = secret;
      default = null;
      example = "/run/secrets/nix-store-signing-priv-key";
      description = ''
        Where the key is that signs every path, and what was built here of its closure, before any upload
        (NPBHQ_SIGNING_PRIVATE_KEY_PATH). Read by systemd as root, so it may be readable by root alone. Not signed if null.
      '';
    };

    sshPrivateKeyPath = mkOption {
      type = secret;
      default = null;
      example = "/run/secrets/ssh-priv-key";
      description = "Where the key is that opens ssh:// and ssh-ng:// destinations. Read by systemd as root.";
    };

    uploadTo = mkOption {
      type = types.nullOr (types.either destination (types.listOf destination));
      default = null;
      example = [
        "ssh://nix-ssh@nix-cache.example.com"
        "file:///srv/cache?compression=zstd"
      ];
      description = ''
        Where to: any Nix store URL, or `exec:/path/program`, run with the paths as arguments and in OUT_PATHS
        (NPBHQ_UPLOAD_TO). Several do not wait for each other.

        If null, nothing is uploaded unless /etc/nix-post-build-hook-queue/environment sets NPBHQ_UPLOAD_TO, for which
        the service has network and ssh. With `[ ]` nothing ever is, and the service has neither.
      '';
    };

    destinations = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            url = mkOption {
              type = destination;
              example = "ssh-ng://nix-ssh@office.example.com";
              description = "Where to, in the forms of `uploadTo`.";
            };
            include = own types.singleLineStr "include";
            exclude = own types.singleLineStr "exclude";
            batchSize = own (types.ints.between 1 10000) "batchSize";
            parallel = own (types.ints.between 1 16) "parallel";
            substituteOnDestination = own types.bool "substituteOnDestination";
          };
        }
      );
      default = { };
      example = {
        office = {
          url = "ssh-ng://nix-ssh@office.example.com";
          exclude = "-debug$";
          parallel = 2;
        };
      };
      description = ''
        Destinations with names, besides those of `uploadTo`. One with a name keeps its queue when its URL changes, and may
        have settings of its own (NPBHQ_INCLUDE_office and so on). A path goes to the destinations whose filters take it.
      '';
    };

    knownHosts = mkOption {
      type = types.listOf types.singleLineStr;
      default = [ ];
      example = [ "nix-cache.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI..." ];
      description = ''
        Lines of known_hosts for the destinations. `programs.ssh.knownHosts` counts as well; ssh never asks here.
      '';
    };

    sshOptions = mkOption {
      type = types.listOf (types.strMatching "[A-Za-z0-9]+=[^[:space:]\"'\\\\]+");
      default = [ ];
      example = [ "Port=2222" ];
      description = "Options of {manpage}`ssh_config(5)` for the destinations. They win over those that the service sets.";
    };

    user = mkOption {
      type = types.strMatching "[a-z_][a-z0-9_-]*";
      default = "nix-post-build-hook-queue";
      example = "uploader";
      description = ''
        Who the worker runs as. Only the default is made by this module. When it is changed, the state directory is handed
        over as a whole; the directory of a file:// destination stays whose it is.
      '';
    };

    group = mkOption {
      type = types.strMatching "[a-z_][a-z0-9_-]*";
      default = "nix-post-build-hook-queue";
      example = "uploaders";
      description = "The worker's group. Only the default is made by this module.";
    };

    socketPath = mkOption {
      type = types.externalPath;
      default = "/run/nix-post-build-hook-queue.sock";
      example = "/run/uploads.sock";
      description = "The socket that takes paths in, of at most 107 characters, without a comma (NPBHQ_SOCKET).";
    };

    socketGroup = mkOption {
      type = types.nullOr (types.strMatching "[a-z_][a-z0-9_-]*");
      default = null;
      example = "wheel";
      description = "Who may queue paths and look, besides root. Whoever may, may have any valid path signed and uploaded.";
    };

    stateDir = mkOption {
      type = types.externalPath;
      default = "/var/lib/nix-post-build-hook-queue";
      example = "/srv/nix-post-build-hook-queue";
      description = ''
        The queue's database and spool (NPBHQ_STATE_DIR). Must survive a reboot, and be for the queue alone: all that is in
        it is made the worker's.
      '';
    };

    gcrootsDir = mkOption {
      type = types.externalPath;
      default = "/nix/var/nix/gcroots/nix-post-build-hook-queue";
      example = "/nix/var/nix/gcroots/uploads";
      description = "Where queued paths are rooted, in a directory of its own below /nix/var/nix/gcroots (NPBHQ_GCROOTS_DIR).";
    };

    storeDir = mkOption {
      type = types.strMatching "/.+";
      default = "/nix/store";
      example = "/nix/store";
      description = "Where the store is (NPBHQ_STORE_DIR).";
    };

    batchSize = mkOption {
      type = types.ints.between 1 10000;
      default = 200;
      example = 50;
      description = "The most paths that one `nix copy` gets (NPBHQ_BATCH_SIZE).";
    };

    parallel = mkOption {
      type = types.ints.between 1 16;
      default = 4;
      example = 8;
      description = "The most child processes of one destination at a time (NPBHQ_PARALLEL).";
    };

    idleTimeout = mkOption {
      type = duration;
      default = "30s";
      example = "5min";
      description = "How long the worker stays without work or connections (NPBHQ_IDLE_TIMEOUT).";
    };

    stallTimeout = mkOption {
      type = duration;
      default = "10min";
      example = "1h";
      description = "When a transfer without progress is ended (NPBHQ_STALL_TIMEOUT). One that moves has no limit.";
    };

    maxAttempts = mkOption {
      type = types.ints.between 1 1000;
      default = 10;
      example = 3;
      description = "A path's failures at a destination that works, before it is failed (NPBHQ_MAX_ATTEMPTS).";
    };

    failedRetention = mkOption {
      type = duration;
      default = "30d";
      example = "7d";
      description = "How long failed paths are kept, and kept from garbage collection (NPBHQ_FAILED_RETENTION).";
    };

    include = mkOption {
      type = regex;
      default = null;
      example = "^(linux|firefox)-";
      description = "Only paths whose name, after the hash, this regular expression finds something in (NPBHQ_INCLUDE).";
    };

    exclude = mkOption {
      type = regex;
      default = null;
      example = "-source$";
      description = "No paths whose name, after the hash, this regular expression finds something in (NPBHQ_EXCLUDE).";
    };

    substituteOnDestination = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = ''
        Whether SSH destinations fetch from their own substituters what these have (NPBHQ_SUBSTITUTE_ON_DESTINATION).
      '';
    };

    metricsFile = mkOption {
      type = types.nullOr types.externalPath;
      default = null;
      example = "/var/lib/node-exporter/textfiles/nix-post-build-hook-queue.prom";
      description = "A file for node_exporter's textfile collector, in a directory of its own or one that the worker may write to (NPBHQ_METRICS_FILE).";
    };

    verifyDates = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "weekly";
      description = ''
        When to ask every destination whether it still has what was delivered to it, and to send again what is missing, in
        the form of systemd.time(7). Never if null.
      '';
    };

    logLevel = mkOption {
      type = types.enum [
        "trace"
        "debug"
        "info"
        "warn"
        "error"
      ];
      default = "info";
      example = "debug";
      description = "What of the worker goes to the journal (NPBHQ_LOG_LEVEL).";
    };

    hookTimeout = mkOption {
      type = duration;
      default = "5s";
      example = "2s";
      description = "The longest that the hook holds a build (NPBHQ_HOOK_TIMEOUT).";
    };

    extraEnvironment = mkOption {
      type = types.attrsOf (types.either types.str types.ints.unsigned);
      default = { };
      example = {
        AWS_REGION = "eu-central-1";
      };
      description = ''
        More variables for the worker, and so for Nix and ssh. Everybody can read them in the store; secrets go to
        /etc/nix-post-build-hook-queue/environment (`NAME=value` lines, mode 0600), which the service reads if it is there.
      '';
    };
  };

  # Derived from the options in one place, for assertions and units.
  config._module.args.npbhq = rec {
    unnamed = lib.optionals (cfg.uploadTo != null) (lib.toList cfg.uploadTo);
    # URLs, and the same as words of NPBHQ_UPLOAD_TO.
    destinations = unnamed ++ lib.mapAttrsToList (_: d: d.url) cfg.destinations;
    words = unnamed ++ lib.mapAttrsToList (name: d: "${name}=${d.url}") cfg.destinations;
    # Then the environment file may name some, of which nothing is known here.
    isOpen = cfg.uploadTo == null && cfg.destinations == { };
    isSsh = url: lib.hasPrefix "ssh://" url || lib.hasPrefix "ssh-ng://" url;
    ssh = lib.filter isSsh destinations;
    maySsh = isOpen || ssh != [ ];
    # The program of an exec: destination, of which there may be several.
    programs = map (lib.removePrefix "exec:") (lib.filter (lib.hasPrefix "exec:") destinations);
    # The directory of a destination on this machine, or null: file:///DIR?…, local?root=… is Nix's own affair.
    directory =
      url:
      let
        bare = lib.head (lib.splitString "?" url);
      in
      if lib.hasPrefix "file://" bare then
        lib.removePrefix "file://" bare
      else if lib.hasPrefix "/" bare then
        bare
      else
        null;
    directories = lib.filter (d: d != null) (map directory destinations);
    # What leaves the machine, as far as anybody can tell: an exec: program may do anything.
    isLocal =
      url:
      directory url != null
      || lib.any (p: lib.hasPrefix p url) [
        "unix://"
        "local"
        "daemon"
      ];
    needsNetwork = isOpen || lib.any (url: !isLocal url) destinations;
  };
}
