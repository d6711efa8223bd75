#!/bin/sh
# ./dev uninstall [--purge] [PREFIX]
#
# Removes what ./dev install put below PREFIX (/usr/local) and nothing else. What is queued stays: the state
# directory with its spool, the GC roots, the settings in /etc, the user. --purge removes these as well, but
# never a key. Run again, it finds nothing to do. Refuses (exit 1) while nix.conf names the hook: Nix fails
# every build whose hook is missing.
set -eu

name=nix-post-build-hook-queue
prefix=/usr/local
purge=no
destdir=${DESTDIR-}
destdir=${destdir%/}

say() { printf '%s\n' "$*"; }
die() { printf 'uninstall: %s\n' "$*" >&2; exit 1; }
usage() { printf 'usage: ./dev uninstall [--purge] [PREFIX]\n' >&2; exit 64; }

while [ $# -gt 0 ]; do
    case $1 in
    --purge) purge=yes; shift ;;
    /?*) [ $# -eq 1 ] || usage; prefix=${1%/}; shift ;;
    *) usage ;;
    esac
done
[ -n "$destdir" ] || [ "$(id -u)" -eq 0 ] || die "must be run as root, or with DESTDIR set"

tree=$prefix/lib/$name
hook=$prefix/bin/post-build-hook
if [ -z "$destdir" ] && grep -Eqs "^[[:blank:]]*post-build-hook[[:blank:]]*=[[:blank:]]*$hook" /etc/nix/nix.conf; then
    die "/etc/nix/nix.conf still names $hook, without which every build would fail.
Take that line out, restart nix-daemon, and run this again."
fi

if [ -z "$destdir" ]; then
    if [ -d /run/systemd/system ]; then
        # The socket first: else what waits in it would start the worker again.
        systemctl stop "$name.socket" "$name.service" 2>/dev/null || true
    fi
    systemctl disable -q "$name.socket" "$name.service" 2>/dev/null || true
fi

if [ -e "$destdir$tree/manifest" ]; then
    while IFS= read -r file; do
        rm -f "$destdir$file"
        # Only directories of our own: a parent that others use is not empty.
        case ${file%/*} in */"$name" | */"$name".*.d) rmdir "$destdir${file%/*}" 2>/dev/null || true ;; esac
    done <"$destdir$tree/manifest"
    rm -rf "$destdir${tree:?}" "$destdir$tree.new" "$destdir$tree.old"
    say "removed $name from $destdir$prefix"
else
    say "$name is not installed in $destdir$prefix"
fi

[ -z "$destdir" ] || exit 0
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl reset-failed "$name.socket" "$name.service" 2>/dev/null || true
fi

state=/var/lib/$name
if [ "$purge" = no ]; then
    [ ! -d "$state" ] || say "kept: $state (the queue), /etc/$name; ./dev uninstall --purge removes them"
    exit 0
fi
rm -rf "${state:?}" "/var/cache/$name" "/nix/var/nix/gcroots/$name" "/etc/${name:?}" \
    "/etc/systemd/system/$name.service.d" "/etc/systemd/system/$name.socket.d"
if getent passwd "$name" >/dev/null; then userdel "$name" 2>/dev/null || say "the user $name could not be removed"; fi
if getent group "$name" >/dev/null; then groupdel "$name" 2>/dev/null || true; fi
for key in /etc/credstore/"$name".* /etc/credstore.encrypted/"$name".*; do
    [ ! -e "$key" ] || say "left, since keys are yours: $key"
done
say "purged: queue, settings and user are gone"
