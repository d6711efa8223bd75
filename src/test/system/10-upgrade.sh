#!/bin/sh
# Upgraded in place with the queue full; taken off again without a trace

# shellcheck disable=SC2016 # what is quoted is for the shell in the machine
# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

install() { root sh /src/src/dev/install.sh --dist /src/target/dist; }
uninstall() { root sh /src/src/dev/uninstall.sh "$@"; }
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

check "builds a package tree with DESTDIR" root sh -c \
    'DESTDIR=/tmp/package sh /src/src/dev/install.sh --dist /src/target/dist /usr && ls /tmp/package/usr/bin/post-build-hook /tmp/package/usr/lib/systemd/system &&
        grep -q "^ExecStart=/usr/bin/" /tmp/package/usr/lib/systemd/system/nix-post-build-hook-queue.service'

forget_builds
gate_close
build kept 3
root sh -c 'echo "post-build-hook = /usr/local/bin/post-build-hook" >>/etc/nix/nix.conf'
check "refuses to go while nix.conf names the hook" not uninstall
check "and changed nothing" listening
root sed -i '/post-build-hook/d' /etc/nix/nix.conf
root systemctl restart nix-daemon.service
check "goes when it does not" uninstall
check "the units are gone" not root systemctl cat $name.socket
check "nothing runs" ended
files | grep -vE "^(/etc/$name|/var/lib/$name|/var/cache/$name|/nix/var/nix/gcroots/$name)(/|\$)|^/etc/credstore/" >"$machine/left"
check "nothing is left of it but its state, settings and keys" diff /dev/null "$machine/left"
check "going again finds nothing to do" uninstall

gate_open
check "comes back" install
until_ok 40 "with what was queued when it went, which is delivered" delivered

check "goes for good" uninstall --purge
files | grep -v '^/etc/credstore/' >"$machine/left"
check "nothing is left of it but the keys" diff /dev/null "$machine/left"
check "the user is gone" not root getent passwd $name
