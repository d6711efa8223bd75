# shellcheck shell=sh disable=SC2154,SC2034 # read in after lib.sh, by those who use it
# Functions that the tests of post-build-hook share.

# NPBHQ_TEST_HOOK=c: the C program with the script behind it, with sanitizers; otherwise the script alone.
script=$work/post-build-hook.sh
script_under_test post-build-hook "$script"
program=
if [ "${NPBHQ_TEST_HOOK-}" = c ]; then
    program=$work/post-build-hook.c.out
    # Without the leak check: the program allocates nothing, and the check fails under strace.
    ASAN_OPTIONS=detect_leaks=0
    export ASAN_OPTIONS
    cc -std=c11 -g -fsanitize=address,undefined -fno-sanitize-recover=all -o "$program" \
        "$source_of_scripts/../c/post-build-hook.c" || exit 1
fi

# install_hook TO <SCRIPT: a hook with this script.
install_hook() {
    mkdir -p "${1%/*}"
    if [ -n "$program" ]; then
        mkdir -p "$1.tree/bin" "$1.tree/libexec/nix-post-build-hook-queue"
        cat >"$1.tree/libexec/nix-post-build-hook-queue/post-build-hook"
        chmod 755 "$1.tree/libexec/nix-post-build-hook-queue/post-build-hook"
        ln -f "$program" "$1.tree/bin/post-build-hook"
        ln -sf "$1.tree/bin/post-build-hook" "$1"
    else
        cat >"$1"
        chmod 755 "$1"
    fi
}

# hook_with SED-EXPRESSION: makes $case_dir/hook, whose script has been changed.
hook_with() { sed "$1" "$script" | install_hook "$case_dir/hook"; }

hook=$work/post-build-hook
install_hook "$hook" <"$script"

# with_state: creates a state directory, as installed.
with_state() {
    state=$case_dir/state
    roots=$case_dir/roots
    mkdir "$state" "$state/spool" "$roots"
    socket=$case_dir/absent
}

# run_hook [NAME=VALUE… [PROGRAM…]]: runs the hook like Nix, which waits for the end of the output. Sets status and took.
# Tests that do not test the time have a long limit, because the machine may be busy.
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

# within MILLISECONDS: whether the hook was fast enough, with a margin for the test itself and a busy machine.
within() { at_most "$took" "$(($1 + 700))"; }
gives_0() { equal "$status" 0; }
is_silent() { [ ! -s "$case_dir/err" ]; }
# says TEXT: the hook's output is one line of printable characters that contains TEXT.
says() {
    equal "$(wc -l <"$case_dir/err")" 1 && has_part "$case_dir/err" "$1" &&
        equal "$(cut -c 1-27 "$case_dir/err")" 'nix-post-build-hook-queue: ' &&
        ! LC_ALL=C grep -q '[^[:print:]]' "$case_dir/err"
}
requests_are() { equal "$(cat "$case_dir/requests")" "$1"; }
spooled_files() { set -- "$state"/spool/*.paths && [ -e "$1" ] && echo "$#" || echo 0; }
# spooled PATH…: the spool has one file with these paths, and no temporary file.
spooled() {
    equal "$(find "$state/spool" -mindepth 1 | wc -l)" 1 && equal "$(cat "$state"/spool/*.paths)" "$(printf '%s\n' "$@")"
}
nothing_spooled() { equal "$(find "$state/spool/" -mindepth 1)" ''; }
rooted() { equal "$(readlink "$roots/${1##*/}")" "$1"; }
# no_process_left: no process with this test's settings runs; waits for the delivery of a signal.
no_process() { ! grep -qsF "NPBHQ_STATE_DIR=$state" /proc/[0-9]*/environ; }
no_process_left() { eventually no_process; }

# A worker that accepts everything, and one that stays silent for longer than any test.
# shellcheck disable=SC2016 # for a shell of its own
takes='read -r line; printf "%s\n" "$line" >>requests; cat >>requests; echo ok queued 1' mute='exec sleep 25'
