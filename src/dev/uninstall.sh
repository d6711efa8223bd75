#!/bin/sh
# ./dev uninstall [--purge] [PREFIX]; from an unpacked release: sh uninstall.sh [--purge] [PREFIX]
#
# Removes what ./dev install put below PREFIX (/usr/local) and nothing else. What is queued stays: the state
# directory with its spool, the GC roots, the settings in /etc, the user. --purge removes these as well, but
# nothing in their directories that the queue has not put there, and never a key; what stays, it names. Run again,
# it finds nothing to do, and it does nothing, nor purges anything, when it is another PREFIX that has the queue.
# Refuses (exit 1) while Nix' settings name the hook: Nix fails every build whose hook is missing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
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
# shellcheck source=src/dev/install-lib.sh
. "$here/install-lib.sh"

files=$(manifest)
if [ -n "$files" ]; then
    if [ -z "$destdir" ] && named=$(who_names_the_hook); then
        die "$named still names $hook, without which every build would fail.
Take that line out, restart nix-daemon, and run this again."
    fi
    # A unit that runs another program is not stopped because this one goes.
    if [ -z "$destdir" ] && ! others_unit >/dev/null; then
        if [ -d /run/systemd/system ]; then
            # The socket first: else what waits in it would start the worker again.
            systemctl stop "$name-verify.timer" "$name-verify.service" "$name.socket" "$name.service" 2>/dev/null || true
        fi
        systemctl disable -q "$name-verify.timer" 2>/dev/null || true
        systemctl disable -q "$name.socket" "$name.service" 2>/dev/null || true
    fi
    printf '%s\n' "$files" | while IFS= read -r file; do take_away "$file"; done
    rm -rf "$destdir${tree:?}" "$destdir$tree.new" "$destdir$tree.old"
    say "removed $name from $destdir$prefix"
    if [ -z "$destdir" ] && [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        systemctl reset-failed "$name.socket" "$name.service" "$name-verify.service" 2>/dev/null || true
    fi
else
    say "$name is not installed in $destdir$prefix"
fi
[ -z "$destdir" ] || exit 0

state=/var/lib/$name
if unit=$(any_unit); then
    [ "$purge" = no ] || die "nothing is purged, for $unit is still there: run ./dev uninstall with its PREFIX first, or remove it"
    say "left, since it is not of this install: $unit"
    exit 0
fi
if [ "$purge" = no ]; then
    [ ! -d "$state" ] || say "kept: $state (the queue), /etc/$name; ./dev uninstall --purge removes them"
    exit 0
fi

purge_queue
