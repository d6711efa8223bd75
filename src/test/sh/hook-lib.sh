# shellcheck shell=sh disable=SC2154,SC2034 # read in after lib.sh, by those who use it
# What the tests of post-build-hook share.

script_under_test post-build-hook "$work/post-build-hook"
hook=$work/post-build-hook

# with_state: a state directory, as installed.
with_state() {
    state=$case_dir/state
    roots=$case_dir/roots
    mkdir "$state" "$state/spool" "$roots"
    socket=$case_dir/absent
}

# run_hook [NAME=VALUE… [PROGRAM…]]: as Nix does it, which waits for the end of the output. Sets status and took. Where
# time is not what is tested it has plenty, for the machine may be busy.
run_hook() {
    began=$(milliseconds)
    {
        env NPBHQ_SOCKET="$socket" NPBHQ_STATE_DIR="$state" NPBHQ_GCROOTS_DIR="$roots" \
            OUT_PATHS="$(path 1)" NPBHQ_HOOK_TIMEOUT=30s "$@" "$hook"
        echo "$?" >"$case_dir/status"
    } 2>&1 | cat >"$case_dir/err"
    took=$(($(milliseconds) - began))
    status=$(cat "$case_dir/status")
}

# within MILLISECONDS: what the test itself and a busy machine take comes on top.
within() { at_most "$took" "$(($1 + 700))"; }
gives_0() { equal "$status" 0; }
is_silent() { [ ! -s "$case_dir/err" ]; }
# says TEXT: in one line of printable characters, and nothing else.
says() {
    equal "$(wc -l <"$case_dir/err")" 1 && has_part "$case_dir/err" "$1" &&
        equal "$(cut -c 1-27 "$case_dir/err")" 'nix-post-build-hook-queue: ' &&
        ! LC_ALL=C grep -q '[^[:print:]]' "$case_dir/err"
}
requests_are() { equal "$(cat "$case_dir/requests")" "$1"; }
spooled_files() { set -- "$state"/spool/*.paths && [ -e "$1" ] && echo "$#" || echo 0; }
# spooled PATH…: one file with these, and nothing half done beside it.
spooled() {
    equal "$(find "$state/spool" -mindepth 1 | wc -l)" 1 && equal "$(cat "$state"/spool/*.paths)" "$(printf '%s\n' "$@")"
}
nothing_spooled() { equal "$(find "$state/spool/" -mindepth 1)" ''; }
rooted() { equal "$(readlink "$roots/${1##*/}")" "$1"; }
# no_process_left: none that has this test's settings. It has until then to be gone that a signal needs to arrive.
no_process() { ! grep -qsF "NPBHQ_STATE_DIR=$state" /proc/[0-9]*/environ; }
no_process_left() { eventually no_process; }

# A worker that takes everything, and one that says nothing for longer than any test.
# shellcheck disable=SC2016 # for a shell of its own
takes='read -r line; printf "%s\n" "$line" >>requests; cat >>requests; echo ok queued 1' mute='exec sleep 25'
