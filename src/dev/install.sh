#!/bin/sh
# ./dev install [--dist DIR] [PREFIX]
#
# Copies target/dist (built first when it is missing or older than its sources) to PREFIX, /usr/local unless
# said otherwise, makes user and directories, and enables the socket and the service. Run again, it upgrades in
# place: files are written aside and renamed, so a hook or a worker that starts meanwhile finds the old tree or
# the new one and never half of one; the socket stays open, and what comes in during the upgrade waits in it.
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

# Where systemd looks. Below any other prefix it would not find them, so they go to /etc.
case $prefix in
/usr | /usr/local) lib=$prefix/lib ;;
*) lib=/etc ;;
esac
units=$lib/systemd/system
sysusers=$lib/sysusers.d
tmpfiles=$lib/tmpfiles.d
tree=$prefix/lib/$name
manifest=$tree/manifest

# $1: a file, $2: where it goes; written aside and renamed, and noted for uninstall.
put() {
    mkdir -p "$destdir$(dirname "$2")"
    case $2 in
    "$units"/*) sed "s,@PREFIX@,$prefix,g" "$1" >"$destdir$2.new.$$" ;;
    *) cp "$1" "$destdir$2.new.$$" ;;
    esac
    if [ -x "$1" ]; then chmod 0755 "$destdir$2.new.$$"; else chmod 0644 "$destdir$2.new.$$"; fi
    mv -f "$destdir$2.new.$$" "$destdir$2"
    files="$files$2
"
}

running=no
[ -n "$destdir" ] || [ ! -d /run/systemd/system ] || running=yes

files=
umask 022
say "installing $name to $destdir$prefix"

# The jars first, aside: times are kept, since the JVM's start-up archive holds the jars' own.
mkdir -p "$destdir$prefix/lib"
rm -rf "$destdir$tree.new" "$destdir$tree.old"
cp -R --preserve=mode,timestamps,links "$dist/lib/$name" "$destdir$tree.new"

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

for file in "$dist"/bin/*; do put "$file" "$prefix/bin/${file##*/}"; done
for file in "$dist"/lib/systemd/system/*; do put "$file" "$units/${file##*/}"; done
put "$dist/lib/sysusers.d/$name.conf" "$sysusers/$name.conf"
put "$dist/lib/tmpfiles.d/$name.conf" "$tmpfiles/$name.conf"
if [ -d "$dist/share" ]; then
    # Nothing below share/ has a line end in its name.
    for file in $(cd "$dist/share" && find . -type f); do put "$dist/share/$file" "$prefix/share/${file#./}"; done
fi

# Debian's nix-daemon admits only a group to its socket, and the worker needs the daemon.
door=/nix/var/nix/daemon-socket
if [ -z "$destdir" ] && [ -d "$door" ]; then
    mode=$(stat -c %a "$door")
    group=$(stat -c %G "$door")
    case $mode in
    *[1357]) ;;
    *)
        printf '# The Nix daemon of this machine admits only this group: %s\n[Service]\nSupplementaryGroups=%s\n' \
            "$door" "$group" >"$destdir$tree/nix-group.conf"
        put "$destdir$tree/nix-group.conf" "$units/$name.service.d/10-nix-group.conf"
        rm "$destdir$tree/nix-group.conf"
        ;;
    esac
fi
if [ -z "$destdir" ] && [ "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -lt 254 ]; then
    printf '[Service]\nLoadCredential=%s.signing-key\nLoadCredential=%s.ssh-key\n' "$name" "$name" \
        >"$destdir$tree/credentials.conf"
    put "$destdir$tree/credentials.conf" "$units/$name.service.d/10-credentials.conf"
    rm "$destdir$tree/credentials.conf"
fi
printf '%s' "$files" >"$destdir$manifest"

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
hook=$prefix/bin/post-build-hook
if grep -Eqs "^[[:blank:]]*post-build-hook[[:blank:]]*=[[:blank:]]*${hook}[[:blank:]]*$" /etc/nix/nix.conf; then
    say "/etc/nix/nix.conf already has the hook"
else
    say "next: put this line into /etc/nix/nix.conf, and restart nix-daemon:"
    say "    post-build-hook = $hook"
fi
if grep -Eqs '^[[:blank:]]*allowed-users[[:blank:]]*=' /etc/nix/nix.conf &&
    ! grep -Eqs "^[[:blank:]]*(extra-)?allowed-users[[:blank:]]*=.*([*]|$name)" /etc/nix/nix.conf; then
    say "next: the Nix daemon must admit the worker; add to /etc/nix/nix.conf: extra-allowed-users = $name"
fi
# Since 2.17 the daemon takes a signature from anybody, and judges it by its key.
version=$(nix --version 2>/dev/null | sed -n 's/^nix (Nix) \([0-9]*[.][0-9]*\).*/\1/p')
if [ -n "$version" ] && [ "$(printf '%s\n' "$version" 2.17 | sort -V | head -n 1)" != 2.17 ] &&
    ! grep -Eqs "^[[:blank:]]*(extra-)?trusted-users[[:blank:]]*=.*([*]|$name)" /etc/nix/nix.conf; then
    say "next, if it is to sign: the daemon of Nix $version takes signatures only from trusted users; add to"
    say "    /etc/nix/nix.conf: extra-trusted-users = $name"
fi
