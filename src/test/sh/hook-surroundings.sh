#!/bin/sh
# post-build-hook and its surroundings: environment, tools, descriptors, signals, parallel hooks.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=src/test/sh/hook-lib.sh
. "$here/hook-lib.sh"

test_that "words in OUT_PATHS that are not paths are not sent to the worker"
with_state
server queue <<END
$takes
END
run_hook OUT_PATHS="drop $(path 1)"
must gives_0
must says "not a store path, and NOT queued: drop"
must requests_are "$(path 1)"

test_that "patterns and options in OUT_PATHS have no special meaning"
with_state
server queue <<END
$takes
END
run_hook OUT_PATHS="$(path 1) /* -n"
must gives_0
must says "not a store path, and NOT queued: -n"
must requests_are "$(path 1) /*"

test_that "an empty environment is enough"
with_state
server queue <<END
$takes
END
run_hook env -i NPBHQ_SOCKET="$socket" OUT_PATHS="$(path 1)"
must gives_0
must is_silent
must requests_are "$(path 1)"

test_that "with only OUT_PATHS in the environment its message is correct"
with_state
run_hook env -i OUT_PATHS="$(path 1)"
must gives_0
if [ -e /run/nix-post-build-hook-queue.sock ] || [ -e /var/lib/nix-post-build-hook-queue ]; then
    echo "      left out: this machine has a queue of its own"
else
    must says "nobody listens at /run/nix-post-build-hook-queue.sock; NOT queued"
    must says "By hand: nix-post-build-hook-queue $(path 1)"
fi

test_that "a program in PATH does not replace the system's, nor does one in the working directory"
with_state
server queue <<END
$takes
END
mkdir "$case_dir/evil"
for tool in timeout socat sh; do
    printf '#!/bin/sh\ntouch %s/evil/done\n' "$case_dir" >"$case_dir/evil/$tool"
    chmod +x "$case_dir/evil/$tool"
done
(cd "$case_dir/evil" && run_hook PATH="$case_dir/evil::.:/nowhere")
status=$(cat "$case_dir/status")
must gives_0
must is_silent
must not [ -e "$case_dir/evil/done" ]
must requests_are "$(path 1)"

# Replaces the tools' line, as a package does: the hook finds only the programs in that folder.
only_tools() {
    mkdir "$case_dir/tools"
    for tool; do ln -s "$(command -v "$tool")" "$case_dir/tools/$tool"; done
    hook_with "s|^tools=.*|tools=$case_dir/tools|"
}

test_that "without socat it spools, and names what is missing"
with_state
only_tools timeout id stat readlink env setpriv ln sync mv date mkdir rm
hook=$case_dir/hook run_hook PATH=
must gives_0
if [ -n "$program" ]; then
    must says "nobody listens at $socket; left in the spool"
else
    must says "no socat or timeout in $case_dir/tools; left in the spool"
fi
must spooled "$(path 1)"

test_that "its child processes do not keep the build log open"
with_state
only_tools timeout setsid sleep
printf '#!/bin/sh\nsetsid sleep 15 >/dev/null &\necho ok queued 1\n' >"$case_dir/tools/socat"
chmod +x "$case_dir/tools/socat"
# The C program asks by itself, unless a word is unusual.
hook=$case_dir/hook run_hook OUT_PATHS="$(path 1),"
must gives_0
must is_silent
must at_most "$took" 10000

test_that "without any tool it says that nothing is queued"
with_state
only_tools
hook=$case_dir/hook run_hook PATH=
must gives_0
must says "NOT queued"

# with_processes NUMBER [NAME=VALUE…]: runs the hook as a user with this process limit, which does not apply to root.
with_processes() {
    most=$1
    shift
    set -- "$@" NPBHQ_HOOK_TIMEOUT=1s
    if is_root; then
        nobody=$((30000 + $$ % 30000))
        chown -R "$nobody:$nobody" "$state" "$roots"
        set -- "$@" setpriv --reuid="$nobody" --regid="$nobody" --clear-groups --
    fi
    run_hook "$@" prlimit --nproc="$most"
}
# bash tries for 15 s to fork before it gives up.
for most in 1 2 3 4; do
    test_that "with a limit of $most processes it says that nothing is queued, and the build continues"
    with_state
    with_processes "$most" OUT_PATHS="$(path 1) $(path 2)"
    must gives_0
    must says "; NOT queued"
    must says "By hand: nix-post-build-hook-queue $(path 1) $(path 2)"
    # The C program asks without a process, so the script needs one less.
    enough=3
    [ -z "$program" ] || enough=2
    [ "$most" -ge "$enough" ] || must says "a process could not be started, or was killed"
done

test_that "without another process, malformed paths reach neither terminal nor shell"
with_state
# shellcheck disable=SC2016 # so it comes
with_processes 1 OUT_PATHS="$(path 1) $(printf '/\033[2J') /\$(touch\${IFS}x)"
must gives_0
must says "NOT queued: what Nix has just built"

test_that "it works in a deleted or inaccessible working directory"
with_state
server queue <<END
$takes
END
mkdir "$case_dir/gone"
(cd "$case_dir/gone" && rmdir "$case_dir/gone" && run_hook)
status=$(cat "$case_dir/status")
must gives_0
must requests_are "$(path 1)"

for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- >&- 2>&-'; do
    test_that "it works with $closed"
    with_state
    server queue <<END
$takes
END
    run_hook sh -c "exec \"\$0\" $closed"
    must gives_0
    must is_silent
    must requests_are "$(path 1)"
    stop_servers
    run_hook sh -c "exec \"\$0\" $closed"
    must gives_0
    must spooled "$(path 1)"
done

test_that "it spools although the build log has no reader"
with_state
{ NPBHQ_SOCKET="$socket" NPBHQ_STATE_DIR="$state" NPBHQ_GCROOTS_DIR="$roots" OUT_PATHS="$(path 1)" "$hook"; echo "$?" >"$case_dir/status"; } 2>&1 | true
eventually [ -s "$case_dir/status" ]
status=$(cat "$case_dir/status")
must gives_0
must spooled "$(path 1)"

for signal in TERM INT HUP; do
    test_that "SIG$signal to it and what it runs makes it spool"
    with_state
    server queue <<END
>asked
$mute
END
    {
        NPBHQ_HOOK_TIMEOUT=20s NPBHQ_SOCKET="$socket" NPBHQ_STATE_DIR="$state" NPBHQ_GCROOTS_DIR="$roots" OUT_PATHS="$(path 1)" \
            setsid --wait env --default-signal=INT sh -c "echo \$\$ >pid; exec '$hook'"
        echo "$?" >"$case_dir/status"
    } 2>"$case_dir/err" &
    pid=$!
    eventually [ -e "$case_dir/asked" ]
    kill -s "$signal" -- "-$(cat "$work/pid")" # the hook; timeout is in a group of its own
    wait "$pid"
    status=$(cat "$case_dir/status")
    must gives_0
    must says "left in the spool"
    must spooled "$(path 1)"
    must no_process_left
done

test_that "fifty parallel hooks are all acknowledged"
with_state
server queue <<'END'
read -r line
printf '%s\n' "$line" >>requests
echo ok queued 1
END
for n in $(seq 50); do
    NPBHQ_HOOK_TIMEOUT=30s NPBHQ_SOCKET=$socket NPBHQ_STATE_DIR=$state NPBHQ_GCROOTS_DIR=$roots OUT_PATHS=$(path "$n") \
        "$hook" >>"$case_dir/err" 2>&1 &
    pids="${pids-} $!"
done
# shellcheck disable=SC2086 # numbers
for pid in $pids; do must wait "$pid"; done
must is_silent
must equal "$(sort -u "$case_dir/requests" | wc -l)" 50

test_that "the script runs only two programs for a path, and the C program none"
with_state
server queue <<END
$takes
END
mkdir "$case_dir/counted"
for tool in timeout socat; do
    printf '#!/bin/sh\necho %s >>%s\nexec %s "$@"\n' "$tool" "$case_dir/programs" "$(command -v "$tool")" >"$case_dir/counted/$tool"
    chmod +x "$case_dir/counted/$tool"
done
: >"$case_dir/programs"
# Nothing else can be found.
hook_with "s|^tools=.*|tools=$case_dir/counted|"
hook=$case_dir/hook run_hook PATH=
must gives_0
must is_silent
if [ -n "$program" ]; then expected=; else expected='timeout
socat'; fi
must equal "$(cat "$case_dir/programs")" "$expected"

# bash forks more often than other shells; each fork costs every build some tenths of a millisecond.
test_that "the two programs are the only processes"
if strace -o /dev/null true 2>/dev/null; then
    with_state
    server queue <<END
$takes
END
    run_hook strace -f -qq -e trace=execve,fork,vfork,clone,clone3 -e signal=none -z -o "$case_dir/trace"
    must gives_0
    must is_silent
    # The hook itself, timeout, socat.
    if [ -n "$program" ]; then processes=1; else processes=3; fi
    must equal "$(grep -c 'execve(' "$case_dir/trace")" "$processes"
    must equal "$(grep -c 'fork(\|clone3\?(' "$case_dir/trace")" "$((processes - 1))"
else
    echo "      left out: no strace, or none that may"
fi

test_that "when Nix 2.8.0 names no outputs, those of the derivation are queued"
with_state
server queue <<END
$takes
END
only_tools timeout socat
cat >"$case_dir/tools/nix-store" <<END
#!/bin/sh
[ "\$*" = "--query --outputs /nix/store/x.drv" ] || exit 1
echo "$(path 1)"
echo "$(path 2)"
END
chmod +x "$case_dir/tools/nix-store"
hook=$case_dir/hook run_hook OUT_PATHS= DRV_PATH=/nix/store/x.drv
must gives_0
must is_silent
must requests_are "$(path 1) $(path 2)"

test_that "when it cannot find out the outputs, it says so, in time"
with_state
only_tools timeout
printf '#!/bin/sh\nexec sleep 20\n' >"$case_dir/tools/nix-store"
chmod +x "$case_dir/tools/nix-store"
ln -s "$(command -v sleep)" "$case_dir/tools/sleep"
hook=$case_dir/hook run_hook OUT_PATHS= DRV_PATH=/nix/store/x.drv NPBHQ_HOOK_TIMEOUT=5s
must gives_0
must says "Nix names no outputs, and does not tell those of /nix/store/x.drv; NOT queued"
must at_most "$took" 4000

finish
