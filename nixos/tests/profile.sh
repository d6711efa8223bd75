# shellcheck shell=sh
# The package where Nix is installed on another distribution: `nix profile install` and the commands of README, on a booted
# Debian root with the store of run. Part of the stage "build".

: "${work:?a scratch folder}" "${tree:?a copy of the project}"

# The commands of README, except the one that needs the flake's nixpkgs.
readme_commands() {
    awk '/^### Nix on another distribution/ { here = 1; next } /^#/ { here = 0 } here && sub(/^    /, "")' "$tree/README.md" |
        grep -v 'nix profile install' | sed 's/^sudo //'
}

# profile_works PACKAGE: in a machine of vms_begin, which sets vms and debian.
# shellcheck disable=SC2154
profile_works() {
    machine=$vms/profile
    machine_mount "$debian"
    # Nix 2.8 looks into the registry even for a path.
    echo '{"flakes":[],"version":2}' >"$work/registry"
    mkdir "$work/profiles"
    nix profile install --option flake-registry "$work/registry" --profile "$work/profiles/default" "$1" || return 1
    mkdir -p "$machine/root$NIX_STORE_DIR" "$machine/root/nix/var/nix/profiles"
    mount --bind "$NIX_STORE_DIR" "$machine/root$NIX_STORE_DIR" || return 1
    ln -s "$(readlink -f "$work/profiles/default")" "$machine/root/nix/var/nix/profiles/default"
    # shellcheck disable=SC2016 # README's backquotes
    hook=$(sed -n 's/^`\(post-build-hook = [^`]*\)`.*/\1/p' "$tree/README.md")
    printf '%s\n' 'sandbox = false' 'substituters =' 'experimental-features = nix-command' "$hook" >"$machine/root/etc/nix/nix.conf"
    machine_boot || return 1
    profile_commands
    status=$?
    [ "$status" = 0 ] || root journalctl -b --no-pager -o short -n 60
    machine_cut
    rm "$machine/pid"
    umount "$machine/root$NIX_STORE_DIR"
    machine_unmount
    return "$status"
}

profile_commands() {
    readme_commands
    readme_commands | root sh -eux || return 1
    # Debian's daemon requires a group; the destination must be writable for the service.
    root usermod -a -G nix-users nix-post-build-hook-queue &&
        echo 'NPBHQ_UPLOAD_TO=file:///var/cache/nix-post-build-hook-queue/cache' |
        root tee /etc/nix-post-build-hook-queue/environment || return 1
    # shellcheck disable=SC2016 # for Nix
    path=$(root nix-build --no-out-link -E 'derivation {
        name = "by-profile"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo > $out" ];
    }') || return 1
    root /nix/var/nix/profiles/default/bin/nix-post-build-hook-queue wait timeout=60s "$path" || return 1
    digest=${path#/nix/store/}
    root test -e "/var/cache/nix-post-build-hook-queue/cache/${digest%%-*}.narinfo" || return 1
    # It ran from the store, through links to the profile, so that an upgrade changes their target.
    root systemctl show -P ExecStart nix-post-build-hook-queue.service | grep "$NIX_STORE_DIR" &&
        root readlink /etc/systemd/system/nix-post-build-hook-queue.service | grep '^/nix/var/nix/profiles/default/'
}
