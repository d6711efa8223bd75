#!/bin/sh
# ./dev uninstall [--purge] [PREFIX]; from an unpacked release: sh uninstall.sh [--purge] [PREFIX]
#
# Removes only the files that ./dev install put below PREFIX (/usr/local). It keeps the queue: the state directory with
# its spool, the GC roots, the settings in /etc, the user. --purge removes these too, but only files that the queue made,
# and never a key; it prints the files that it leaves. A second run does nothing. If the queue is installed below another
# PREFIX, it removes and purges nothing. Refuses (exit 1) while Nix's settings name the hook: Nix fails every build whose
# hook is missing.
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
        die "$named still names $hook; without the hook, every build would fail.
Remove that line, restart nix-daemon, and run this again."
    fi
    # Do not stop a unit that runs another program.
    if [ -z "$destdir" ] && ! others_unit >/dev/null; then
        if [ -d /run/systemd/system ]; then
            # The socket first: waiting connections would restart the worker.
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
    [ "$purge" = no ] || die "nothing is purged, because $unit is still there: run ./dev uninstall with its PREFIX first, or remove it"
    say "left, because it belongs to another install: $unit"
    exit 0
fi
if [ "$purge" = no ]; then
    [ ! -d "$state" ] || say "kept: $state (the queue), /etc/$name; ./dev uninstall --purge removes them"
    exit 0
fi

purge_queue
