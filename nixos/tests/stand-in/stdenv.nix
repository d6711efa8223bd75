# nixpkgs' stdenv.mkDerivation, as far as package.nix can tell, for real builds: see ../host.nix. What it leaves out of a
# build is left out on purpose: a build here has less than one in nixpkgs.
{ lib }:
let
  system = builtins.currentSystem;
  # Where run maps the machine's own programs to.
  bash = "/hidden/bin/bash";

  # Copies, which run outside the sandbox as well. NAME=PROGRAM where Debian has an alternative by that name.
  programs =
    name: list:
    derivation {
      inherit name system;
      builder = bash;
      args = [
        "-euc"
        ''
          /hidden/bin/mkdir -p $out/bin
          for program in ${toString list}; do
              [ -e /hidden/bin/''${program#*=} ] || { echo "Debian has no $program"; exit 1; }
              /hidden/bin/cp -L /hidden/bin/''${program#*=} $out/bin/''${program%=*}
          done
        ''
      ];
    };

  tools = import ./tools.nix;
  coreutils = programs "coreutils" tools.coreutils;
  others = programs "stdenv-tools" tools.others;
  # "exit 0", so that bash does not become its last program: one that closes its output before it ends is killed by Nix.
  shells = derivation {
    inherit system;
    name = "bash";
    builder = bash;
    args = [
      "-euc"
      "/hidden/bin/mkdir -p $out/bin; /hidden/bin/cp -L ${bash} $out/bin/bash; /hidden/bin/ln -s bash $out/bin/sh; exit 0"
    ];
  };

  setup = ''
    set -euo pipefail
    # Debian's compiler, copied, looks for its parts beside itself.
    export GCC_EXEC_PREFIX=/usr/lib/gcc/
    export SHELL=${shells}/bin/bash HOME=/homeless-shelter
    # With __structuredAttrs nothing but what "env" names reaches the programs of a build.
    if [ -e .attrs.sh ]; then
        source .attrs.sh
        for name in "''${!env[@]}"; do export "$name=''${env[$name]}"; done
        for name in "''${!outputs[@]}"; do export "$name=''${outputs[$name]}"; done
        inputs=("''${nativeBuildInputs[@]}" "''${nativeInstallCheckInputs[@]}")
    else
        inputs=(''${nativeBuildInputs-} ''${nativeInstallCheckInputs-})
    fi
    PATH=${coreutils}/bin:${others}/bin:${shells}/bin
    preInstallCheckHooks=()
    for input in "''${inputs[@]}"; do
        PATH=$input/bin:$PATH
        if [ -e "$input/nix-support/setup-hook" ]; then source "$input/nix-support/setup-hook"; fi
    done
    export PATH
    umask 022

    runHook() {
        if [ -n "''${!1-}" ]; then eval "''${!1}"; fi
        if [ "$1" = preInstallCheck ]; then
            local hook
            for hook in "''${preInstallCheckHooks[@]}"; do "$hook"; done
        fi
    }
    substituteInPlace() {
        local file=$1 text
        shift
        text=$(cat "$file")
        while [ $# -gt 0 ]; do
            [ "$1" = --replace-fail ] && [[ $text == *"$2"* ]] || { echo "substituteInPlace $file: no $2" >&2; return 1; }
            text=''${text//"$2"/"$3"}
            shift 3
        done
        printf '%s\n' "$text" >"$file"
    }

    if [ -z "''${dontUnpack-}" ]; then
        cp -r "$src" source
        chmod -R u+w source
        cd source
    fi
    eval "''${buildPhase-}"
    eval "$installPhase"
    if [ -z "''${dontFixup-}" ] && [ -d "$out/share/man" ]; then
        # As nixpkgs does it; so a test must not look for pages by their plain name.
        find "$out/share/man" -type f -name '*.[0-9]' -exec gzip -n9 {} +
    fi
    if [ -n "''${doInstallCheck-}" ]; then
        runHook preInstallCheck
        eval "''${installCheckPhase-}"
    fi
    exit 0
  '';

  # As nixpkgs has it, a variable is an attribute of the derivation or of `env`, not of both.
  mkDerivation =
    {
      env ? { },
      __structuredAttrs ? false,
      ...
    }@a:
    let
      twice = builtins.attrNames (builtins.intersectAttrs env a);
    in
    if twice != [ ] then
      throw "mkDerivation: `env` repeats attributes of the derivation: ${toString twice}"
    else
      derivation (
        removeAttrs a [ "env" ]
        // (
          if __structuredAttrs then
            {
              inherit env;
              # Nix does not look at the attribute of that name then.
              outputChecks.out.disallowedReferences = a.disallowedReferences or [ ];
            }
          else
            env
        )
        // {
          inherit system;
          builder = bash;
          args = [
            "-c"
            setup
          ];
        }
      );
in
{
  inherit mkDerivation programs;
  shell = "${shells}/bin/bash";
  hook =
    name: text:
    derivation {
      inherit name system text;
      builder = bash;
      args = [
        "-euc"
        "/hidden/bin/mkdir -p $out/bin $out/nix-support; echo \"$text\" >$out/nix-support/setup-hook"
      ];
    };
}
