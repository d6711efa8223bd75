# shellcheck shell=sh
# A machine: systemd 257 as process 1 in a container of its own, over an overlay, with no network but its
# loopback. Read by run and by every scenario.
#
#   $work        a tmpfs of this run
#   $work/base   the layer that setup.sh makes: the queue installed, Nix, ssh and users set up
#   NPBHQ_TEST_NETWORK  another option of systemd-nspawn for its network, for machines that share one
#   $machine     the scenario's own directory: upper/ work/ root/ (mounted), pid (of its process 1 and of nspawn)

# shellcheck disable=SC2154 # machine: set by whoever reads this file

# Lower layers, "upper:lower" as overlayfs writes them; $1 is the machine's directory. Does not wait.
machine_mount() {
    mkdir -p "$machine/upper" "$machine/work" "$machine/root"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$machine/upper,workdir=$machine/work" "$machine/root"
}

# machine_cgroup: makes a control group for the machine, and prints it. Two systemds in one group would interfere with each
# other's services.
machine_cgroup() {
    above=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)$(sed -n 's/^0:://p' /proc/self/cgroup)
    # The name comes from /var/tmp/npbhq-system.X/MACHINE, so that a later boot or removal finds the group again.
    own=${above%/}/$(printf '%s' "${machine#/var/tmp/}" | tr / -)
    mkdir -p "$own" && printf '%s\n' "$own"
}

machine_boot() {
    cgroup=$(machine_cgroup) || return 1
    set -- --bind-ro="$NPBHQ_TEST_SOURCE:/src"
    for dir in "$NPBHQ_TEST_JDK" /etc/java-*-openjdk; do
        # What a distribution's JDK links to in /etc belongs to it.
        [ ! -d "$dir" ] || set -- "$@" --bind-ro="$dir"
    done
    # Without stdin and a terminal; the host may have another systemd, or none, and any cgroup layout.
    # shellcheck disable=SC2016 # for the inner shell, which becomes systemd-nspawn
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 sh -c 'echo $$ >"$0/cgroup.procs" && exec systemd-nspawn "$@"' "$cgroup" \
        -q -D "$machine/root" --boot --register=no --keep-unit --machine="npbhq-test-$(basename "$machine")" \
        "${NPBHQ_TEST_NETWORK:---private-network}" --console=pipe "$@" </dev/null >>"$machine/console" 2>&1 &
    nspawn=$!
    pid=
    tries=0
    while [ -z "$pid" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ] || ! kill -0 "$nspawn" 2>/dev/null; then
            printf 'the machine does not start:\n' >&2
            cat "$machine/console" >&2
            kill -KILL "$nspawn" 2>/dev/null
            return 1
        fi
        sleep 0.1
        pid=$(process_1)
    done
    # Record the process for the final kill, also after a scenario has rebooted the machine.
    printf '%s %s\n' "$pid" "$nspawn" >"$machine/pid"
    # nspawn's child becomes process 1 of the machine only when it has set everything up.
    # This takes seconds, but minutes if other stages and machines use the processors.
    wait_for 180 "the machine to boot" booted || {
        machine_cut
        return 1
    }
}

# process_1: prints nspawn's child that is process 1 of the machine's namespace; its other children only set it up.
process_1() {
    for child in $(pgrep -P "$nspawn"); do
        # NSpid: its number here, and in its own namespace.
        ! grep -qs '^NSpid:.*[[:space:]]1$' "/proc/$child/status" || echo "$child"
    done
}

booted() {
    state=$(root systemctl is-system-running 2>/dev/null)
    [ "$state" = running ] || [ "$state" = degraded ]
}

# Cuts the power: kills all processes of the machine at once. Scenarios use it, too; nspawn is not their child.
machine_cut() {
    kill -KILL "$pid" 2>/dev/null
    for _ in $(seq 200); do
        if [ ! -e "/proc/$nspawn" ] || grep -qs '^State:.*Z' "/proc/$nspawn/status"; then break; fi
        sleep 0.05
    done
    kill -KILL "$nspawn" 2>/dev/null
    wait "$nspawn" 2>/dev/null
    return 0
}

machine_off() {
    root systemctl poweroff >/dev/null 2>&1
    wait "$nspawn" 2>/dev/null
    return 0
}

# Also removes its control groups, the innermost first.
machine_unmount() {
    umount "$machine/root"
    cgroup=$(machine_cgroup) && find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
    return 0
}

# Commands in the machine, as root and as others. Standard input is theirs.
root() { nsenter -t "$pid" -a -- env -i PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin HOME=/root "$@"; }
as() {
    user=$1
    shift
    root setpriv --reuid="$user" --regid="$user" --init-groups -- env HOME="/home/$user" "$@"
}

# wait_for SECONDS "purpose" COMMAND…: waits until COMMAND succeeds; fails after SECONDS.
wait_for() {
    deadline=$(($(date +%s) + $1))
    what=$2
    shift 2
    until "$@"; do
        if [ "$(date +%s)" -ge "$deadline" ]; then
            printf 'waited in vain for %s\n' "$what"
            return 1
        fi
        sleep 0.1
    done
}
