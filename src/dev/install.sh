#!/bin/sh
# ./dev install [--dist DIR] [PREFIX]; from an unpacked release: sh install.sh [PREFIX]
#
# Copies target/dist (after a build if it is missing or older than its sources), or the release that contains this
# script, to PREFIX (/usr/local). Creates the user and the directories, and enables the socket and the service. For a
# release it makes the start-up archive. A second run upgrades in place: it writes each file aside and renames it, so a
# hook or worker that starts meanwhile finds the old tree or the new tree. The socket stays open, and connections wait in
# it during the upgrade. Files of the previous version that are not in the new one are removed.
#
# It overwrites only its own files, and refuses to install while the queue is installed below another PREFIX: exit 1 with
# the file's name.
#
# With DESTDIR, for packaging, it only writes files. Without a running systemd it enables the units for the next boot. On
# failure: exit 1 with the reason; the previous installation still works.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
source=${here%/src/dev}
name=nix-post-build-hook-queue
dist=
prefix=/usr/local
destdir=${DESTDIR-}
destdir=${destdir%/}

say() { printf '%s\n' "$*"; }
die() { printf 'install: %s\n' "$*" >&2; exit 1; }
usage() { printf 'usage: ./dev install [--dist DIR] [PREFIX]\n' >&2; exit 64; }

while [ $# -gt 0 ]; do
    case $1 in
    --dist) [ $# -gt 1 ] || usage; dist=$2; shift 2 ;;
    -*) usage ;;
    *) [ $# -eq 1 ] || usage; prefix=${1%/}; shift ;;
    esac
done
case $prefix in
/*[!A-Za-z0-9/._+-]*) die "PREFIX goes into unit files, so only letters, digits and / . _ + - may be in it: $prefix" ;;
/?*) ;;
*) die "PREFIX must be an absolute path: $prefix" ;;
esac

[ -n "$destdir" ] || [ "$(id -u)" -eq 0 ] || die "must be run as root, or with DESTDIR set"
# shellcheck source=src/dev/install-lib.sh
. "$here/install-lib.sh"
# Before anything is built or touched.
if other=$(others_unit); then
    die "$other belongs to another install: run ./dev uninstall with its PREFIX first, or remove it; the queue is kept"
fi

stale() {
    [ ! -e "$dist/bin/$name" ] ||
        [ -n "$(find "$source/pom.xml" "$source/src/main" "$source/systemd" -newer "$dist/bin/$name" -type f 2>/dev/null | head -n 1)" ]
}
if [ -z "$dist" ] && [ -x "$here/bin/$name" ]; then
    dist=$here
elif [ -z "$dist" ]; then
    dist=$source/target/dist
    ! stale || "$source/dev" build
fi
if [ ! -x "$dist/bin/$name" ] || [ ! -x "$dist/bin/post-build-hook" ]; then
    die "no finished build in $dist; run ./dev build"
fi
# A hook that cannot run would fail every build. Without OUT_PATHS the hook does nothing.
[ -n "$destdir" ] || env -u OUT_PATHS -u DRV_PATH "$dist/bin/post-build-hook" </dev/null ||
    die "$dist/bin/post-build-hook does not run on this machine: run ./dev build here"

# systemd reads units below /usr and /usr/local. For any other prefix they go to /etc.
case $prefix in
/usr | /usr/local) lib=$prefix/lib ;;
*) lib=/etc ;;
esac
units=$lib/systemd/system
sysusers=$lib/sysusers.d
tmpfiles=$lib/tmpfiles.d

# listed LIST FILE: whether FILE is a line of LIST.
listed() {
    case "
$1
" in
    *"
$2
"*) return 0 ;;
    *) return 1 ;;
    esac
}

# with_all calls each of these with a file and its target.
note() {
    files="$files$2
"
}
must_be_free() {
    { [ ! -e "$destdir$2" ] && [ ! -L "$destdir$2" ]; } || listed "$old" "$2" ||
        die "$destdir$2 exists, but not from an earlier install to $prefix: move it away, or choose another PREFIX"
}
# Written aside and renamed.
put() {
    mkdir -p "$destdir$(dirname "$2")"
    aside=$destdir$2.new.$$
    case $2 in
    "$units"/*) sed "s,@PREFIX@,$prefix,g" "$1" >"$aside" ;;
    *) cp "$1" "$aside" ;;
    esac
    if [ -x "$1" ]; then chmod 0755 "$aside"; else chmod 0644 "$aside"; fi
    mv -f "$aside" "$destdir$2"
}

# with_all COMMAND: calls COMMAND for all files except those of the tree.
with_all() {
    # First the script that the hook executes: a hook that runs meanwhile must find it.
    for file in "$dist/libexec/$name"/*; do [ ! -e "$file" ] || "$1" "$file" "$prefix/libexec/$name/${file##*/}"; done
    for file in "$dist"/bin/*; do "$1" "$file" "$prefix/bin/${file##*/}"; done
    for file in "$dist"/lib/systemd/system/*; do "$1" "$file" "$units/${file##*/}"; done
    "$1" "$dist/lib/sysusers.d/$name.conf" "$sysusers/$name.conf"
    "$1" "$dist/lib/tmpfiles.d/$name.conf" "$tmpfiles/$name.conf"
    if [ -d "$dist/share" ]; then
        # No file name below share/ contains a blank or a line end.
        for file in $(cd "$dist/share" && find . -type f); do "$1" "$dist/share/$file" "$prefix/share/${file#./}"; done
    fi
    for file in "$made"/*.conf; do
        [ ! -e "$file" ] || "$1" "$file" "$units/$name.service.d/${file##*/}"
    done
}

running=no
[ -n "$destdir" ] || [ ! -d /run/systemd/system ] || running=yes

umask 022
made=$(mktemp -d)
aside=$made/none
trap 'rm -rf "$made" "$aside"' EXIT
trap 'exit 1' HUP INT TERM
[ -n "$destdir" ] || machine_dropins "$made"

old=$(manifest)
with_all must_be_free
files=
with_all note
# starts: whether the worker can start with the environment of a service. It exits with 66, because it has no socket.
starts() {
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin NPBHQ_UPLOAD_TO=exec:/bin/true NPBHQ_STATE_DIR="$made/state" \
        "$dist/bin/$name" serve </dev/null >"$made/said" 2>&1 || [ $? = 66 ]
}
if [ -z "$destdir" ]; then
    starts || die "the worker cannot start on this machine: $(cat "$made/said")
Nothing was changed. A release (./dev release) has its own Java, and so has a tree from ./dev build --runtime."
    if [ -d "$dist/lib/$name/runtime" ] && [ -z "$(ls "$dist/lib/$name"/startup-*.aot 2>/dev/null)" ]; then
        say "making the start-up archive"
        JAVA_HOME=$dist/lib/$name/runtime sh "$here/archive.sh" "$dist" "$made" ||
            say "no start-up archive could be made; the worker starts more slowly"
    fi
fi
say "installing $name to $destdir$prefix"

# Copy the jars aside first. Preserve their times: the JVM's start-up archive records them. The manifest lists old and new
# files, in case the script is interrupted.
mkdir -p "$destdir$prefix/lib"
if [ ! -e "$destdir$tree" ] && [ -e "$destdir$tree.old" ]; then mv "$destdir$tree.old" "$destdir$tree"; fi
rm -rf "$destdir$tree.new"
cp -R --preserve=mode,timestamps,links "$dist/lib/$name" "$destdir$tree.new"
[ -z "$(ls "$made"/startup-*.aot 2>/dev/null)" ] || cp "$made"/startup-*.aot "$made/worker" "$destdir$tree.new/"
printf '%s\n' "$old" "$files" | sed '/^$/d' | sort -u >"$destdir$tree.new/manifest"
rm -rf "$destdir$tree.old"

# A running worker still loads classes from the old tree. Stop it here and restart it below.
worked=no
if [ "$running" = yes ] && systemctl is-active -q "$name.service"; then
    worked=yes
    say "stopping the worker; its queue and its socket stay"
    systemctl stop "$name.service" 2>/dev/null || true
fi
if [ -e "$destdir$tree" ]; then mv "$destdir$tree" "$destdir$tree.old"; fi
mv "$destdir$tree.new" "$destdir$tree"
rm -rf "$destdir$tree.old"

with_all put
printf '%s\n' "$old" | while IFS= read -r file; do
    [ -z "$file" ] || listed "$files" "$file" || take_away "$file"
done
printf '%s' "$files" >"$destdir$tree/manifest.new"
mv -f "$destdir$tree/manifest.new" "$destdir$tree/manifest"

if [ -n "$destdir" ]; then
    say "packaged below $destdir. Run on the machine: systemd-sysusers; systemd-tmpfiles --create;"
    say "systemctl enable --now $name.socket; systemctl enable $name.service"
    exit 0
fi

systemd-sysusers "$sysusers/$name.conf"
systemd-tmpfiles --create "$tmpfiles/$name.conf"

make_settings
if [ "$running" = yes ]; then
    systemctl daemon-reload
    systemctl enable -q "$name.socket" "$name.service"
    # start, not restart: a restart would close the socket for a moment.
    systemctl start "$name.socket"
    if is_configured; then
        systemctl restart "$name.service" || say "the worker does not start; see: systemctl status $name"
    else
        # A worker without settings would only fail. Hooks spool meanwhile.
        systemctl reset-failed "$name.service" 2>/dev/null || true
    fi
    [ "$worked" = no ] || say "the worker runs again, with the new version"
else
    systemctl enable -q "$name.socket" "$name.service"
    say "systemd is not running here; both units start with the next boot"
fi

say_next_steps
# Its failures are news, not a failure of the installation: the hook's line, for example, comes later.
if [ "$running" = yes ] && is_configured; then
    say "$name check:"
    "$prefix/bin/$name" check </dev/null 2>&1 ||
        say "the installation is complete; what FAILed above is still to be done. Then again: $name check"
elif [ "$running" = yes ]; then
    say "no check yet, since there is nothing to check: the settings name no destination and no key"
fi
