#!/bin/sh
# The .deb: upgraded with work in the queue, removed, installed again, purged; then the tarball
#
# Debian: bookworm trixie

# shellcheck disable=SC2016 # what is quoted is for the shell in the machine
# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"
# shellcheck source=src/test/system/quick-start.sh
. "$NPBHQ_TEST_DIR/quick-start.sh"

deb=$NPBHQ_TEST_DEB
lib=/usr/lib/$name
main_pid() { show MainPID; }
runs_own_java() { equal "$(root readlink "/proc/$(main_pid)/exe")" "$lib/runtime/bin/java"; }
uses_archive() { root sh -c 'grep -q "$(echo "$1"/startup-*.aot)" "/proc/$2/maps"' - $lib "$(main_pid)"; }
# says WORDS COMMAND…: the command's output contains WORDS, with any status.
says() {
    words=$1
    shift
    "$@" >"$machine/said" 2>&1
    cat "$machine/said"
    grep -qF -e "$words" "$machine/said"
}
files() { root find /usr /etc /var/lib /var/cache /nix/var/nix/gcroots -xdev | grep nix-post-build-hook | grep -v /var/lib/dpkg/ | sort; }

until_ok 60 "the service that the installation started ends, since it has nothing to do" ended
check "every file equals the package's" root sh -c '[ -z "$(dpkg --verify "$1")" ]' - $name
checks() { client check --upload >"$machine/found"; equal "$?" 0; }
check "every check passes, and a test upload arrives" checks
cat "$machine/found"
check "signed" grep -q ': test upload: arrived, signed by test-1, ' "$machine/found"
check "and it warns of nothing" not grep '^warn ' "$machine/found"
gate_close
build first 5
until_ok 20 "a copy is under way" in_flight
check "the worker runs on its own Java" runs_own_java
check "from the archive that the installation made" uses_archive
check "its line in systemctl status fits a terminal" fits_a_terminal

# As if nix-setup-systemd were installed later.
nix_arrives() {
    root rm /etc/systemd/system/$name.service.d/10-nix-group.conf
    root dpkg-trigger --by-package=nix-setup-systemd /usr/lib/systemd/system/nix-daemon.socket
    root dpkg --triggers-only -a && root test -e /etc/systemd/system/$name.service.d/10-nix-group.conf
}
check "when the Nix daemon is installed, the worker gets into its group" nix_arrives

# A JDK that is newer than any, and broken.
root sh -eu <<'E2'
mkdir -p /usr/lib/jvm/jdk-99/bin
echo 'JAVA_VERSION="99"' >/usr/lib/jvm/jdk-99/release
printf '#!/bin/sh\nexit 1\n' >/usr/lib/jvm/jdk-99/bin/java
chmod +x /usr/lib/jvm/jdk-99/bin/java
E2
root systemctl restart $name.service
check "the worker ignores another JDK on the machine" runs_own_java
check "nor for the archive" uses_archive

root sh -eu -c 'cd /srv && dpkg-deb -R "$1" new && sed -i "s/^Version: .*/&+1/" new/DEBIAN/control &&
    echo "# newer" >>new/usr/lib/nix-post-build-hook-queue/jvm.options && dpkg-deb -Znone -b new new.deb' - "$deb"
until_ok 20 "the copy is under way again" in_flight
old=$(main_pid)
first_archive=$(root sh -c "echo $lib/startup-*.aot")
forget_hooks
build during 20 &
building=$!
check "upgrades with work in the queue, while builds go on" root dpkg -i /srv/new.deb
wait $building
printf 'hooks during the upgrade: %s; %s spooled\n' "$(hook_times)" "$(spooled)"
check "every hook gave 0" every_hook_gave_0
check "every hook took less than 6 s" at_most "$(longest_hook)" 6000
check "the socket listens" listening
check "another worker runs" not equal "$old" "$(main_pid)"
check "from an archive of the new files" uses_archive
check "which is the only one" not root test -e "$first_archive"
gate_open
until_ok 60 "everything is delivered" delivered
check "with signatures" signed

# What docs/upgrading.md says about an older program.
until_ok 15 "the worker ends" ended
version() { root sqlite3 $state/queue.sqlite "PRAGMA user_version$1"; }
known=$(version '')
version "=$((known + 1))"
forget_builds
forget_hooks
build newer 2
check "with a newer database every hook gives 0" every_hook_gave_0
check "the paths are in the spool" equal "$(spooled)" 2
check "the status says why" says "schema version $((known + 1)), this program knows $known: use the newer program again" \
    root systemctl show -P StatusText $name.service
check "the database is as it was" equal "$(version '')" $((known + 1))
root systemctl stop $name.service
version "=$known"
root systemctl reset-failed $name.service
root systemctl start $name.service
until_ok 60 "with the program that knows it, the spool is taken in and delivered" delivered

# The same, but the operator stays with the older program.
forget_builds
gate_close
build aside 3
root systemctl stop $name.service
version "=$((known + 1))"
root systemctl start $name.service 2>/dev/null
build later 2
check "with a newer database again, hooks spool" not equal "$(spooled)" 0
follows "the commands that set the database aside" root "$(block docs/upgrading.md 'Back to an older version' 'To set the database')"
gate_open
until_ok 60 "what was queued and what was in the spool is delivered" delivered
check "with signatures" signed
check "and the newer database is as it was" equal \
    "$(root sqlite3 /var/backups/$name/queue.sqlite 'PRAGMA user_version')" $((known + 1))

check "./dev install refuses, naming the package's unit" says "/systemd/system/$name.service belongs to another install" \
    root sh /src/src/dev/install.sh --dist /src/target/dist
check "and writes nothing there" not root test -e /usr/local/lib/$name

root sed -i.before 's,^post-build-hook.*,post-build-hook = /usr/bin/post-build-hook,' /etc/nix/nix.conf
check "cannot be removed while nix.conf names the hook" not root dpkg -r $name
check "and changed nothing" listening
root mv /etc/nix/nix.conf.before /etc/nix/nix.conf

forget_builds
gate_close
build kept 3
check "is removed with work in the queue" root dpkg -r $name
check "nothing runs" ended
check "the units are gone" not root systemctl cat $name.socket
files | grep -vE "^(/etc/$name|/var/lib/$name|/var/cache/$name|/nix/var/nix/gcroots/$name)(/|\$)|^/etc/credstore/" |
    grep -vE '^(/var/lib|/etc)/systemd/.*(deb-systemd-helper|wants)|^/nix/var/nix/gcroots/per-user/' >"$machine/left"
check "only its state, settings and keys are left" diff /dev/null "$machine/left"
gate_open
check "is installed again" root dpkg -i "$deb"
until_ok 60 "and delivers what was queued when it was removed" delivered
check "with signatures" signed

until_ok 15 "the worker ends" ended
check "is purged, and says that the keys are left" says "left, because it is yours: /etc/credstore/$name.signing-key" \
    root dpkg -P $name
files | grep -v '^/etc/credstore/' >"$machine/left"
check "only the keys are left" diff /dev/null "$machine/left"
check "the user is gone" not root getent passwd $name

# The keys are still there, so the worker has something to do.
root sh -c 'mkdir /srv/release && tar -xf /srv/*.tar.xz -C /srv/release --strip-components=1'
lib=/usr/local/lib/$name
check "the tarball installs without a JDK" root sh /srv/release/install.sh
check "it has made its archive" root sh -c "ls $lib/startup-*.aot"
check "the worker answers" says LANE client status
check "with its own Java" runs_own_java
check "and uninstalls" root sh /srv/release/uninstall.sh --purge
files | grep -v '^/etc/credstore/' >"$machine/left"
check "only the keys are left again" diff /dev/null "$machine/left"
