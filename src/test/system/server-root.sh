#!/bin/sh
# server-root.sh DIR: makes the root of a web server, Debian 13 with systemd, nginx and openssl, once for each version of
# this file: DIR/server-KEY, aside and then renamed, under a lock. Older ones are removed. Prints the path.
set -eu

dir=$1
key=$(sha256sum "$0" | cut -c 1-12)
root=$dir/server-$key

mkdir -p "$dir"
exec 9>"$dir/lock-server"
flock 9
if [ ! -d "$root" ]; then
    printf 'making the root of a web server in %s, once\n' "$root" >&2
    rm -rf "$dir/server"-*
    set -- -q --variant=apt --include=systemd,systemd-sysv,dbus,nginx-light,openssl,procps trixie "$root.part"
    # Failed downloads happen.
    mmdebstrap "$@" >&2 || {
        rm -rf "$root.part"
        mmdebstrap "$@" >&2
    }
    mv "$root.part" "$root"
fi
printf '%s\n' "$root"
