#!/bin/sh
# An upgrade in place with a full queue; a complete uninstallation

# shellcheck disable=SC2016 # what is quoted is for the shell in the machine
# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

install() { root sh /src/src/dev/install.sh --dist /src/target/dist "$@"; }
uninstall() { root sh /src/src/dev/uninstall.sh "$@"; }
# says WORDS COMMAND…: the command succeeds, and its output contains WORDS.
says() {
    words=$1
    shift
    "$@" >"$machine/said" 2>&1
    status=$?
    cat "$machine/said"
    [ "$status" = 0 ] && grep -qF -e "$words" "$machine/said"
}
has() { root test -e "$1"; }
files() { root find /usr /etc /var/lib /var/cache /nix/var/nix/gcroots -xdev | grep nix-post-build-hook | sort; }

gate_close
build before 30
until_ok 20 "a copy is under way" in_flight
old=$(show MainPID)
files >"$machine/installed"
forget_hooks
build during 40 &
building=$!
check "installs over itself under load" install
check "and once more" install
wait $building
printf 'hooks during two upgrades: %s; %s spooled\n' "$(hook_times)" "$(spooled)"
check "every hook gave 0" every_hook_gave_0
check "another worker runs" not equal "$old" "$(show MainPID)"
check "from the new files only" not root grep -q 'nix-post-build-hook-queue.*deleted' "/proc/$(show MainPID)/maps"
files >"$machine/again"
check "nothing was added by installing again" sh -c \
    'grep -v /var/ "$1" >"$1.1"; grep -v /var/ "$2" >"$2.1"; diff "$1.1" "$2.1"' - "$machine/installed" "$machine/again"
gate_open
until_ok 60 "everything is delivered" delivered
check "with signatures" signed

root sh -eu <<'E2'
echo /usr/local/share/doc/nix-post-build-hook-queue/NEWS >>/usr/local/lib/nix-post-build-hook-queue/manifest
touch /usr/local/share/doc/nix-post-build-hook-queue/NEWS
# Makes the next upgrade fail here, with most of the files in place.
mount -t tmpfs -o ro tmpfs /usr/local/share/man/man8
E2
check "an upgrade that cannot write fails" not install
root umount /usr/local/share/man/man8
check "but the manifest still lists the installed files" root grep -qx /usr/local/share/man/man8/$name.8 /usr/local/lib/$name/manifest
check "and can be repeated" install
check "files that only the older version had are removed" not has /usr/local/share/doc/$name/NEWS
files >"$machine/again"
check "all other files are the same" sh -c \
    'grep -v /var/ "$1" >"$1.1"; grep -v /var/ "$2" >"$2.1"; diff "$1.1" "$2.1"' - "$machine/installed" "$machine/again"

root mount -t tmpfs -o ro tmpfs /usr/lib/jvm
check "refuses if the service would find no Java, and names a remedy" says "A release (./dev release) has its own Java" not install
root umount /usr/lib/jvm
check "and changed nothing" root systemctl restart $name.service

check "refuses a second PREFIX, naming the first one's unit" says \
    "/usr/local/lib/systemd/system/$name.service belongs to another install" not install /opt/other
check "and writes nothing there" not has /opt/other
check "uninstall from a PREFIX without an installation does nothing" uninstall /opt/other
check "nor does a purge, which says why" says "nothing is purged, because /usr/local/lib/systemd" not uninstall --purge /opt/other
check "the socket still listens, and the queue exists" root sh -c \
    "systemctl -q is-active $name.socket && systemctl -q is-enabled $name.socket $name.service && ls $state/queue.sqlite"

check "builds a package tree with DESTDIR" root sh -c \
    'DESTDIR=/tmp/package sh /src/src/dev/install.sh --dist /src/target/dist /usr && ls /tmp/package/usr/bin/post-build-hook /tmp/package/usr/lib/systemd/system &&
        grep -q "^ExecStart=/usr/bin/" /tmp/package/usr/lib/systemd/system/nix-post-build-hook-queue.service'

forget_builds
gate_close
build kept 3
root sh -eu <<'E2'
mkdir -p /etc/nix /srv/nix
echo "post-build-hook = /usr/local/bin/post-build-hook" >/etc/nix/nix.custom.conf
E2
check "uninstall refuses while a file beside nix.conf names the hook" says /etc/nix/nix.custom.conf not uninstall
root sh -c 'mv /etc/nix/nix.custom.conf /srv/nix/other.conf; echo "include /srv/nix/other.conf" >>/etc/nix/nix.conf'
check "and while an included file names it" says 'nix config show' not uninstall
check "and changed nothing" listening
root sed -i '/post-build-hook/d; /^include/d' /etc/nix/nix.conf
root systemctl restart nix-daemon.service
check "uninstalls when no file names it" uninstall
check "the units are gone" not root systemctl cat $name.socket
check "nothing runs" ended
files | grep -vE "^(/etc/$name|/var/lib/$name|/var/cache/$name|/nix/var/nix/gcroots/$name)(/|\$)|^/etc/credstore/" >"$machine/left"
check "only state, settings and keys are left" diff /dev/null "$machine/left"
check "a second uninstall does nothing" uninstall

root sh -c 'printf "#!/bin/sh\nexit 0\n" >/usr/local/bin/post-build-hook'
check "install does not replace the administrator's own hook, and says so" says \
    '/usr/local/bin/post-build-hook exists, but not from an earlier install' not install
check "the administrator's hook is unchanged" root grep -qx 'exit 0' /usr/local/bin/post-build-hook
check "uninstalls once more" uninstall
check "the administrator's hook is still unchanged" root grep -qx 'exit 0' /usr/local/bin/post-build-hook
root rm /usr/local/bin/post-build-hook

# As after a restore from another machine: the user has the same name but another ID.
root sh -eu <<'E2'
number=$(id -u nix-post-build-hook-queue)
userdel nix-post-build-hook-queue
getent group nix-post-build-hook-queue >/dev/null && groupdel nix-post-build-hook-queue
useradd -r -u "$number" squatter
E2
gate_open
check "installs again, and checks what it has installed" says "FAIL  hook: Nix has no post-build-hook" install
until_ok 40 "with what was queued when it went, which is delivered" delivered

check "all files of the state directory belong to the service's user" not root sh -c "find $state ! -user $name | grep ."

# Keys in the usual places.
root sh -eu <<'E2'
cd /var/lib/nix-post-build-hook-queue
echo secret >/etc/nix-post-build-hook-queue/my.key
install -d -o nix-post-build-hook-queue -m 700 .ssh
echo secret >.ssh/id_ed25519
echo secret >/srv/precious.paths
ln -s /srv spool/link
E2
check "is purged" uninstall --purge
check "but keys are kept" root sh -c "grep secret /etc/$name/my.key $state/.ssh/id_ed25519"
check "and so is the target of a link" root grep -qx secret /srv/precious.paths
check "it names the kept keys" says "left, because it is yours: $state/.ssh/id_ed25519" uninstall --purge
check "the queue is gone" not root sh -c "ls -d $state/* /nix/var/nix/gcroots/$name /var/cache/$name /etc/$name/environment | grep ."
check "the user stays with its key" root getent passwd $name
root rm -r $state/.ssh /etc/$name/my.key
root sh -c "mkdir -p /etc/systemd/system/$name.service.d && echo '[Service]' >/etc/systemd/system/$name.service.d/mine.conf"
check "purges again without them, and names the keys that are left" says \
    "left, because it is yours: /etc/credstore/$name.signing-key" uninstall --purge
check "without the state directory it names them again" says \
    "left, because it is yours: /etc/credstore/$name.signing-key" uninstall --purge
check "and names drop-ins" says "left, because it is yours: /etc/systemd/system/$name.service.d/mine.conf" uninstall --purge
root rm -r /etc/systemd/system/$name.service.d
files | grep -v '^/etc/credstore/' >"$machine/left"
check "only the keys are left" diff /dev/null "$machine/left"
check "the user is gone" not root getent passwd $name

root rm -r /etc/credstore /etc/nix-post-build-hook-queue 2>/dev/null
check "without a destination or a key, an installation checks nothing, and says so" says "no check yet" install
check "and the next steps name the check" says "$name check" install
