#!/bin/sh
# A program in the unit's sandbox cannot execute files that it can write; and every line of the sandbox is in force

# shellcheck disable=SC2016 # what is quoted is for the shell in the machine
# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

root tee /srv/attempt >/dev/null <<'E2'
#!/bin/sh
# Writes a program into every writable directory, and runs it: directly, and through the loader, like a library.
loader=$(ls /lib64/ld-linux-* /lib/ld-linux-* 2>/dev/null | head -n 1)
find / \( -path /proc -o -path /sys \) -prune -o -type d -writable -print 2>/dev/null | while IFS= read -r dir; do
    cp /bin/true "$dir/attempt" 2>/dev/null && chmod 700 "$dir/attempt" || continue
    ran=no
    ! "$dir/attempt" 2>/dev/null || ran=yes
    ! "$loader" "$dir/attempt" 2>/dev/null || ran=yes
    rm -f "$dir/attempt"
    echo "$ran $dir"
done >/var/lib/nix-post-build-hook-queue/attempts
# This one must run, or the others would prove nothing.
{ /bin/true && "$loader" /bin/true; } && echo whole >>/var/lib/nix-post-build-hook-queue/attempts
E2
root chmod 755 /srv/attempt
settings NPBHQ_UPLOAD_TO=exec:/srv/attempt NPBHQ_IDLE_TIMEOUT=1h
root systemctl restart $name.service
build attempt 1
tried() { root grep -qx whole $state/attempts; }
until_ok 60 "a program behind exec: writes programs wherever it can, and runs them" tried
root cat $state/attempts
for dir in $state $state/spool /var/cache/$name /nix/var/nix/gcroots/$name /tmp /var/tmp /dev/shm; do
    check "it could write to $dir, and execute nothing there" root grep -qx "no $dir" $state/attempts
done
check "nor anywhere else" not root grep '^yes' $state/attempts

# The kernel's view of the worker.
status_has() { root grep -qE "^$1:[[:blank:]]*$2\$" "/proc/$(show MainPID)/status"; }
check "the worker has no capability in any set" not root grep -E '^Cap[A-Z][a-z]*:.*[1-9a-f]' "/proc/$(show MainPID)/status"
check "and cannot gain privileges" status_has NoNewPrivs 1
check "and a filter for system calls" status_has Seccomp 2

# The directives as systemd has parsed them: a removed or weaker line in the unit makes this test fail.
cat >"$machine/wanted" <<'E2'
AmbientCapabilities=
CapabilityBoundingSet=
CoredumpFilter=0x0
DeviceAllow=char-rtc r
DevicePolicy=closed
KeyringMode=private
LimitCORE=0
LockPersonality=yes
NoExecPaths=/var/lib/nix-post-build-hook-queue /var/cache/nix-post-build-hook-queue /tmp /var/tmp /dev/shm -/nix/var/nix/gcroots/nix-post-build-hook-queue
NoNewPrivileges=yes
PrivateDevices=yes
PrivateIPC=yes
PrivateMounts=yes
PrivateTmp=yes
PrivateUsers=yes
ProcSubset=all
ProtectClock=yes
ProtectControlGroupsEx=strict
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
ReadWritePaths=-/nix/var/nix/gcroots/nix-post-build-hook-queue
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SocketBindDeny=any
StateDirectoryMode=0700
SystemCallArchitectures=native
SystemCallErrorNumber=1
UMask=0077
E2
sed 's/=.*//; s/^/-p/' "$machine/wanted" >"$machine/names"
as_understood() {
    # shellcheck disable=SC2046 # words
    root systemctl show $(cat "$machine/names") $name.service | LC_ALL=C sort >"$machine/understood"
    diff "$machine/wanted" "$machine/understood"
}
check "systemd has parsed every line of the sandbox" as_understood
# Directives with groups of system calls, which differ between versions.
calls() { root systemctl show -P SystemCallFilter $name.service | tr ' ' '\n'; }
has_call() { calls | grep -qx "$1"; }
for call in read execve connect; do check "the filter lets $call through" has_call $call; done
for call in mount ptrace bpf reboot setuid chown setpriority init_module; do check "and not $call" not has_call $call; done
# Nothing in the unit's section on hardening is missing above.
unlisted() {
    root systemctl cat $name.service | sed -n '/^# --- Hardening/,/^\[Install\]/s/^\([A-Z][A-Za-z]*\)=.*/\1/p' | sort -u |
        grep -vx -e Environment -e SystemCallFilter -e ProtectControlGroups | while IFS= read -r directive; do
        grep -q "^$directive=" "$machine/wanted" || echo "not compared: $directive"
    done | grep .
}
check "and this test checks every line of the unit's sandbox" not unlisted
