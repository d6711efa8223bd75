# The module's units, tmpfiles rules, warnings and more for one configuration, or its own error.
#   nix-instantiate --eval --strict --json evaluate.nix --arg user '{ uploadTo = "file:///srv/cache"; }'
{
  module ? ../module.nix,
  user ? { },
  # Of the whole machine.
  machine ? { },
  pkgs ? import ./stand-in/pkgs.nix {
    lib = import ./stand-in/lib.nix;
    system = builtins.currentSystem;
  },
}:
let
  lib = import ./stand-in/lib.nix;
  eval = lib.evalModules {
    modules = [
      ./stand-in/nixos.nix
      module
      machine
      {
        _module.args.pkgs = pkgs;
        services.nix-post-build-hook-queue = {
          enable = true;
        }
        // user;
      }
    ];
  };
  failed = map (a: a.message) (lib.filter (a: !a.assertion) eval.config.assertions);
in
if failed != [ ] then
  throw ("Failed assertions:\n" + lib.concatMapStringsSep "\n" (m: "- ${m}") failed)
else
  {
    files = eval.config.rendered;
    inherit (eval.config) warnings;
    nix = eval.config.nix.settings;
    etc = eval.config.environment.etc;
    users = eval.config.users;
    packages = eval.config.environment.systemPackages;
    # By name, what somebody who reads about an option would miss.
    options = lib.mapAttrs (
      _: o: lib.filter (part: !(o ? ${part})) [ "description" "example" "type" ]
    ) eval.options.services.nix-post-build-hook-queue;
  }
