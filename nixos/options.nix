# The options of services.nix-post-build-hook-queue: one for every setting, with the setting's name.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.nix-post-build-hook-queue;

  # The worker's syntax for durations.
  duration = types.either types.ints.unsigned (types.strMatching "[0-9]{1,15}(ms|s|min|h|d)?");
  # One word, because the setting is a list of words. The worker accepts the same forms.
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
      description = "The Nix package that the worker uses to sign and copy (NPBHQ_NIX).";
    };

    signingPrivateKeyPath = mkOption {
      type = secret;
      default = null;
      example = "/run/secrets/nix-store-signing-priv-key";
      description = ''
        The file with the signing key (NPBHQ_SIGNING_PRIVATE_KEY_PATH). Before any upload the worker signs every path,
        and the paths of its closure that were built on this machine. systemd reads the file as root, so it may be
        readable only by root. If null, nothing is signed.
      '';
    };

    sshPrivateKeyPath = mkOption {
      type = secret;
      default = null;
      example = "/run/secrets/ssh-priv-key";
      description = "The file with the SSH key for ssh:// and ssh-ng:// destinations. systemd reads it as root.";
    };

    uploadTo = mkOption {
      type = types.nullOr (types.either destination (types.listOf destination));
      default = null;
      example = [
        "ssh://nix-ssh@nix-cache.example.com"
        "file:///srv/cache?compression=zstd"
      ];
      description = ''
        The destinations: any Nix store URL, or `exec:/path/program`, which the worker runs with the paths as arguments
        and in OUT_PATHS (NPBHQ_UPLOAD_TO). Several destinations do not wait for each other.

        If null, only /etc/nix-post-build-hook-queue/environment may set NPBHQ_UPLOAD_TO, and the service has network and
        ssh for it. With `[ ]` nothing is uploaded, and the service has neither.
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
        have settings of its own (NPBHQ_INCLUDE_office and so on). One whose URL stays keeps its queue when its name
        changes, or when it moves from `uploadTo` to here. A path goes to the destinations whose filters take it.
      '';
    };

    knownHosts = mkOption {
      type = types.listOf types.singleLineStr;
      default = [ ];
      example = [ "nix-cache.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI..." ];
      description = ''
        Lines of known_hosts for the destinations. ssh also uses `programs.ssh.knownHosts`, and never asks for
        confirmation.
      '';
    };

    sshOptions = mkOption {
      type = types.listOf (types.strMatching "[A-Za-z0-9]+=[^[:space:]\"'\\\\]+");
      default = [ ];
      example = [ "Port=2222" ];
      description = "Options of {manpage}`ssh_config(5)` for the destinations. They override the service's options.";
    };

    user = mkOption {
      type = types.strMatching "[a-z_][a-z0-9_-]*";
      default = "nix-post-build-hook-queue";
      example = "uploader";
      description = ''
        The worker's user. The module creates only the default user. After a change, the whole state directory gets the
        new owner, but not the directory of a file:// destination.
      '';
    };

    group = mkOption {
      type = types.strMatching "[a-z_][a-z0-9_-]*";
      default = "nix-post-build-hook-queue";
      example = "uploaders";
      description = "The worker's group. The module creates only the default group.";
    };

    socketPath = mkOption {
      type = types.externalPath;
      default = "/run/nix-post-build-hook-queue.sock";
      example = "/run/uploads.sock";
      description = "The path of the queue's socket, at most 107 characters, without a comma (NPBHQ_SOCKET).";
    };

    socketGroup = mkOption {
      type = types.nullOr (types.strMatching "[a-z_][a-z0-9_-]*");
      default = null;
      example = "wheel";
      description = "A group that may queue paths and read the state, in addition to root. Its members can have any valid path signed and uploaded.";
    };

    stateDir = mkOption {
      type = types.externalPath;
      default = "/var/lib/nix-post-build-hook-queue";
      example = "/srv/nix-post-build-hook-queue";
      description = ''
        The directory of the queue's database and spool (NPBHQ_STATE_DIR). It must survive a reboot, and contain only the
        queue's files: the worker's user becomes the owner of all files in it.
      '';
    };

    gcrootsDir = mkOption {
      type = types.externalPath;
      default = "/nix/var/nix/gcroots/nix-post-build-hook-queue";
      example = "/nix/var/nix/gcroots/uploads";
      description = "The directory for the GC roots of queued paths, for the queue alone, below /nix/var/nix/gcroots (NPBHQ_GCROOTS_DIR).";
    };

    storeDir = mkOption {
      type = types.strMatching "/.+";
      default = "/nix/store";
      example = "/nix/store";
      description = "The store directory (NPBHQ_STORE_DIR).";
    };

    batchSize = mkOption {
      type = types.ints.between 1 10000;
      default = 200;
      example = 50;
      description = "The most paths for one `nix copy` (NPBHQ_BATCH_SIZE).";
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
      description = "The worker exits after this time without work or connections (NPBHQ_IDLE_TIMEOUT).";
    };

    stallTimeout = mkOption {
      type = duration;
      default = "10min";
      example = "1h";
      description = "The worker ends a transfer after this time without progress (NPBHQ_STALL_TIMEOUT). A transfer with progress has no time limit.";
    };

    maxAttempts = mkOption {
      type = types.ints.between 1 1000;
      default = 10;
      example = 3;
      description = "The number of failures at a working destination after which a path is failed (NPBHQ_MAX_ATTEMPTS).";
    };

    failedRetention = mkOption {
      type = duration;
      default = "30d";
      example = "7d";
      description = "The time for which the queue keeps failed paths, and protects them from garbage collection (NPBHQ_FAILED_RETENTION).";
    };

    include = mkOption {
      type = regex;
      default = null;
      example = "^(linux|firefox)-";
      description = "Queue only paths whose name, after the hash, matches this regular expression somewhere (NPBHQ_INCLUDE).";
    };

    exclude = mkOption {
      type = regex;
      default = null;
      example = "-source$";
      description = "Do not queue paths whose name, after the hash, matches this regular expression somewhere (NPBHQ_EXCLUDE).";
    };

    substituteOnDestination = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = ''
        Whether SSH destinations fetch paths from their own substituters where possible
        (NPBHQ_SUBSTITUTE_ON_DESTINATION).
      '';
    };

    metricsFile = mkOption {
      type = types.nullOr types.externalPath;
      default = null;
      example = "/var/lib/node-exporter/textfiles/nix-post-build-hook-queue.prom";
      description = "A file for node_exporter's textfile collector, in a directory that the worker may write to (NPBHQ_METRICS_FILE). The module creates a missing directory.";
    };

    verifyDates = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "weekly";
      description = ''
        When to ask every destination whether it still has the delivered paths, and to send missing ones again, as a
        calendar event of systemd.time(7). Never if null.
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
      description = "The lowest level of messages that the worker writes to the journal (NPBHQ_LOG_LEVEL).";
    };

    hookTimeout = mkOption {
      type = duration;
      default = "5s";
      example = "2s";
      description = "The longest time that the hook may delay a build (NPBHQ_HOOK_TIMEOUT).";
    };

    extraEnvironment = mkOption {
      type = types.attrsOf (types.either types.str types.ints.unsigned);
      default = { };
      example = {
        AWS_REGION = "eu-central-1";
      };
      description = ''
        Additional environment variables of the worker, Nix and ssh. Every user can read them in the store. Put secrets
        into /etc/nix-post-build-hook-queue/environment (`NAME=value` lines, mode 0600), which the service reads if it
        exists.
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
    # With null, the environment file may name SSH destinations.
    maySsh = isOpen || ssh != [ ];
    # The programs of the exec: destinations.
    programs = map (lib.removePrefix "exec:") (lib.filter (lib.hasPrefix "exec:") destinations);
    # The directory of a destination on this machine (file:///DIR?…), else null. For local?root=… also null.
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
    # Whether a destination is certainly on this machine. An exec: program may use the network.
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
