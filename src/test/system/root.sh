#!/bin/sh
# root.sh DIR [SUITE]
#
# Makes the root file system that scenarios start from: Debian SUITE (trixie, which is Debian 13) with systemd,
# nix-daemon and sshd, about 25 s and 260 MB. DIR/root-SUITE-KEY is made once for each version of this file (KEY is its
# hash), aside and then renamed, under a lock, so that an existing one is always complete. Older ones are removed.
# Prints the path.
set -eu

dir=$1
suite=${2:-trixie}
packages=systemd,systemd-sysv,dbus,nix-bin,nix-setup-systemd,openssh-server,openssh-client,socat,util-linux,procps,sqlite3,strace
key=$(sha256sum "$0" | cut -c 1-12)
root=$dir/root-$suite-$key

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
if [ ! -d "$root" ]; then
    printf 'making a Debian root (%s) in %s, once\n' "$suite" "$root" >&2
    rm -rf "$dir/root-$suite"-*
    # Failed downloads happen; one more try is cheaper than a failed stage.
    mmdebstrap -q --variant=apt --include="$packages" "$suite" "$root.part" >&2 || {
        rm -rf "$root.part"
        mmdebstrap -q --variant=apt --include="$packages" "$suite" "$root.part" >&2
    }
    mv "$root.part" "$root"
fi
printf '%s\n' "$root"
