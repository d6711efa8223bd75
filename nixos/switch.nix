# A unit that completes a switch to another configuration; the header of switch.sh has the reasons.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.nix-post-build-hook-queue;
  name = "nix-post-build-hook-queue";
  script = "${pkgs.runtimeShell} ${./switch.sh}";
  worker = config.systemd.services.${name};
  socket = config.systemd.sockets.${name};
in
{
  config = lib.mkIf cfg.enable {
    systemd.services."${name}-switch" = {
      description = "Bring the Nix post-build hook queue to its present configuration";
      documentation = [ "man:${name}(8)" ];
      wantedBy = [ "multi-user.target" ];
      # The worker cannot start without its socket.
      before = [ "${name}.service" ];
      restartTriggers = map builtins.toJSON [
        { inherit (worker) environment serviceConfig unitConfig; }
        { inherit (socket) listenStreams socketConfig unitConfig; }
      ];
      # However often the administrator switches.
      unitConfig.StartLimitIntervalSec = 0;
      path = [ pkgs.socat ];
      environment = {
        NPBHQ_SOCKET = lib.replaceStrings [ "%" ] [ "%%" ] cfg.socketPath;
      };
      serviceConfig = {
        # The switch waits for "mend", but not for "hand-over".
        Type = "exec";
        ExecStartPre = "${script} mend";
        ExecStart = "${script} hand-over ${lib.getExe' cfg.package name}";
        # Restart it when the queue's units change, and only then.
        RemainAfterExit = true;
        SyslogIdentifier = name;

        # It needs only the sockets of systemd and the queue.
        CapabilityBoundingSet = "";
        NoNewPrivileges = true;
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateTmp = true;
        PrivateNetwork = true;
        PrivateDevices = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        RestrictAddressFamilies = "AF_UNIX";
        MemoryDenyWriteExecute = true;
        LockPersonality = true;
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        SystemCallArchitectures = "native";
        SystemCallFilter = "@system-service";
      };
    };
  };
}
