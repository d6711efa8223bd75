# The whole, on two NixOS machines: one builds, one is the cache, over SSH. For pkgs.testers.runNixOSTest. run has the
# script run on two booted Debian roots (driver.py); on NixOS it has NOT been run yet.
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
        # So that unsigned paths are taken as well; the test looks at signatures itself.
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
        # What is built must be there after a power cut.
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
          # Made by the test, as secrets are by sops-nix: the worker fails until they are there.
          signingPrivateKeyPath = "/var/keys/signing";
          sshPrivateKeyPath = "/var/keys/ssh";
          uploadTo = [
            "ssh://nix-ssh@cache"
            "file:///var/cache/second"
          ];
          idleTimeout = "3s";
          # The cache's key is made when it boots.
          sshOptions = [ "StrictHostKeyChecking=accept-new" ];
        };
        specialisation = {
          other.configuration.services.${name}.batchSize = 50;
          # The units of the original program, as far as a switch is concerned.
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
