#!/bin/sh
# ./dev install [--dist DIR] [PREFIX]
#
# Copies target/dist (built first when it is missing or older than its sources) to PREFIX, /usr/local unless
# said otherwise, makes user and directories, and enables the socket and the service. Run again, it upgrades in
# place: files are written aside and renamed, so a hook or a worker that starts meanwhile finds the old tree or
# the new one and never half of one; the socket stays open, and what comes in during the upgrade waits in it.
# What the version before had and this one has not is removed.
#
# It overwrites nothing that it has not put there itself, and does nothing while there is a queue below another
# PREFIX: exit 1, with the file's name.
#
# DESTDIR is honoured for packaging: then only files are written. Without a running systemd the units are
# enabled for the next boot. On failure: exit 1 with the reason; what was installed before still works.
set -eu

here=$(cd "$(dirname "$0")/../.." && pwd)
name=nix-post-build-hook-queue
dist=$here/target/dist
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

stale() {
    [ ! -e "$dist/bin/$name" ] ||
        [ -n "$(find "$here/pom.xml" "$here/src/main" "$here/systemd" -newer "$dist/bin/$name" -type f 2>/dev/null | head -n 1)" ]
}
if [ "$dist" = "$here/target/dist" ] && stale; then
    "$here/dev" build
fi
if [ ! -x "$dist/bin/$name" ] || [ ! -x "$dist/bin/post-build-hook" ]; then
    die "no finished build in $dist; run ./dev build"
fi
[ -n "$destdir" ] || [ "$(id -u)" -eq 0 ] || die "must be run as root, or with DESTDIR set"
# Nix would fail every build. Without OUT_PATHS the hook does nothing.
[ -n "$destdir" ] || env -u OUT_PATHS -u DRV_PATH "$dist/bin/post-build-hook" </dev/null ||
    die "$dist/bin/post-build-hook does not run on this machine: run ./dev build here"
# shellcheck source=src/dev/install-lib.sh
. "$here/src/dev/install-lib.sh"

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
# Drop-ins for this machine. Debian's nix-daemon admits only a group to its socket, and the worker needs the daemon.
door=/nix/var/nix/daemon-socket
if [ -z "$destdir" ] && [ -d "$door" ]; then
    mode=$(stat -c %a "$door")
    group=$(stat -c %G "$door")
    case $mode in
    *[1357]) ;;
    *)
        printf '# The Nix daemon of this machine admits only this group: %s\n[Service]\nSupplementaryGroups=%s\n' \
            "$door" "$group" >"$made/10-nix-group.conf"
        ;;
    esac
fi
if [ -z "$destdir" ] && [ "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -lt 254 ]; then
    printf '[Service]\nLoadCredential=%s.signing-key\nLoadCredential=%s.ssh-key\n' "$name" "$name" \
        >"$made/10-credentials.conf"
fi

# Before anything is touched.
if other=$(others_unit); then
    die "$other belongs to another install: run ./dev uninstall with its PREFIX first, or remove it; the queue stays"
fi
old=$(manifest)
with_all must_be_free
files=
with_all note
say "installing $name to $destdir$prefix"

# The jars first, aside: times are kept, since the JVM's start-up archive holds the jars' own. Should this end in the
# middle, the manifest has what was there and what may be there since.
mkdir -p "$destdir$prefix/lib"
if [ ! -e "$destdir$tree" ] && [ -e "$destdir$tree.old" ]; then mv "$destdir$tree.old" "$destdir$tree"; fi
rm -rf "$destdir$tree.new"
cp -R --preserve=mode,timestamps,links "$dist/lib/$name" "$destdir$tree.new"
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

settings=/etc/$name/environment
if [ ! -e "$settings" ]; then
    # For root alone: it may come to hold secrets.
    (umask 077 && cat >"$settings") <<'EOF'
# Settings of nix-post-build-hook-queue, see nix-post-build-hook-queue(8). At least one of:
#
#   where to: any Nix store URL, several separated by blanks
#NPBHQ_UPLOAD_TO=ssh://nix-ssh@cache.example.org
#
#   a signing key: put it into /etc/credstore/nix-post-build-hook-queue.signing-key (mode 0600), or
#NPBHQ_SIGNING_PRIVATE_KEY_PATH=/path/to/key
EOF
fi
configured() {
    grep -Eqs '^[[:blank:]]*NPBHQ_(UPLOAD_TO|SIGNING_PRIVATE_KEY_PATH)=.' "$settings" ||
        [ -e "/etc/credstore/$name.signing-key" ] || [ -e "/etc/credstore.encrypted/$name.signing-key" ] ||
        systemctl cat "$name.service" 2>/dev/null | grep -Eq '^Environment=.*NPBHQ_(UPLOAD_TO|SIGNING)'
}

if [ "$running" = yes ]; then
    systemctl daemon-reload
    systemctl enable -q "$name.socket" "$name.service"
    # start, not restart: that would close the door for a moment.
    systemctl start "$name.socket"
    if configured; then
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

command -v nix >/dev/null || say "warning: there is no nix in PATH; $name needs it"
configured || say "next: say where to upload to in $settings"
conf=$(nix_conf)
if named=$(who_names_the_hook); then
    say "$named already has the hook"
else
    say "next: put this line into $conf, and restart nix-daemon:"
    say "    post-build-hook = $hook"
fi
# has PATTERN: a line of the settings of Nix, wherever they are.
has() { { cat /etc/nix/*.conf 2>/dev/null; nix_says; } | grep -E "^[[:blank:]]*$1" >/dev/null; }
if has 'allowed-users[[:blank:]]*=' && ! has "(extra-)?allowed-users[[:blank:]]*=.*([*]|$name)"; then
    say "next: the Nix daemon must admit the worker; add to $conf: extra-allowed-users = $name"
fi
# Since 2.17 the daemon takes a signature from anybody, and judges it by its key.
version=$(nix --version 2>/dev/null | sed -n 's/^nix (Nix) \([0-9]*[.][0-9]*\).*/\1/p')
if [ -n "$version" ] && [ "$(printf '%s\n' "$version" 2.17 | sort -V | head -n 1)" != 2.17 ] &&
    ! has "(extra-)?trusted-users[[:blank:]]*=.*([*]|$name)"; then
    say "next, if it is to sign: the daemon of Nix $version takes signatures only from trusted users, who may do whatever"
    say "    root may. Use Nix 2.17 or newer, or, if you accept that, add to $conf: extra-trusted-users = $name"
fi
