#!/bin/sh
# The machine is set up, and the queue installed
#
# Sets up the booted machine once; its disk then becomes the layer below every scenario: users, Nix, a destination behind
# sshd, the keys, and the queue through its own installer; or, with NPBHQ_TEST_DEB=FILE in the machine, through dpkg.

# shellcheck source=src/test/system/scenario.sh disable=SC2153
. "$NPBHQ_TEST_DIR/scenario.sh"

if [ -n "${NPBHQ_TEST_DEB-}" ]; then bin=/usr/bin; else bin=/usr/local/bin; fi
root env bin=$bin sh -eu <<'E2'
printf '127.0.0.1 localhost\n' >/etc/hosts
useradd -m -G nix-users builder
useradd -m -G nix-users cache
useradd -m mallory
groupadd queue-users
useradd -m -G queue-users member
chmod 755 /srv

cat >/etc/nix/nix.conf <<'EOF'
sandbox = false
substituters =
experimental-features = nix-command
keep-build-log = false
post-build-hook = /srv/hook
EOF
# Older daemons take signatures only from trusted users.
case $(nix --version) in *' 2.8.'*) echo 'extra-trusted-users = nix-post-build-hook-queue' >>/etc/nix/nix.conf ;; esac

# nix-build /srv/many.nix --argstr prefix P --arg count N: builds N new paths.
cat >/srv/many.nix <<'EOF'
{ prefix, count }:
builtins.genList (i: derivation {
  name = "${prefix}-${toString i}";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "echo ${prefix} ${toString i} > $out" ];
}) count
EOF

# The real hook, in a wrapper that records time and status. bash reads the clock without a process.
cat >/srv/hook <<'EOF'
#!/bin/bash
begin=${EPOCHREALTIME/./}
@bin@/post-build-hook "$@"
status=$?
end=${EPOCHREALTIME/./}
echo $(((end - begin) / 1000)) >>/srv/hook-times
echo $status >>/srv/hook-status
exit $status
EOF
sed -i "s,@bin@,$bin," /srv/hook
chmod 755 /srv/hook
: >/srv/hook-times
: >/srv/hook-status

# The destination: a separate store behind sshd, with a gate that a scenario may close.
cat >/srv/serve <<'EOF'
while [ -e /run/gate ]; do sleep 0.1; done
NIX_REMOTE='local?root=/srv/cache' exec nix-store --serve --write
EOF
install -d -o cache -g cache /srv/cache
runuser -u cache -- nix-store --store 'local?root=/srv/cache' --init
ssh-keygen -q -t ed25519 -N '' -f /srv/ssh-key
install -d -o cache -g cache -m 700 /home/cache/.ssh
printf 'restrict,command="sh /srv/serve" %s\n' "$(cat /srv/ssh-key.pub)" >/home/cache/.ssh/authorized_keys
chown cache:cache /home/cache/.ssh/authorized_keys
printf 'MaxStartups 100\n' >/etc/ssh/sshd_config.d/test.conf
systemctl enable -q ssh.service
systemctl restart ssh.service nix-daemon.service

nix key generate-secret --key-name test-1 >/srv/key
nix key convert-secret-to-public </srv/key >/srv/key.pub
install -D -m 600 /srv/key /etc/credstore/nix-post-build-hook-queue.signing-key
install -m 600 /srv/ssh-key /etc/credstore/nix-post-build-hook-queue.ssh-key
rm /srv/key /srv/ssh-key
E2

if [ -n "${NPBHQ_TEST_DEB-}" ]; then
    printf '%s\n' "--- dpkg -i $NPBHQ_TEST_DEB:"
    root dpkg -i "$NPBHQ_TEST_DEB" 2>&1 | sed 's/^/    /'
else
    printf '%s\n' '--- ./dev install:'
    root sh /src/src/dev/install.sh --dist /src/target/dist 2>&1 | sed 's/^/    /'
fi
if [ -n "${NPBHQ_TEST_UNITS-}" ]; then
    printf '%s\n' "--- with the units of $NPBHQ_TEST_UNITS instead"
    for unit in "$NPBHQ_TEST_UNITS/$name".socket "$NPBHQ_TEST_UNITS/$name".service; do
        root tee "/etc/systemd/system/${unit##*/}" <"$unit" >/dev/null
    done
    root systemctl daemon-reload
    root systemctl restart "$name.socket"
fi
check "the socket listens as soon as it is installed" listening
# Older versions warn about every unknown line.
# shellcheck disable=SC2016 # for the shell in the machine
[ "$(systemd_version)" -lt 257 ] || check "systemd finds nothing wrong with the units" root sh -c \
    'out=$(systemd-analyze verify --man=no nix-post-build-hook-queue.service nix-post-build-hook-queue.socket 2>&1); echo "$out"; [ -z "$out" ]'
exposure=$(root systemd-analyze security --offline=true --no-pager nix-post-build-hook-queue.service | sed -n 's/.*exposure level.*: \([0-9.]*\).*/\1/p')
printf 'exposure by systemd-analyze security: %s\n' "$exposure"
check "the exposure is at most 1.2" root awk -v e="$exposure" 'BEGIN { exit !(e != "" && e <= 1.2) }'

root sh -eu <<'E2'
printf 'localhost %s\n' "$(cat /etc/ssh/ssh_host_ed25519_key.pub)" >/etc/nix-post-build-hook-queue/known_hosts
cat >/etc/nix-post-build-hook-queue/environment <<'EOF'
NPBHQ_UPLOAD_TO=ssh://cache@localhost
NPBHQ_IDLE_TIMEOUT=2s
EOF
E2
