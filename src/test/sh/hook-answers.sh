#!/bin/sh
# post-build-hook and the queue: its request, its reaction to answers, its time limit.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=src/test/sh/hook-lib.sh
. "$here/hook-lib.sh"

test_that "it is silent when the queue acknowledges"
with_state
server queue <<END
$takes
END
run_hook
must gives_0
must is_silent
must requests_are "$(path 1)"
must nothing_spooled
must no_process_left

test_that "several outputs go in one line, with any separator"
with_state
server queue <<END
$takes
END
run_hook OUT_PATHS="  $(path 1)	$(path 2)
$(path 3) "
must gives_0
must is_silent
must requests_are "$(path 1) $(path 2) $(path 3)"

test_that "more paths than a pipe holds go in one line"
with_state
server queue <<END
$takes
END
many=$(seq -f "/nix/store/%032g-path" 1 2300 | tr '\n' ' ')
run_hook OUT_PATHS="$many"
must gives_0
must is_silent
must requests_are "${many% }"

# This check comes before any time limit: a loop that copies the list for each path would take more than 5 s.
test_that "the most paths that fit into OUT_PATHS are checked quickly, also if some are malformed"
with_state
rm -r "$state"
run_hook OUT_PATHS="word /etc/passwd $(seq -f "/nix/store/%032g-path" 1 2600 | tr '\n' ' ')"
must gives_0
must has_part "$case_dir/err" "not a store path, and NOT queued: word"
must has_part "$case_dir/err" "not a path of the store /nix/store, and NOT queued: /etc/passwd"
must has_part "$case_dir/err" "By hand: nix-post-build-hook-queue $(path 1) $(path 2) "
must at_most "$took" 4000

test_that "without outputs there is nothing to do"
with_state
run_hook OUT_PATHS=
must gives_0
must is_silent
run_hook env -u OUT_PATHS
must gives_0
must is_silent
run_hook OUT_PATHS='   '
must gives_0
must is_silent

test_that "an excluded path counts as acknowledged"
with_state
server queue <<'END'
read -r line
echo ok queued 0 excluded 1
END
run_hook
must gives_0
must is_silent

test_that "a truncated acknowledgement counts: the worker sends it after the commit"
with_state
server queue <<'END'
read -r line
printf 'ok que'
END
run_hook
must gives_0
must is_silent
must nothing_spooled

test_that "refused paths are named in one line, and not spooled"
with_state
server queue <<'END'
read -r line
echo 'error refused 1, queued 1: not a store path (outside /nix/store): /etc/passwd'
END
run_hook OUT_PATHS="$(path 1) /etc/passwd"
must gives_0
must says 'error refused 1, queued 1: not a store path (outside /nix/store): /etc/passwd'
must nothing_spooled

# spools_when SENTENCE REASON [TIMEOUT]: the hook must spool for REASON. The server's script is the standard input.
spools_when() {
    test_that "$1 makes it spool"
    with_state
    server queue
    run_hook "NPBHQ_HOOK_TIMEOUT=${3-20s}"
    must gives_0
    must says "$2"
    must says "left in the spool: $(path 1)"
    must spooled "$(path 1)"
    must rooted "$(path 1)"
    must at_most "$took" 12000
    must no_process_left
}
spools_when "an error" 'configuration: NPBHQ_UPLOAD_TO is not set; left' <<'END'
read -r line
echo 'error configuration: NPBHQ_UPLOAD_TO is not set'
END
spools_when "an error after data" 'not queued: disk full; left' <<'END'
read -r line
echo ok nonsense
echo more
echo error not queued: disk full
END
spools_when "a reply that is cut short" 'not an answer: o;' <<'END'
read -r line
printf o
END
spools_when "a connection closed without a reply" 'no answer from' <<'END'
read -r line
END
spools_when "a connection closed before anything is read" 'no' <<'END'
exit
END
spools_when "a reply that is not one" 'not an answer: okay then;' <<'END'
read -r line
echo okay then
END
spools_when "a reply full of terminal codes" 'not an answer: ok???[2J???tail;' <<'END'
read -r line
printf 'ok\n\001\033[2J\r\n\233tail\n'
END
spools_when "an endless reply" 'not an answer: yyyyyyyy' <<'END'
read -r line
exec tr '\0' y </dev/zero
END
spools_when "a reply of ten thousand lines" 'not an answer: line' <<'END'
read -r line
yes 'line' | head -n 12000
END
spools_when "a worker that never answers" 'no answer from' 7s <<END
$mute
END
spools_when "a reply that comes in drops" 'not an answer: ' 7s <<'END'
while printf .; do sleep 0.1; done
END
spools_when "a worker that answers too late" 'no answer from' 7s <<'END'
read -r line
sleep 20
echo ok queued 1
END

test_that "a missing socket makes it spool at once"
with_state
run_hook
must gives_0
must says "nobody listens at $socket; left in the spool: $(path 1)"
must spooled "$(path 1)"
must at_most "$took" 4000

test_that "a socket without a listener makes it spool at once"
with_state
server queue <<END
$takes
END
stop_servers
must [ -S "$socket" ]
run_hook
must gives_0
must says "nobody listens at"
must spooled "$(path 1)"
must at_most "$took" 4000

test_that "a full backlog does not delay it beyond its limit"
with_state
server queue 1 <<END
$takes
END
kill -s STOP "$last_server"
for _ in 1 2 3 4; do
    env NPBHQ_STATE_DIR=other timeout 15 socat -u - "UNIX-CONNECT:$socket" </dev/null 2>/dev/null &
done
sleep 0.3
run_hook NPBHQ_HOOK_TIMEOUT=7s
must gives_0
must says "no answer from $socket within 4.200 s; left in the spool"
must spooled "$(path 1)"
must at_least "$took" 4100
must within 7000
must no_process_left

# spools_within MILLISECONDS RUN_HOOK-ARGUMENT…: a part of it is enough to spool unless the machine is very busy, and then
# it says so; but not three times.
spools_within() {
    most=$1
    shift
    for _ in 1 2 3; do
        run_hook "$@"
        must gives_0
        must within "$most"
        ! says "left in the spool" || return 0
        must says "NOT queued"
    done
    return 1
}

test_that "without a setting it waits less than 5 s in all"
with_state
server queue <<END
$mute
END
must spools_within 5000 env -u NPBHQ_HOOK_TIMEOUT
must says "within 3.000 s"
must at_least "$took" 2900
must no_process_left

for setting in 0 5ms 100ms 0s 000000100ms; do
    test_that "NPBHQ_HOOK_TIMEOUT=$setting is short, but leaves time to spool"
    with_state
    server queue <<END
$mute
END
    must spools_within 1000 "NPBHQ_HOOK_TIMEOUT=$setting"
    must at_least "$(spooled_files)" 1
    must no_process_left
done

# shellcheck disable=SC2016 # so it comes
for setting in soon 5m -1 1.5s 10000000000s '5s ' '$(touch x)' "5
s"; do
    test_that "NPBHQ_HOOK_TIMEOUT='$(printf '%s' "$setting" | tr '\n' ' ')' is warned of, and the paths are queued"
    with_state
    server queue <<END
$takes
END
    run_hook "NPBHQ_HOOK_TIMEOUT=$setting"
    must gives_0
    must says "NPBHQ_HOOK_TIMEOUT is not a duration"
    must requests_are "$(path 1)"
done

for setting in 08s 1min 36500d 999999999d; do
    test_that "NPBHQ_HOOK_TIMEOUT=$setting is a duration"
    with_state
    server queue <<'END'
sleep 0.2
read -r line
echo ok queued 1
END
    run_hook "NPBHQ_HOOK_TIMEOUT=$setting"
    must gives_0
    must is_silent
done

test_that "it waits more than 5 s if the setting says so"
with_state
server queue <<'END'
read -r line
sleep 5.2
echo ok queued 1
END
run_hook NPBHQ_HOOK_TIMEOUT=10s
must gives_0
must is_silent
must at_least "$took" 5100

finish
