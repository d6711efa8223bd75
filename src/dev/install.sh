#!/bin/sh
# ./dev install [--dist DIR] [PREFIX]; from an unpacked release: sh install.sh [PREFIX]
#
# Copies target/dist (built first when it is missing or older than its sources), or the release that this script lies
# in, to PREFIX (/usr/local), makes user and directories, and enables the socket and the service. A release gets its
# start-up archive here. Run again, it upgrades in place: files are written aside and renamed, so a hook or a worker that starts meanwhile finds the old tree or
# the new one and never half of one; the socket stays open, and what comes in during the upgrade waits in it.
# What the version before had and this one has not is removed.
#
# It overwrites nothing that it has not put there itself, and does nothing while there is a queue below another
# PREFIX: exit 1, with the file's name.
#
# DESTDIR is honoured for packaging: then only files are written. Without a running systemd the units are
# enabled for the next boot. On failure: exit 1 with the reason; what was installed before still works.
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
    die "$other belongs to another install: run ./dev uninstall with its PREFIX first, or remove it; the queue stays"
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
# Nix would fail every build. Without OUT_PATHS the hook does nothing.
[ -n "$destdir" ] || env -u OUT_PATHS -u DRV_PATH "$dist/bin/post-build-hook" </dev/null ||
    die "$dist/bin/post-build-hook does not run on this machine: run ./dev build here"

# Where systemd looks. Below any other prefix it would not find them, so they go to /etc.
case $prefix in
/usr | /usr/local) lib=$prefix/lib ;;
*) lib=/etc ;;
esac
units=$lib/systemd/system
sysusers=$lib/sysusers.d
tmpfiles=$lib/tmpfiles.d

# listed LIST FILE: whether it is one of the list's lines.
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

# Each of these is called with a file and where that goes.
note() {
    files="$files$2
"
}
must_be_free() {
    { [ ! -e "$destdir$2" ] && [ ! -L "$destdir$2" ]; } || listed "$old" "$2" ||
        die "$destdir$2 is there, and not of an earlier install to $prefix: move it away, or choose another PREFIX"
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

# with_all COMMAND: for all files but those of the tree.
with_all() {
    # First what the hook executes: a hook that runs meanwhile must find it.
    for file in "$dist/libexec/$name"/*; do [ ! -e "$file" ] || "$1" "$file" "$prefix/libexec/$name/${file##*/}"; done
    for file in "$dist"/bin/*; do "$1" "$file" "$prefix/bin/${file##*/}"; done
    for file in "$dist"/lib/systemd/system/*; do "$1" "$file" "$units/${file##*/}"; done
    "$1" "$dist/lib/sysusers.d/$name.conf" "$sysusers/$name.conf"
    "$1" "$dist/lib/tmpfiles.d/$name.conf" "$tmpfiles/$name.conf"
    if [ -d "$dist/share" ]; then
        # Nothing below share/ has a line end in its name.
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
# starts: whether the worker finds all it needs, with the environment of a service. It ends with 66, since it has no
# socket.
starts() {
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin NPBHQ_UPLOAD_TO=exec:/bin/true NPBHQ_STATE_DIR="$made/state" \
        "$dist/bin/$name" serve </dev/null >"$made/said" 2>&1 || [ $? = 66 ]
}
if [ -z "$destdir" ]; then
    starts || die "the worker would not start here: $(cat "$made/said")
Nothing was changed. A release (./dev release) has its own Java, and so has what ./dev build --runtime makes."
    if [ -d "$dist/lib/$name/runtime" ] && [ -z "$(ls "$dist/lib/$name"/startup-*.aot 2>/dev/null)" ]; then
        say "making the start-up archive"
        JAVA_HOME=$dist/lib/$name/runtime sh "$here/archive.sh" "$dist" "$made" ||
            say "no start-up archive could be made; the worker starts more slowly"
    fi
fi
say "installing $name to $destdir$prefix"

# The jars first, aside: times are kept, since the JVM's start-up archive holds the jars' own. Should this end in the
# middle, the manifest has what was there and what may be there since.
mkdir -p "$destdir$prefix/lib"
if [ ! -e "$destdir$tree" ] && [ -e "$destdir$tree.old" ]; then mv "$destdir$tree.old" "$destdir$tree"; fi
rm -rf "$destdir$tree.new"
cp -R --preserve=mode,timestamps,links "$dist/lib/$name" "$destdir$tree.new"
[ -z "$(ls "$made"/startup-*.aot 2>/dev/null)" ] || cp "$made"/startup-*.aot "$destdir$tree.new/"
printf '%s\n' "$old" "$files" | sed '/^$/d' | sort -u >"$destdir$tree.new/manifest"
rm -rf "$destdir$tree.old"

# A running worker still loads classes from the tree that is about to go; it is started again below.
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
    say "packaged below $destdir. To be run on the machine: systemd-sysusers; systemd-tmpfiles --create;"
    say "systemctl enable --now $name.socket; systemctl enable $name.service"
    exit 0
fi

systemd-sysusers "$sysusers/$name.conf"
systemd-tmpfiles --create "$tmpfiles/$name.conf"

make_settings
if [ "$running" = yes ]; then
    systemctl daemon-reload
    systemctl enable -q "$name.socket" "$name.service"
    # start, not restart: that would close the door for a moment.
    systemctl start "$name.socket"
    if is_configured; then
        systemctl restart "$name.service" || say "the worker does not start; see: systemctl status $name"
    else
        # A worker without settings would only fail. Hooks are answered and spool meanwhile.
        systemctl reset-failed "$name.service" 2>/dev/null || true
    fi
    [ "$worked" = no ] || say "the worker runs again, from the new tree"
else
    systemctl enable -q "$name.socket" "$name.service"
    say "systemd is not running here; both units start with the next boot"
fi

say_next_steps
