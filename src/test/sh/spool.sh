#!/bin/sh
# post-build-hook and its spool: the files on disk, with a broken disk and with a hostile worker's user.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=src/test/sh/hook-lib.sh
. "$here/hook-lib.sh"

# The worker's user, and an unrelated user.
service=65533
stranger=65534

left_out() {
    printf '      left out: %s\n' "$1"
}

# owned_by_service: as installed.
owned_by_service() {
    with_state
    chmod 700 "$state" "$state/spool"
    chown -R "$service:$service" "$state" "$roots"
}
owner_of() { stat -c %u:%g -- "$1"; }
empty() { equal "$(find "$1" -mindepth 1)" ''; }
# A directory that root owns, in which no file must appear.
root_only() {
    mkdir -m 755 "$case_dir/etc"
    echo precious >"$case_dir/etc/passwd"
}
untouched() { equal "$(find "$case_dir/etc" -mindepth 1)" "$case_dir/etc/passwd" && equal "$(cat "$case_dir/etc/passwd")" precious; }

test_that "all outputs of one build are in one file, and rooted"
with_state
run_hook OUT_PATHS="$(path 1) $(path 2) $(path 3)"
must says "left in the spool: $(path 1) $(path 2) $(path 3)"
must spooled "$(path 1)" "$(path 2)" "$(path 3)"
for n in 1 2 3; do must rooted "$(path "$n")"; done

test_that "the file's name begins with the time, and ends in .paths"
with_state
before=$(date +%s)
run_hook
name=$(cd "$state/spool" && echo *.paths)
must at_least "${name%%-*}" "$before"
must at_most "${name%%-*}" "$(date +%s)"

test_that "a missing spool is created, but not a missing state directory"
with_state
rmdir "$state/spool"
run_hook
must spooled "$(path 1)"
rm -r "$state"
run_hook
must gives_0
must says "NOT queued"
must not [ -e "$state" ]

test_that "an existing root stays, without a warning"
with_state
ln -s "$(path 1)" "$roots/"
run_hook
must says "left in the spool: $(path 1)"
must rooted "$(path 1)"

test_that "without a folder for roots it spools, and says that nothing protects the path"
with_state
rmdir "$roots"
run_hook
must gives_0
must says "left in the spool, but not protected from garbage collection: $(path 1)"
must spooled "$(path 1)"

test_that "a word without the form of a store path is not spooled"
with_state
# shellcheck disable=SC2016 # so it comes
run_hook OUT_PATHS="$(path 1) /nix/store/../../etc/passwd /nix/store/.. /etc/passwd /nix/store/$(path 2) /nix/store/-rf /nix/store/x/../$(path 3) $(path 4)/bin/x $(path 5)\$(touch\${IFS}x) /nix/store/$(printf '%0300d' 0)-long /nix/store//$(basename "$(path 6)")"
must gives_0
must spooled "$(path 1)"
must equal "$(ls "$roots")" "$(basename "$(path 1)")"
must equal "$(grep -c "and NOT queued: /" "$case_dir/err")" 10

test_that "hostile bytes reach neither the terminal nor the disk"
with_state
run_hook OUT_PATHS="$(path 1) $(printf '/nix/store/\033]0;title\007\033[2J\302\233\177-x')"
must gives_0
must spooled "$(path 1)"
must has_part "$case_dir/err" 'NOT queued: /nix/store/?]0;title??[2J???-x'
must not env LC_ALL=C grep -q '[^[:print:]]' "$case_dir/err"

test_that "fifty parallel hooks all spool"
with_state
for n in $(seq 50); do
    NPBHQ_HOOK_TIMEOUT=30s NPBHQ_SOCKET=$socket NPBHQ_STATE_DIR=$state NPBHQ_GCROOTS_DIR=$roots OUT_PATHS=$(path "$n") \
        "$hook" >>"$case_dir/err" 2>&1 &
    pids="${pids-} $!"
done
# shellcheck disable=SC2086 # numbers
for pid in $pids; do must wait "$pid"; done
must equal "$(grep -c 'left in the spool: /' "$case_dir/err")" 50
must equal "$(spooled_files)" 50
must equal "$(cat "$state"/spool/*.paths | sort -u | wc -l)" 50
must equal "$(find "$state/spool" -mindepth 1 -not -name '*.paths')" ''
must equal "$(find "$roots" -type l | wc -l)" 50

# with_tool NAME <<SCRIPT: sets hook_with_tool to a hook that runs the script instead of the tool.
with_tool() {
    mkdir -p "$case_dir/tools"
    { echo '#!/bin/sh'; cat; } >"$case_dir/tools/$1"
    chmod 755 "$case_dir/tools" "$case_dir/tools/$1"
    hook_with_tool=$case_dir/hook
    hook_with "s|^tools=|tools=$case_dir/tools:|"
}

# hanging TOOL: a hook for which this tool hangs and ignores SIGTERM, as on a disk that does not answer.
hanging() {
    with_tool "$1" <<'END'
trap "" TERM INT HUP
while :; do sleep 20; done
END
}

for tool in ln sync mv date; do
    test_that "a disk on which $tool hangs does not delay the build"
    with_state
    hanging "$tool"
    hook=$case_dir/hook run_hook NPBHQ_HOOK_TIMEOUT=1s
    must gives_0
    must says "NOT queued (nor could it be left in $state/spool). By hand: nix-post-build-hook-queue $(path 1)"
    must within 1000
    must no_process_left
done

test_that "a worker and a disk that both hang delay the build no longer than one of them"
with_state
hanging sync
server queue <<END
$mute
END
hook=$case_dir/hook run_hook NPBHQ_HOOK_TIMEOUT=3s
must gives_0
must says "no answer from $socket within 1.000 s; NOT queued"
must within 3000
must no_process_left

test_that "a frozen file system does not delay the build"
# A state directory on a disk of its own.
frozen_disk() {
    command -v fsfreeze mkfs.ext4 >/dev/null && truncate -s 8M "$case_dir/disk" && mkfs.ext4 -q "$case_dir/disk" &&
        mount -o loop "$case_dir/disk" "$state" && mounts="$mounts $state" && mkdir "$state/spool" && fsfreeze -f "$state"
}
with_state
if is_root && frozen_disk 2>/dev/null; then
    run_hook NPBHQ_HOOK_TIMEOUT=2s
    must gives_0
    must says "NOT queued"
    must within 2000
    fsfreeze -u "$state"
    must no_process_left
    must eventually umount "$state"
    mounts=
else
    left_out "needs root and a loop device"
fi

test_that "a full disk is reported, and leaves no partial file"
with_state
if is_root && mount -t tmpfs -o size=64k,mode=755 tmpfs "$state" 2>/dev/null; then
    mounts="$mounts $state"
    mkdir "$state/spool"
    cat /dev/zero >"$state/filler" 2>/dev/null
    run_hook OUT_PATHS="$(path 1) $(path 2)"
    must gives_0
    must says "NOT queued"
    must nothing_spooled
    must empty "$roots"
    rm "$state/filler"
    run_hook
    must says "left in the spool"
    must spooled "$(path 1)"
    mount -o remount,ro "$state"
    run_hook
    must gives_0
    must says "NOT queued"
    must spooled "$(path 1)"
    umount "$state" && mounts=
else
    left_out "needs root and a mount"
fi

if ! is_root; then
    test_that "an ordinary user spools to its own queue"
    with_state
    run_hook
    must spooled "$(path 1)"
    left_out "the rest needs root"
    finish
    exit
fi

test_that "an ordinary user without write access gets a warning, and the build continues"
owned_by_service
run_hook setpriv --reuid=$stranger --regid=$stranger --clear-groups --
must gives_0
must says "NOT queued"
must nothing_spooled

test_that "an ordinary user spools to its own directory"
with_state
chown -R $stranger "$state" "$roots"
run_hook setpriv --reuid=$stranger --regid=$stranger --clear-groups --
must gives_0
must says "left in the spool"
must spooled "$(path 1)"

test_that "root spools as the owner of the state directory"
owned_by_service
rmdir "$state/spool"
run_hook
must gives_0
must spooled "$(path 1)"
must equal "$(owner_of "$state/spool") $(owner_of "$state"/spool/*.paths)" "$service:$service $service:$service"
must equal "$(owner_of "$roots/$(basename "$(path 1)")")" "$service:$service"
must equal "$(stat -c %a "$state"/spool/*.paths)" 600

test_that "it also does so if the owner may not read the script"
owned_by_service
mkdir -m 700 "$case_dir/private"
install_hook "$case_dir/private/hook" <"$script"
hook=$case_dir/private/hook run_hook
must spooled "$(path 1)"

test_that "the owner sees nothing of the daemon's environment"
owned_by_service
with_tool setpriv <<END
env >$case_dir/environment
exec $(command -v setpriv) "\$@"
END
hook=$hook_with_tool run_hook AWS_SECRET_ACCESS_KEY=hunter2
must spooled "$(path 1)"
must has_part "$case_dir/environment" "NPBHQ_STATE_DIR=$state"
must not grep -q 'hunter2\|AWS' "$case_dir/environment"

test_that "the owner gets neither the daemon's groups nor new privileges"
owned_by_service
: >"$case_dir/status-of-child"
chmod 666 "$case_dir/status-of-child"
with_tool date <<END
grep -E '^(Uid|Gid|Groups|NoNewPrivs):' /proc/self/status >$case_dir/status-of-child
exec $(command -v date) "\$@"
END
hook=$hook_with_tool run_hook setpriv --groups=4,20 --
must spooled "$(path 1)"
tr -s '\t' ' ' <"$case_dir/status-of-child" >"$case_dir/child"
for line in "Uid: $service $service $service $service" "Gid: $service $service $service $service" "Groups:" "NoNewPrivs: 1"; do
    must grep -qx "$line *" "$case_dir/child"
done

for tool in stat setpriv; do
    test_that "the change to the owner does not delay the build when $tool hangs"
    owned_by_service
    hanging "$tool"
    hook=$case_dir/hook run_hook NPBHQ_HOOK_TIMEOUT=1s
    must gives_0
    must says "NOT queued"
    must within 1000
    must no_process_left
done

test_that "a spool that its owner has replaced by a link leads root nowhere"
owned_by_service
root_only
rmdir "$state/spool"
ln -s "$case_dir/etc" "$state/spool"
run_hook
must gives_0
must says "NOT queued"
must untouched

test_that "a folder for roots that was replaced by a link leads root nowhere"
owned_by_service
root_only
rmdir "$roots"
ln -s "$case_dir/etc" "$roots"
run_hook
must gives_0
must says "left in the spool, but not protected from garbage collection"
must untouched

test_that "a root that was replaced by a link to a folder leads root nowhere"
owned_by_service
root_only
ln -s "$case_dir/etc" "$roots/$(basename "$(path 1)")"
run_hook
must gives_0
must untouched

test_that "the same holds for a state directory that root owns"
with_state
root_only
ln -s "$case_dir/etc" "$roots/$(basename "$(path 1)")"
run_hook
must gives_0
must spooled "$(path 1)"
must untouched

test_that "in a directory that root owns, the spool keeps the owner that root gave it"
owned_by_service
chown 0:0 "$state"
chmod 755 "$state"
run_hook
must spooled "$(path 1)"
must equal "$(owner_of "$state"/spool/*.paths)" "$service:$service"

test_that "in a world-writable directory, root writes nothing"
with_state
chmod 1777 "$state"
run_hook
must gives_0
must says "NOT queued"
must nothing_spooled

# Only the spool is writable: for its group, for others, and for others with the sticky bit.
for mode in 775 757 1777; do
    test_that "in a spool of mode $mode, root writes nothing"
    with_state
    chmod "$mode" "$state/spool"
    run_hook
    must gives_0
    must says "NOT queued"
    must nothing_spooled
done

test_that "a relative state directory is ignored"
with_state
run_hook NPBHQ_STATE_DIR=state env -C "$case_dir"
must gives_0
must says "NOT queued"
must nothing_spooled
must at_most "$took" 10000

# The service's user owns the parent of the state directory, and so can replace it.
below_service() {
    with_state
    mkdir "$case_dir/home"
    mv "$state" "$case_dir/home/state"
    state=$case_dir/home/state
    chown -R "$service:$service" "$case_dir/home" "$roots"
}

test_that "root does not write to its own state directory if the service's user could replace it"
below_service
chown -R 0:0 "$state"
run_hook
must gives_0
must says "NOT queued"
must nothing_spooled

test_that "a state directory that was replaced by a link leads root nowhere"
below_service
root_only
rm -r "$state"
ln -s "$case_dir/etc" "$state"
run_hook
must gives_0
must says "NOT queued"
must untouched

test_that "a parent folder that was replaced by a link leads root nowhere"
below_service
root_only
mkdir -p "$case_dir/etc/state"
mkdir "$case_dir/home/way"
mv "$state" "$case_dir/home/way/state"
state=$case_dir/home/way/state
rm -r "$case_dir/home/way"
ln -s "$case_dir/etc" "$case_dir/home/way"
run_hook
must gives_0
must says "NOT queued"
must equal "$(find "$case_dir/etc/state" -mindepth 1)" ''

test_that "root's own link to a state directory of the service's user is followed as that user"
owned_by_service
ln -s "$state" "$case_dir/link"
run_hook NPBHQ_STATE_DIR="$case_dir/link"
must gives_0
must spooled "$(path 1)"
must equal "$(owner_of "$state"/spool/*.paths)" "$service:$service"

test_that "root's own link to a folder that others have replaced leads root nowhere"
below_service
root_only
ln -s "$state" "$case_dir/link"
rm -r "$state"
ln -s "$case_dir/etc" "$state"
run_hook NPBHQ_STATE_DIR="$case_dir/link"
must gives_0
must says "NOT queued"
must untouched

test_that "root spools to its own state directory"
with_state
run_hook NPBHQ_STATE_DIR="$state///"
must gives_0
must spooled "$(path 1)"
must rooted "$(path 1)"
must equal "$(owner_of "$state"/spool/*.paths)" 0:0

test_that "another user's link on the path to the folder for roots leads root nowhere"
with_state
root_only
mkdir "$case_dir/home"
chown "$service" "$case_dir/home"
ln -s "$case_dir/etc" "$case_dir/home/var"
mkdir "$case_dir/etc/roots"
run_hook NPBHQ_GCROOTS_DIR="$case_dir/home/var/roots"
must gives_0
must says "left in the spool, but not protected from garbage collection"
must equal "$(find "$case_dir/etc/roots" -mindepth 1)" ''

test_that "a folder for roots that is a link leads root nowhere"
with_state
root_only
rmdir "$roots"
ln -s "$case_dir/etc" "$roots"
run_hook
must gives_0
must says "left in the spool, but not protected from garbage collection"
must untouched

# roots_in OWNER MODE: in a folder that others than root could put a link into, in its place.
roots_in() {
    with_state
    mkdir -m "$2" "$case_dir/home"
    chown "$1" "$case_dir/home"
    rmdir "$roots"
    roots=$case_dir/home/roots
    mkdir "$roots"
    chown "$service:$service" "$roots"
}
for whose in "$service 755" "0 775" "0 757" "0 1777"; do
    test_that "in a folder with owner and mode $whose, root does not write to a folder for roots"
    # shellcheck disable=SC2086 # two words
    roots_in $whose
    run_hook
    must gives_0
    must says "left in the spool, but not protected from garbage collection"
    must empty "$roots"
done

# in_sticky: a state directory in a folder like /tmp, where any user may create new files.
in_sticky() {
    with_state
    mkdir "$case_dir/tmp"
    chmod 1777 "$case_dir/tmp"
    rm -r "$state"
    state=$case_dir/tmp/state
}

test_that "in a folder like /tmp, root spools to its own state directory"
in_sticky
mkdir "$state"
run_hook
must spooled "$(path 1)"
must equal "$(owner_of "$state"/spool/*.paths)" 0:0

# In these tests the attacker acts directly after each of the hook's checks.
# attacked <<SCRIPT: the attacker's commands; the attacked hook is hook_with_tool.
attacked() {
    cat >"$case_dir/attack"
    with_tool stat <<END
$(command -v stat) "\$@"
status=\$?
/bin/sh $case_dir/attack
echo attacked >>$case_dir/attacks
exit \$status
END
}
nothing_of_roots_in() { equal "$(find "$1" -mindepth 1 -user 0)" ''; }

test_that "a state directory that is created between check and write leads root nowhere"
in_sticky
attacked <<END
mkdir $state $state/spool
chown -R $service:$service $state
END
hook=$hook_with_tool run_hook
must gives_0
must says "NOT queued"
must has "$case_dir/attacks" attacked
must nothing_of_roots_in "$state"

test_that "a link that becomes a state directory between check and write leads root nowhere"
in_sticky
root_only
ln -s "$case_dir/etc" "$state"
chown -h "$service:$service" "$state"
attacked <<END
rm -r $state
mkdir $state $state/spool
chown -R $service:$service $state
END
hook=$hook_with_tool run_hook
must gives_0
must says "NOT queued"
must has "$case_dir/attacks" attacked
must untouched
must nothing_of_roots_in "$state"

test_that "a state directory that becomes a link between check and write leads root nowhere"
below_service
root_only
mkdir "$case_dir/etc/spool"
attacked <<END
rm -rf $state
ln -sfn $case_dir/etc $state
END
hook=$hook_with_tool run_hook
must gives_0
must says "NOT queued"
must has "$case_dir/attacks" attacked
must equal "$(find "$case_dir/etc/spool" -mindepth 1)" ''

test_that "a folder for roots that becomes a link between check and write leads root nowhere"
with_state
root_only
mkdir "$case_dir/home" "$case_dir/etc/roots"
chown "$service" "$case_dir/home"
ln -s "$case_dir/etc" "$case_dir/home/way"
roots=$case_dir/home/way/roots
attacked <<END
rm -r $case_dir/home/way
mkdir -p $roots
chown -R $service:$service $case_dir/home/way
END
hook=$hook_with_tool run_hook
must gives_0
must says "left in the spool, but not protected from garbage collection"
must has "$case_dir/attacks" attacked
must equal "$(find "$case_dir/etc/roots" -mindepth 1)" ''
must nothing_of_roots_in "$case_dir/home/way"

# On NFS, for example, root has no special rights. It may still become another user.
test_that "the owner of a directory that root may not enter is found"
owned_by_service
run_hook setpriv --bounding-set=-dac_override,-dac_read_search --
must gives_0
must spooled "$(path 1)"
must equal "$(owner_of "$state"/spool/*.paths)" "$service:$service"

test_that "an incomplete check counts as a failure"
owned_by_service
# The kernel kills the check in the middle, or a file system of the service's user (FUSE) hides its content from root.
with_tool stat <<END
$(command -v stat) "\$@" | head -n 1
exit 1
END
hook=$hook_with_tool run_hook
must gives_0
must says "NOT queued"
must nothing_spooled

# The hook's file names: any user can guess its process ID and the time.
test_that "guessed file names lead nowhere"
owned_by_service
root_only
# When the hook reads the clock, the service's user creates the file that the hook is about to write.
with_tool date <<END
now=\$($(command -v date) "\$@")
for file in $state/spool/.tmp-*; do
    ln -sfn $case_dir/etc "$state/spool/\$now-\${file##*/.tmp-}.paths"
done
echo "\$now"
END
hook=$hook_with_tool run_hook
must gives_0
must untouched

test_that "an existing temporary file is never reused"
owned_by_service
# The process that writes has this one's number, and writes soon.
with_tool setpriv <<END
read -r up _ </proc/uptime
n=\${up%.*}
end=\$((n + 30))
while [ "\$n" -lt "\$end" ]; do
    for c in 0 1 2 3 4 5 6 7 8 9; do
        for d in 0 1 2 3 4 5 6 7 8 9; do echo precious >$state/spool/.tmp-\$\$-\$n.\$c\$d; done
    done
    n=\$((n + 1))
done
chown -R $service:$service $state/spool
exec $(command -v setpriv) "\$@"
END
hook=$hook_with_tool run_hook
must gives_0
must says "NOT queued"
must equal "$(spooled_files)" 0

test_that "FIFOs, devices, folders and links in the spool delay no build"
owned_by_service
mkfifo "$state/spool/1-1.paths" "$state/spool/.tmp-1"
mkdir "$state/spool/2-1.paths"
ln -s /etc/passwd "$state/spool/3-1.paths"
ln -s /dev/zero "$state/spool/4-1.paths"
mknod "$state/spool/5-1.paths" c 1 5
run_hook NPBHQ_HOOK_TIMEOUT=10s
must gives_0
must says "left in the spool: $(path 1)"
must within 10000
must equal "$(cat "$(find "$state/spool" -type f -name '*.paths')")" "$(path 1)"

test_that "a FIFO in place of the state directory delays no build"
with_state
rm -r "$state"
mkfifo "$state"
run_hook NPBHQ_HOOK_TIMEOUT=2s
must gives_0
must says "NOT queued"
must within 2000

finish
