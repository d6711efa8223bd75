#!/bin/sh
# README: from the .deb on a fresh Debian 13 to a path that another machine fetches over ssh-ng
#
# Debian: trixie
# Bare

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"
# shellcheck source=src/test/system/quick-start.sh
. "$NPBHQ_TEST_DIR/quick-start.sh"

text() { block README.md 'From a fresh Debian 13 to the first upload' "$1"; }
seconds() { echo $(($(date +%s) - $1)); }

an_ordinary_user
root systemctl disable -q --now ssh.service
hosts
root cp "$NPBHQ_TEST_DEB" /root/

another cache
machine_boot || exit 1
back

began=$(date +%s)
follows "the commands for the machine that builds" root "$(text 'On the machine that builds')"
signing_key=$(sed -n '/^builder-1:/p' "$machine/followed")
ssh_key=$(sed -n '/^ssh-ed25519 /p' "$machine/followed")
check "the last one prints both public keys" test -n "$signing_key" -a -n "$ssh_key"

enter cache
follows "the commands for the machine that keeps the paths" root \
    "$(text 'On the machine that keeps' | fill_in SIGNING-KEY "$signing_key" SSH-KEY "$ssh_key")"
back

follows "check finds nothing wrong" root "$(text 'Back on the machine')"

follows "an ordinary user builds" builder "$(text 'Then any user builds')"
path=$(sed -n '\,^/nix/store/,p' "$machine/followed")
follows "the queue says that the path was delivered" root "$(text 'Root waits')"

# The fetching machine needs access, too.
another second
echo "$signing_key" >"$machine/key"
ssh-keygen -q -t ed25519 -N '' -f "$machine/id"
install -D -m 600 "$machine/id" "$machine/root/root/.ssh/id_ed25519"
key=$(cat "$machine/id.pub")
back
cp "$machine/root/etc/nix-post-build-hook-queue/known_hosts" "$machine-second/root/root/.ssh/"
enter cache
# shellcheck disable=SC2016 # for the shell in the machine
root sh -c 'echo "restrict,command=\"nix-daemon --stdio\" $1" >>/home/nix-ssh/.ssh/authorized_keys' - "$key"
back
fetch=$(text 'Another machine fetches' | fill_in /nix/store/… "$path" SIGNING-KEY "$signing_key")
commands=$((commands + 1))
printf '    $ %s\n' "$fetch"
check "another root fetches the path, with the signature" second_root sh -euc "$fetch"
check "and has what was built" cmp "$machine/root$path" "$machine-second/root$path"
printf '%s commands; %s s from the .deb to the fetched path\n' "$commands" "$(seconds "$began")"
check "a root that trusts another key does not" not second_root sh -euc \
    "nix-store --delete $path && $(text 'Another machine fetches' | fill_in /nix/store/… "$path" SIGNING-KEY \
        "other-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")"

# docs/destinations.md: another port. A connection from before the change would still work.
alone() { ! root pgrep -u nix-post-build-hook-queue -x ssh >/dev/null; }
until_ok 30 "the worker closes its connection after some rest" alone
enter cache
root sh -c 'echo Port 2222 >/etc/ssh/sshd_config.d/port.conf && systemctl restart ssh.service'
back
# shellcheck disable=SC2016 # for the shell in the machine
as builder nix-build --no-out-link -E 'derivation { name = "second"; system = builtins.currentSystem; builder = "/bin/sh";
    args = [ "-c" "echo second >$out" ]; }' >"$machine/built" 2>&1
refused() { client status | grep -F 'port 22: Connection refused'; }
until_ok 30 "on another port the server cannot be reached" refused
follows "the commands for another port" root "$(block docs/destinations.md 'Ports, host keys, passwords' 'port):')"
follows "the queue says that the second path was delivered" root "$(text 'Root waits')"
