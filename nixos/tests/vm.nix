# An end-to-end test on two NixOS machines, a builder and a cache over SSH, for pkgs.testers.runNixOSTest. run executes the
# script on two booted Debian roots (driver.py); it has NOT been run on NixOS yet.
{ module }:
let
  name = "nix-post-build-hook-queue";
in
{
  inherit name;

  nodes = {
    cache =
      { pkgs, ... }:
      {
        nix.sshServe = {
          enable = true;
          write = true;
        };
        # Accept unsigned paths, too; the test checks signatures itself.
        nix.settings.trusted-users = [ "nix-ssh" ];
        nix.settings.substituters = pkgs.lib.mkForce [ ];
        virtualisation.writableStore = true;
        services.openssh = {
          enable = true;
          authorizedKeysFiles = [ "/var/authorized/%u" ];
        };
      };

    builder =
      { pkgs, ... }:
      {
        imports = [ module ];
        virtualisation.writableStore = true;
        # Built paths must survive a power cut.
        virtualisation.writableStoreUseTmpfs = false;
        virtualisation.memorySize = 2048;
        nix.settings = {
          substituters = pkgs.lib.mkForce [ ];
          experimental-features = [ "nix-command" ];
        };
        environment.systemPackages = [
          pkgs.openssh
          pkgs.socat
        ];
        services.${name} = {
          enable = true;
          # The test creates these later, like sops-nix its secrets: the worker fails until they exist.
          signingPrivateKeyPath = "/var/keys/signing";
          sshPrivateKeyPath = "/var/keys/ssh";
          uploadTo = [
            "ssh://nix-ssh@cache"
            "file:///var/cache/second"
          ];
          idleTimeout = "3s";
          # The cache creates its key at boot.
          sshOptions = [ "StrictHostKeyChecking=accept-new" ];
        };
        specialisation = {
          other.configuration.services.${name}.batchSize = 50;
          # The units of the original program, as far as a switch needs them.
          original.configuration = {
            services.${name}.enable = pkgs.lib.mkForce false;
            systemd.sockets.${name} = {
              wantedBy = [ "sockets.target" ];
              listenDatagrams = [ "/run/${name}.sock" ];
            };
            systemd.services.${name} = {
              script = "exec cat <&3 >/dev/null";
              serviceConfig.DynamicUser = true;
            };
          };
        };
      };
  };

  testScript = builtins.readFile ./vm.py;
}
