# A user's flake.nix: the original's usage, with a stand-in for NixOS and without secrets.
{
  inputs = {
    unstable.url = "path:@FLAKE@/nixos/tests/stand-in";

    nix-post-build-hook-queue = {
      url = "path:@FLAKE@";
      inputs.nixpkgs.follows = "unstable";
      inputs.treefmt.follows = "";
    };
  };

  outputs =
    { unstable, nix-post-build-hook-queue, ... }:
    let
      pkgs = unstable.legacyPackages.x86_64-linux.extend nix-post-build-hook-queue.overlays.default;
      machine = unstable.lib.evalModules {
        modules = [
          "${unstable}/nixos.nix"
          nix-post-build-hook-queue.nixosModules.default
          (
            { ... }:
            {
              _module.args.pkgs = pkgs;
              services.nix-post-build-hook-queue = {
                enable = true;
                # optional setting to sign paths before uploading
                signingPrivateKeyPath = "/run/secrets/cache-signing-priv-key";
                # optional settings to upload store paths after signing
                sshPrivateKeyPath = "/run/secrets/cache-ssh-priv-key";
                uploadTo = "ssh://nix-ssh@nix-cache.example.com";
              };
            }
          )
        ];
      };
    in
    {
      units = machine.config.rendered."nix-post-build-hook-queue.service";
    };
}
