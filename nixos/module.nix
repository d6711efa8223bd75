# The NixOS module. Its units equal those in ../systemd, which have the reasons for each line; tests/run compares them key
# by key.
{
  config,
  lib,
  pkgs,
  npbhq,
  ...
}:
let
  cfg = config.services.nix-post-build-hook-queue;
  name = "nix-post-build-hook-queue";

  # systemd expands specifiers in units, so escape them in values.
  literal = value: lib.replaceStrings [ "%" ] [ "%%" ] (toString value);

  # The settings that the hook and the client need, if they differ from the defaults.
  clientEnvironment = lib.filterAttrs (_: value: value != null) {
    NPBHQ_SOCKET = if cfg.socketPath == "/run/${name}.sock" then null else cfg.socketPath;
    NPBHQ_STATE_DIR = if cfg.stateDir == "/var/lib/${name}" then null else cfg.stateDir;
    NPBHQ_GCROOTS_DIR = if cfg.gcrootsDir == "/nix/var/nix/gcroots/${name}" then null else cfg.gcrootsDir;
    NPBHQ_STORE_DIR = if cfg.storeDir == "/nix/store" then null else cfg.storeDir;
    NPBHQ_HOOK_TIMEOUT = if cfg.hookTimeout == "5s" then null else toString cfg.hookTimeout;
  };
  plainHook = lib.getExe' cfg.package "post-build-hook";
  hook =
    if clientEnvironment == { } then
      plainHook
    else
      pkgs.writeShellScript "post-build-hook" ''
        ${lib.concatStringsSep "\n" (
          lib.mapAttrsToList (n: v: "export ${n}=${lib.escapeShellArg v}") clientEnvironment
        )}
        exec ${plainHook}
      '';

  # If an option occurs twice, ssh uses the first.
  sshOptions =
    cfg.sshOptions
    ++ [
      "BatchMode=yes"
      "IPQoS=throughput"
      "ConnectTimeout=15"
      "ServerAliveInterval=15"
      "ServerAliveCountMax=4"
      "UserKnownHostsFile=/etc/${name}/known_hosts"
    ];
  # Not through literal, because systemd must expand %d.
  identity = lib.optionalString (cfg.sshPrivateKeyPath != null) " -o IdentityFile=%d/${name}.ssh-key";

  # The start-up archive is not reproducible, so it is not part of the package. A package changed by overrideAttrs still has
  # the archive of the original one, which starts the original program.
  archive = cfg.package.startupArchive or null;
  workerPackage = if archive != null && archive.package.outPath == cfg.package.outPath then archive else cfg.package;

  inStateDirectory = lib.hasPrefix "/var/lib/" cfg.stateDir;
  metricsDir = if cfg.metricsFile == null then [ ] else [ (dirOf cfg.metricsFile) ];
in
{
  imports = [
    ./options.nix
    ./assertions.nix
    ./switch.nix
  ];

  config = lib.mkIf cfg.enable {
    nix.settings = {
      post-build-hook = hook;
      # "extra-", because allowed-users would replace the default, which admits every user.
      extra-allowed-users = [ cfg.user ];
    };

    environment.systemPackages = [ cfg.package ];
    environment.variables = lib.mkIf (clientEnvironment ? NPBHQ_SOCKET) {
      inherit (clientEnvironment) NPBHQ_SOCKET;
    };
    environment.etc."${name}/known_hosts" = lib.mkIf (cfg.knownHosts != [ ]) {
      text = lib.concatMapStringsSep "" (line: "${lib.removeSuffix "\n" line}\n") cfg.knownHosts;
    };

    # No DynamicUser=: ssh looks up its user's name and home in the password database.
    users.users = lib.mkIf (cfg.user == name) {
      ${name} = {
        isSystemUser = true;
        group = cfg.group;
        description = "Nix post-build hook queue";
        home = cfg.stateDir;
      };
    };
    users.groups = lib.mkIf (cfg.group == name) { ${name} = { }; };

    systemd.tmpfiles.settings."10-${name}" =
      let
        own = mode: {
          inherit mode;
          inherit (cfg) user group;
        };
        root = mode: own mode // { user = "root"; group = "root"; };
      in
      # ":" keeps mode and owner of an existing directory.
      lib.genAttrs (map literal (npbhq.directories ++ metricsDir)) (_: {
        d = {
          mode = ":0755";
          user = ":${cfg.user}";
          group = ":${cfg.group}";
        };
      })
      // {
        ${cfg.stateDir} = {
          d = own "0700";
          Z = own "-";
        };
        "${cfg.stateDir}/spool".d = own "0700";
        ${cfg.gcrootsDir}.d = own "0755";
        "/etc/${name}".d = root "0755";
        "/etc/${name}/environment".z = root "0600";
      };

    systemd.sockets.${name} = {
      description = "Paths built by Nix, to be signed and uploaded";
      documentation = [ "man:${name}(8)" ];
      wantedBy = [ "sockets.target" ];
      listenStreams = [ (literal cfg.socketPath) ];
      socketConfig = {
        FileDescriptorName = "queue";
        SocketMode = if cfg.socketGroup == null then "0600" else "0660";
        RemoveOnStop = true;
        Backlog = 4096;
        PollLimitIntervalSec = "3s";
        PollLimitBurst = 12;
        TriggerLimitIntervalSec = "3s";
        TriggerLimitBurst = 30;
      }
      // lib.optionalAttrs (cfg.socketGroup != null) { SocketGroup = cfg.socketGroup; };
    };

    systemd.timers."${name}-verify" = lib.mkIf (cfg.verifyDates != null) {
      description = "Regular check of the paths that the Nix post-build hook queue has delivered";
      documentation = [ "man:${name}(1)" ];
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnCalendar = cfg.verifyDates;
        RandomizedDelaySec = "6h";
        Persistent = true;
      };
    };

    systemd.services."${name}-verify" = lib.mkIf (cfg.verifyDates != null) {
      description = "Check the paths that the Nix post-build hook queue has delivered";
      documentation = [ "man:${name}(1)" ];
      requires = [ "${name}.socket" ];
      after = [ "${name}.socket" ];
      # A check may take hours, and a switch must not wait for it.
      restartIfChanged = false;
      environment = {
        NPBHQ_SOCKET = literal cfg.socketPath;
      };
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "${lib.getExe' cfg.package name} verify";
        StandardInput = "null";
        SyslogIdentifier = "${name}-verify";

        CapabilityBoundingSet = "";
        NoNewPrivileges = true;
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateTmp = true;
        PrivateNetwork = true;
        PrivateDevices = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        RestrictAddressFamilies = [ "AF_UNIX" ];
        MemoryDenyWriteExecute = true;
        LockPersonality = true;
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        SystemCallArchitectures = "native";
        SystemCallFilter = "@system-service";
      };
    };

    systemd.services.${name} = {
      description = "Sign and upload what Nix has built";
      documentation = [ "man:${name}(8)" ];
      requires = [ "${name}.socket" ];
      # Not network-online.target: the worker retries a destination that is not reachable yet.
      after = [
        "${name}.socket"
        "network.target"
        "nss-lookup.target"
        "nix-daemon.socket"
      ];
      wantedBy = [ "multi-user.target" ];

      unitConfig = {
        RequiresMountsFor = "/nix/store /nix/var/nix";
        StartLimitIntervalSec = 0;
      };
      # switch.nix has it restart when its running uploads are done.
      restartIfChanged = false;

      path = [ cfg.nixPackage ] ++ lib.optional npbhq.maySsh pkgs.openssh;

      environment = {
        HOME = if inStateDirectory then "%S/${lib.removePrefix "/var/lib/" cfg.stateDir}" else literal cfg.stateDir;
        XDG_CACHE_HOME = "%C/${name}";
        TMPDIR = "/var/tmp";
        NIX_SSHOPTS = lib.concatMapStringsSep " " (o: "-o ${literal o}") sshOptions + identity;
        NPBHQ_NIX = "${cfg.nixPackage}/bin/nix";
        NPBHQ_GCROOTS_DIR = literal cfg.gcrootsDir;
        NPBHQ_STATE_DIR = literal cfg.stateDir;
        NPBHQ_STORE_DIR = literal cfg.storeDir;
        NPBHQ_SOCKET = literal cfg.socketPath;
        NPBHQ_BATCH_SIZE = toString cfg.batchSize;
        NPBHQ_PARALLEL = toString cfg.parallel;
        NPBHQ_IDLE_TIMEOUT = toString cfg.idleTimeout;
        NPBHQ_STALL_TIMEOUT = toString cfg.stallTimeout;
        NPBHQ_MAX_ATTEMPTS = toString cfg.maxAttempts;
        NPBHQ_FAILED_RETENTION = toString cfg.failedRetention;
        NPBHQ_SUBSTITUTE_ON_DESTINATION = lib.boolToString cfg.substituteOnDestination;
        NPBHQ_LOG_LEVEL = cfg.logLevel;
        NPBHQ_SETTINGS_FILES = "/etc/${name}/environment /etc/systemd/system/${name}.service /etc/systemd/system/${name}.service.d";
      }
      // lib.optionalAttrs (npbhq.destinations != [ ]) {
        NPBHQ_UPLOAD_TO = literal (lib.concatStringsSep " " npbhq.words);
      }
      // lib.optionalAttrs (cfg.signingPrivateKeyPath != null) {
        NPBHQ_SIGNING_PRIVATE_KEY_PATH = "%d/${name}.signing-key";
      }
      // lib.optionalAttrs (cfg.include != null) { NPBHQ_INCLUDE = literal cfg.include; }
      // lib.optionalAttrs (cfg.exclude != null) { NPBHQ_EXCLUDE = literal cfg.exclude; }
      // lib.concatMapAttrs (
        name: d:
        lib.mapAttrs' (setting: value: lib.nameValuePair "NPBHQ_${setting}_${name}" (literal value)) (
          lib.filterAttrs (_: value: value != null) {
            INCLUDE = d.include;
            EXCLUDE = d.exclude;
            BATCH_SIZE = d.batchSize;
            PARALLEL = d.parallel;
            SUBSTITUTE_ON_DESTINATION =
              if d.substituteOnDestination == null then null else lib.boolToString d.substituteOnDestination;
          }
        )
      ) cfg.destinations
      // lib.optionalAttrs (cfg.metricsFile != null) { NPBHQ_METRICS_FILE = literal cfg.metricsFile; }
      // lib.mapAttrs (_: literal) cfg.extraEnvironment;

      serviceConfig = {
        Type = "notify";
        NotifyAccess = "main";
        ExecStart = "${lib.getExe' workerPackage name} serve";
        ExecReload = [
          "${lib.getExe' cfg.package name} serve --dry-run"
          "+${lib.getExe' cfg.package name} reload main-pid=\${MAINPID}"
        ];
        Sockets = "${name}.socket";
        StandardInput = "null";
        SyslogIdentifier = name;

        User = cfg.user;
        Group = cfg.group;
        CacheDirectory = name;
        CacheDirectoryMode = "0700";
        UMask = "0077";

        EnvironmentFile = "-/etc/${name}/environment";
        LoadCredential =
          lib.optional (cfg.signingPrivateKeyPath != null) "${name}.signing-key:${literal cfg.signingPrivateKeyPath}"
          ++ lib.optional (cfg.sshPrivateKeyPath != null) "${name}.ssh-key:${literal cfg.sshPrivateKeyPath}";

        TimeoutStartSec = "2min";
        TimeoutStopSec = "15s";
        KillMode = "mixed";
        WatchdogSec = "1min";
        WatchdogSignal = "SIGQUIT";
        TimeoutAbortSec = "5s";
        Restart = "on-failure";
        RestartSec = "1s";
        RestartSteps = 8;
        RestartMaxDelaySec = "15s";
        SuccessExitStatus = 75;
        RestartForceExitStatus = 75;
        RestartPreventExitStatus = 78;
        OOMPolicy = "continue";

        Nice = 10;
        CPUWeight = 20;
        IOWeight = 20;
        IOSchedulingClass = "best-effort";
        IOSchedulingPriority = 7;
        TasksMax = 2048;

        CapabilityBoundingSet = "";
        AmbientCapabilities = "";
        NoNewPrivileges = true;
        RestrictSUIDSGID = true;
        PrivateUsers = true;
        SystemCallArchitectures = "native";
        SystemCallFilter = [
          "@system-service"
          "~@privileged @resources"
        ];
        SystemCallErrorNumber = "EPERM";
        ProtectSystem = "strict";
        ReadWritePaths = [
          "-${literal cfg.gcrootsDir}"
        ]
        ++ map literal (npbhq.directories ++ metricsDir)
        ++ lib.optional (!inStateDirectory) (literal cfg.stateDir);
        ProtectHome = true;
        PrivateTmp = true;
        PrivateMounts = true;
        # The service cannot execute files that it can write.
        NoExecPaths = [
          "${
            if inStateDirectory then "%S/${lib.removePrefix "/var/lib/" cfg.stateDir}" else literal cfg.stateDir
          } %C/${name} /tmp /var/tmp /dev/shm"
          "-${literal cfg.gcrootsDir}"
        ]
        ++ map literal (npbhq.directories ++ metricsDir);
        ProtectProc = "invisible";
        ProcSubset = "all";
        PrivateIPC = true;
        RemoveIPC = true;
        KeyringMode = "private";
        PrivateDevices = true;
        DevicePolicy = "closed";
        DeviceAllow = "";
        ProtectClock = true;
        ProtectControlGroups = [
          true
          "strict"
        ];
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        LockPersonality = true;
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictAddressFamilies = [ "AF_UNIX" ] ++ lib.optionals npbhq.needsNetwork [ "AF_INET" "AF_INET6" ];
        SocketBindDeny = "any";
        LimitCORE = 0;
        CoredumpFilter = 0;
      }
      // lib.optionalAttrs inStateDirectory {
        StateDirectory = lib.removePrefix "/var/lib/" cfg.stateDir;
        StateDirectoryMode = "0700";
      };
    };
  };
}
