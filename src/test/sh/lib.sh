# shellcheck shell=sh disable=SC2034 # those who read it in use it
# Functions that the tests of the shell scripts share. Each test file sources this first, and calls finish last.
#
# A test is a sentence and its assertions:
#
#     test_that "a dog barks"
#     must bark dog
#
# NPBHQ_TEST_SHELL is the interpreter, as a first line has it, that the scripts under test are run by.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
source_of_scripts=$here/../../main/sh
source_of_help=$here/../../main/resources/hookqueue/protocol/help.txt
interpreter=${NPBHQ_TEST_SHELL:-/bin/sh}
LC_ALL=C.UTF-8
export LC_ALL
# Ignore the caller's settings.
unset NPBHQ_SOCKET NPBHQ_HOOK_TIMEOUT NPBHQ_STATE_DIR NPBHQ_GCROOTS_DIR NPBHQ_STORE_DIR NPBHQ_NIX NPBHQ_JAVA OUT_PATHS DRV_PATH

work=$(mktemp -d "${TMPDIR:-/tmp}/npbhq-sh.XXXXXX")
chmod 755 "$work"
cd "$work" || exit 1
passed=0
failed=0
sentence=
holds=1
case_dir=
servers=
mounts=

clean_up() {
    stop_servers
    for mount in $mounts; do umount "$mount" 2>/dev/null || umount -l "$mount"; done
    rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 130' HUP INT TERM

conclude() {
    [ -n "$sentence" ] || return 0
    stop_servers
    if [ "$holds" = 1 ]; then
        passed=$((passed + 1))
        printf 'ok    %s\n' "$sentence"
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$sentence"
    fi
    sentence=
}

# test_that SENTENCE: begins a test, in an empty folder of its own.
test_that() {
    conclude
    sentence=$1
    holds=1
    case_dir=$work/$((passed + failed))
    mkdir -p "$case_dir"
    chmod 755 "$case_dir"
}

# must COMMAND…: an assertion of the current test.
must() {
    "$@" && return 0
    holds=0
    printf '      not so: %.500s\n' "$*"
    for file in "$case_dir/err" "$case_dir/out"; do [ ! -s "$file" ] || head -n 20 "$file" | cut -c 1-500 | sed "s/^/      ${file##*/}: /" | cat -v; done
    return 0
}

finish() {
    conclude
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
}

not() { ! "$@"; }
equal() { [ "$1" = "$2" ]; }
at_most() { [ "$1" -le "$2" ]; }
at_least() { [ "$1" -ge "$2" ]; }
is_root() { [ "$(id -u)" = 0 ]; }
# has FILE LINE, has_part FILE TEXT
has() { grep -qxF -e "$2" -- "$1"; }
has_part() { grep -qF -e "$2" -- "$1"; }

milliseconds() { date +%s%3N; }

# eventually COMMAND…: within 5 s.
eventually() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.05
    done
}

# script_under_test NAME TO: makes a copy whose interpreter, also in nested calls, is the shell under test.
script_under_test() {
    sed -e "s|/bin/sh\\b|$interpreter|g" -e "/^@help@$/{r $source_of_help" -e 'd}' "$source_of_scripts/$1" >"$2"
    chmod 755 "$2"
}

# server NAME [BACKLOG] <<SCRIPT: sets socket to a new one, at which the script answers each connection: the request
# is its input, the reply its output.
server() {
    cat >"$case_dir/$1.server"
    socket=$case_dir/$1
    : >"$case_dir/requests"
    (cd "$case_dir" && exec setsid socat -t 30 "UNIX-LISTEN:$socket,fork,mode=666,backlog=${2:-128}" \
        "EXEC:/bin/sh $case_dir/$1.server" 2>>"$case_dir/server.log") &
    servers="$servers $!"
    last_server=$!
    must eventually is_listening "$socket"
}
# The file exists before the socket listens; the flag is the kernel's for a listening socket.
is_listening() { grep -q " 00010000 .* $1\$" /proc/net/unix; }

stop_servers() {
    for server in $servers; do
        kill -s KILL -- "-$server" 2>/dev/null
        wait "$server" 2>/dev/null
    done
    servers=
}

# path N: a store path.
path() { printf '/nix/store/%032d-path' "$1"; }
