#!/bin/sh
# nix-post-build-hook-queue watch: the screen of a terminal, read through tmux, and the output to a pipe.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"

script_under_test nix-post-build-hook-queue "$work/client"

if ! command -v tmux >/dev/null 2>&1; then
    echo "      left out: no tmux"
    finish
    exit
fi

# A fake worker that sends the newest picture repeatedly, and the last line once the file "end" exists.
tells() {
    server queue <<'END'
read -r line
printf '%s\n' "$line" >>requests
while [ ! -e end ]; do
    [ ! -e moment ] || cat moment || exit
    sleep 0.1
done
echo 'ok nothing left to do: 20 paths to s3://cache (40 MB) in 14s'
END
}
# tell BAR TAIL: of the lane s3://cache; or a picture that is the standard input.
tell() {
    if [ "$#" -gt 0 ]; then
        printf 'line\tsign       [\tnone\t##########\t] 100%% 20 of 20 paths\nline\ts3://cache [\tgreen\t%s\t]%s\ndraw\t17,1,2\n' "$1" "$2"
    else
        cat
    fi >"$case_dir/.new"
    mv "$case_dir/.new" "$case_dir/moment"
}

# in_terminal WIDTH COMMAND: typed at a shell in a terminal of that width.
terminal=0
tm() { tmux -L "npbhq-$$-$terminal" -f /dev/null "$@"; }
in_terminal() {
    [ "$terminal" = 0 ] || tm kill-server
    terminal=$((terminal + 1)) # a server that ends takes its time
    tm new-session -d -x "$1" -y 20 "env -u NO_COLOR PS1='$ ' sh" || return
    tm send-keys "cd $case_dir; export NPBHQ_SOCKET=$socket; stty -g >before; clear; $2" Enter
}
# ended: the shell is back, with status in status.
ended() {
    tm send-keys "echo \$? >status; stty -g >after" Enter
    must eventually [ -s "$case_dir/after" ]
    status=$(cat "$case_dir/status")
}
as_before() { cmp "$case_dir/before" "$case_dir/after"; }
# asked PREFIX: the last request begins so.
asked() { case $(tail -n 1 "$case_dir/requests") in "$1"*) ;; *) return 1 ;; esac }
coloured() { tm capture-pane -p -e | grep '^s3' | grep -q "\[[0-9;]*32m#"; }
shows() { tm capture-pane -p >"$case_dir/out" 2>"$case_dir/err" && grep -qE -e "$1" "$case_dir/out"; }
trap 'tm kill-server; clean_up' EXIT

test_that "a terminal shows one bar per lane, redrawn in place, and one line at the end"
tells
tell '###-------' '  25% 5 of 20 paths, 10 MB at 2.5 MB/s, about 15s left'
in_terminal 100 "$work/client watch"
must eventually shows '^s3://cache \[#{3}-{7}\]  25% 5 of 20 paths, 10 MB at 2.5 MB/s, about 15s left$'
must shows '^sign +\[#+\] 100% 20 of 20 paths$'
tell '#######---' '  75% 15 of 20 paths, 30 MB at 2.5 MB/s, a few seconds left'
must eventually shows '^s3://cache .* 75% 15 of 20'
must equal "$(grep -c '^s3://cache' "$case_dir/out")" 1
must equal "$(cat "$case_dir/requests")" 'watch bars 100x20'
: >"$case_dir/end"
must eventually shows '^nothing left to do: 20 paths to s3://cache \(40 MB\) in 14s$'
ended
must equal "$status" 0
must as_before

test_that "the worker's text is never evaluated, and is sanitized for the terminal"
tells
# shellcheck disable=SC2016 # for a shell that would evaluate it
printf 'line\tsign \033[5m$(touch evaluated)[\tgreen\t##\302\233--\t] 5\033[31m of 20\nline\ts3 [\t$(touch evaluated)\t*\t] t\nline\tso\033[5m much\nother\tnot shown\ndraw\t$(touch evaluated)\033[2J\n' >"$case_dir/moment"
in_terminal 100 "$work/client watch"
must eventually shows '^sign \?\[5m\$\(touch evaluated\)\[##\?--\] 5\?\[31m of 20$'
must shows '^s3 \[\*\] t$'
must shows '^so\?\[5m much$'
must not shows 'not shown'
tm resize-window -x 60 -y 20
must eventually asked 'watch bars 60x20'
must eventually shows '^so\?\[5m much$'
: >"$case_dir/end"
must eventually shows '^nothing left to do'
ended
must equal "$status" 0
must not [ -e "$case_dir/evaluated" ]

test_that "after a change of the terminal's size watch requests pictures of that size, from the same beginning"
tells
tell '#####-----' '  50% 10 of 20 paths, 20 MB at 2.5 MB/s, about 10s left'
in_terminal 120 "$work/client watch"
must eventually shows '^s3://cache .*left$'
tell '######----' '  60% 12 of 20 paths'
must eventually shows '^s3://cache \[######----\]  60% 12 of 20 paths$'
tm resize-window -x 44 -y 10
must eventually asked 'watch bars 44x10 17,1,2'
must eventually shows '^s3://cache \[######----\]  60% 12 of 20 paths$'
must equal "$(grep -c '^s3://cache' "$case_dir/out")" 1
must equal "$(grep -c . "$case_dir/out")" 2
tm resize-window -x 90 -y 20
must eventually asked 'watch bars 90x20 17,1,2'
tell '#######---' '  70% 14 of 20 paths, 28 MB at 2.5 MB/s, about 10s left'
must eventually shows '^s3://cache .* 70% 14 of 20 paths, 28 MB at 2.5 MB/s, about 10s left$'
must equal "$(grep -c . "$case_dir/out")" 2

test_that "a picture with fewer lines erases the rest of the last one"
tells
{
    for n in 1 2 3 4 5 6 7; do printf 'line\tlane-%d\n' "$n"; done
    printf 'draw\t1\n'
} | tell
in_terminal 80 "$work/client watch"
must eventually shows '^lane-7$'
printf 'line\tagain-1\ndraw\t1\n' | tell
must eventually shows '^again-1$'
must not shows '^lane-'

test_that "Ctrl-C only stops watch"
tells
tell '#####-----' '  50% half'
in_terminal 80 "$work/client watch"
must eventually shows '^s3://cache'
tm send-keys C-c
ended
must equal "$status" 130
must as_before
tm send-keys 'echo still th''ere' Enter
must eventually shows '^still there$'

test_that "running lanes are green; with NO_COLOR the bars have no colour"
tells
tell '#####-----' '  50% half'
in_terminal 80 "$work/client watch"
must eventually shows '^s3://cache \[#+-+\]'
must coloured
in_terminal 80 "NO_COLOR=1 $work/client watch"
must eventually shows '^s3://cache \[#+-+\]  50% half$'
must not coloured

test_that "a dumb terminal and a pipe get plain lines"
tells
echo 'copying 1 of 2' | tell
in_terminal 80 "TERM=dumb $work/client watch"
must eventually shows '^copying 1 of 2$'
must equal "$(cat "$case_dir/requests")" watch
in_terminal 80 "$work/client watch | cat"
must eventually shows '^copying 1 of 2$'
must eventually equal "$(printf 'watch\nwatch')" "$(cat "$case_dir/requests")"

finish
