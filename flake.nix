{
  description = "Signs and uploads what Nix has built, outside the build loop";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    # Not used. Users of the original have `inputs.treefmt.follows = ""`, in their flakes, and get no warning for it this way.
    treefmt.follows = "nixpkgs";
  };

  outputs =
    { self, nixpkgs, ... }:
    let
      inherit (nixpkgs) lib;
      # An attribute for each system for which src/dev/Repack.java knows the native libraries.
      forEachSystem =
        make:
        lib.genAttrs [
          "aarch64-linux"
          "x86_64-linux"
        ] (system: make nixpkgs.legacyPackages.${system});
      packageOf = pkgs: self.packages.${pkgs.stdenv.hostPlatform.system}.default;
    in
    {
      packages = forEachSystem (pkgs: {
        default = pkgs.callPackage ./nixos/package.nix { };
      });

      overlays.default = final: _: {
        nix-post-build-hook-queue = final.callPackage ./nixos/package.nix { };
      };

      nixosModules.default =
        { lib, pkgs, ... }:
        {
          imports = [ ./nixos/module.nix ];
          services.nix-post-build-hook-queue.package = lib.mkDefault (packageOf pkgs);
        };

      checks = forEachSystem (pkgs: {
        package = packageOf pkgs;
        inherit (packageOf pkgs) startupArchive;
        vm = pkgs.testers.runNixOSTest (import ./nixos/tests/vm.nix { module = self.nixosModules.default; });
      });

      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell {
          JAVA_HOME = pkgs.jdk25_headless.home;
          packages = [
            pkgs.jdk25_headless
            pkgs.mandoc
            pkgs.maven
            pkgs.nix
            pkgs.openssh
            pkgs.shellcheck
            pkgs.socat
            pkgs.sqlite
            pkgs.strace
            pkgs.systemd
          ];
        };
      });

      formatter = forEachSystem (pkgs: pkgs.nixfmt-tree);

      apps = forEachSystem (pkgs: {
        demo = {
          type = "app";
          program = lib.getExe (
            pkgs.writeShellApplication {
              name = "nix-post-build-hook-queue-demo";
              runtimeInputs = [
                pkgs.coreutils
                pkgs.gnugrep
                pkgs.gnused
                pkgs.nix
                pkgs.procps
                pkgs.socat
                pkgs.systemd
              ];
              text = ''
                export NPBHQ_DEMO_DIST=${(packageOf pkgs).startupArchive}
                exec sh ${self}/dev demo
              '';
            }
          );
          meta.description = "The main job, live, in a scratch folder; leaves nothing behind";
        };
      });
    };
}
