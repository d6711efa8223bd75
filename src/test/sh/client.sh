#!/bin/sh
# nix-post-build-hook-queue as a client: its requests, output and exit status.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"

script_under_test nix-post-build-hook-queue "$work/client"

# client WORD…: sets status and took; its output and errors are in out and err.
client() {
    began=$(milliseconds)
    status=0
    NPBHQ_SOCKET=$socket timeout 30 "$work/client" "$@" >"$case_dir/out" 2>"$case_dir/err" </dev/null || status=$?
    took=$(($(milliseconds) - began))
}
ends_with() { equal "$status" "$1"; }
prints() { equal "$(cat "$case_dir/out")" "$1"; }
complains() { equal "$(cat "$case_dir/err")" "nix-post-build-hook-queue: $1"; }
complains_of() { has_part "$case_dir/err" "$1" && equal "$(wc -l <"$case_dir/err")" 1; }
is_quiet() { [ ! -s "$case_dir/err" ]; }
sent() { equal "$(cat "$case_dir/requests")" "$1"; }
nobody() { socket=$case_dir/absent; }

# shellcheck disable=SC2016 # for a shell of its own
echoes='read -r line; printf "%s\n" "$line" >>requests; cat >/dev/null'

test_that "data lines are printed, and the text of the last line"
server queue <<END
$echoes
printf ' indented\n\nlast  one\nok with a word\n'
END
client status
must ends_with 0
must prints " indented

last  one
with a word"
must is_quiet
must sent status

test_that "an ok alone prints nothing"
server queue <<END
$echoes
echo ok
END
client version
must ends_with 0
must prints ''
must is_quiet

# in_columns N WORD…: the same, on a terminal of that width.
in_columns() {
    columns=$1
    shift
    NPBHQ_SOCKET=$socket timeout 30 script -qec "stty cols $columns -onlcr && $work/client $*" /dev/null \
        >"$case_dir/out" 2>"$case_dir/err" </dev/null
    status=$?
}
hello=/nix/store/mjs27ix6ig2bkbi3s3sm470vrv4lf7ic-hello
rows="$hello  ssh-ng://nix-ssh@nix-cache.example.com  deferred, next try in 5s, 2 attempts: unable to upload, as the disk is full
$hello  s3://cache  queued
/nix/store/00000000000000000000000000000000-$(printf '%0100d' 0)  s3://cache  queued"

test_that "on a terminal the lines of list are folded at its width, with each path uncut, once, and on its own line"
server queue <<END
$echoes
printf '%s\n' '$rows'
echo ok
END
in_columns 80 list
must ends_with 0
must prints "$hello
    ssh-ng://nix-ssh@nix-cache.example.com deferred, next try in 5s, 2 attempts:
        unable to upload, as the disk is full
    s3://cache queued
/nix/store/00000000000000000000000000000000-$(printf '%0100d' 0)
    s3://cache queued"
client list
must prints "$rows"

test_that "on a terminal a folded command of explain has shell line continuations"
server queue <<END
$echoes
printf '%s\n' 'to try again now: nix-post-build-hook-queue retry $hello' 'filters: accepted, no filter is set'
echo ok
END
in_columns 80 explain $hello
must prints "to try again now: nix-post-build-hook-queue retry \\
    $hello
filters: accepted, no filter is set"
must sent "explain $hello"

test_that "a data line that begins like a last line is distinguished by its leading blank"
server queue <<END
$echoes
printf ' ok not yet\nokay\nerrors: none\nok\n'
END
for word in status list; do
    client "$word"
    must ends_with 0
    must prints " ok not yet
okay
errors: none"
done

test_that "an error goes to standard error, and its data to standard output"
server queue <<END
$echoes
printf 'one\nerror two of them\n'
END
for word in status list failed watch wait; do
    client "$word"
    must ends_with 1
    must prints one
    must complains 'two of them'
done

test_that "replies of a compromised worker are sanitized"
server queue <<END
$echoes
printf 'a\033[31mb\302\233c\177\tko \303\251\302\265\nok \033]0;title\007\n'
END
for word in status list failed wait; do
    client "$word"
    must ends_with 0
    must prints "$(printf 'a?[31mb?c?\tko \303\251\302\265\n?]0;title?')"
done
server other <<END
$echoes
printf 'error \033[1mno\n'
END
for word in status list; do
    client "$word"
    must ends_with 1
    must complains '?[1mno'
done

test_that "a path as first word is queued"
server queue <<END
$echoes
echo ok queued 2
END
client "$(path 1)" "$(path 2)"
must ends_with 0
must prints 'queued 2'
must sent "$(path 1) $(path 2)"

test_that "each word is sent unchanged"
server queue <<END
$echoes
echo ok
END
expected=
while IFS= read -r request; do
    # shellcheck disable=SC2086 # words
    client $request
    must ends_with 0
    must is_quiet
    expected="$expected$request
"
done <<END
queue tag=job-42 $(path 1)
status
status json
list
list json
failed
failed json
wait
wait timeout=10min tag=x
wait $(path 1) $(path 2)
watch
watch json
check
check --upload
retry
retry $(path 1)
drop $(path 1) $(path 2)
pause
pause 1h
resume
explain $(path 1)
metrics
help
version
END
must sent "${expected%?}"

test_that "watch prints each line at once"
server queue <<'END'
read -r line
echo first
until [ -e seen ]; do sleep 0.05; done
echo second
echo ok
END
NPBHQ_SOCKET=$socket timeout 20 "$work/client" watch >"$case_dir/out" 2>"$case_dir/err" &
watcher=$!
must eventually has "$case_dir/out" first
must not has "$case_dir/out" second
: >"$case_dir/seen"
must wait "$watcher"
must has "$case_dir/out" second

test_that "a long list is printed completely and quickly"
server queue <<'END'
read -r line
seq -f '/nix/store/%032.0f-path  sign  queued' 1 50000
echo ok
END
client list
must ends_with 0
must equal "$(wc -l <"$case_dir/out")" 50000
must at_most "$took" 8000

test_that "list ends without a message when the reader of its output has gone"
server queue <<'END'
read -r line
seq -f '/nix/store/%032.0f-path  sign  queued' 1 50000
echo ok
END
{
    NPBHQ_SOCKET=$socket timeout 30 "$work/client" list 2>"$case_dir/err"
    echo "$?" >"$case_dir/status"
} | head -n 1 >"$case_dir/out"
status=$(cat "$case_dir/status")
must ends_with 141
must prints "$(path 1)  sign  queued"
must is_quiet

test_that "patterns are not expanded, and words with a dash are not options"
server queue <<END
$echoes
echo ok
END
# shellcheck disable=SC2016 # so it comes
(cd / && client retry '*' -n '$(id)')
# shellcheck disable=SC2016 # and so it goes
must sent 'retry * -n $(id)'

test_that "without a socket it says what to start, with status 69"
nobody
for word in status list wait "$(path 1)"; do
    client "$word"
    must ends_with 69
    must complains "there is no socket $socket; fix: systemctl enable --now nix-post-build-hook-queue.socket"
    must prints ''
done

# The reply of a worker that had no running copy may be cut off.
test_that "reload succeeds when the worker exits before its answer is through"
server queue <<END
$echoes
exit
END
client reload
must ends_with 0
must sent reload

test_that "reload does not wait in the socket for a worker that has exited"
server queue <<'END'
exec sleep 60
END
sleep 60 &
other=$!
(sleep 1 && kill $other) &
client reload main-pid=$other
must ends_with 0
must at_most "$took" 10000
client reload main-pid=
must ends_with 0
must at_most "$took" 2000

test_that "without a listener it names the command to look at, with status 69"
server queue <<END
$echoes
END
stop_servers
for word in status list wait watch; do
    client "$word"
    must ends_with 69
    must complains "nobody listens at $socket; fix: systemctl restart nix-post-build-hook-queue.socket"
done

test_that "a user without access to the socket gets an error, with status 69"
server queue <<END
$echoes
END
chmod 600 "$socket"
if is_root; then
    chmod 755 "$work"
    NPBHQ_SOCKET=$socket setpriv --reuid=65534 --regid=65534 --clear-groups -- "$work/client" status \
        >"$case_dir/out" 2>"$case_dir/err" </dev/null
    status=$?
    must ends_with 69
    must complains "you may not use the socket $socket; fix: be root, or in the group that may"
else
    echo "      left out: needs root"
fi

test_that "a user without access to the socket's folder gets an error, with status 69"
mkdir "$case_dir/closed"
server closed/queue <<END
$echoes
END
chmod 700 "$case_dir/closed"
if is_root; then
    chmod 755 "$work"
    NPBHQ_SOCKET=$socket setpriv --reuid=65534 --regid=65534 --clear-groups -- "$work/client" status \
        >"$case_dir/out" 2>"$case_dir/err" </dev/null
    status=$?
    must ends_with 69
    must complains "you may not use the socket $socket; fix: be root, or in the group that may"
else
    echo "      left out: needs root"
fi

test_that "the worker judges the words of its requests, with status 1"
server queue <<'END'
read -r line
printf '%s\n' "$line" >>requests
echo "error not so: $line"
END
for request in 'status xml' 'pause now' 'pause 1h now' 'watch 5' 'explain' 'drop' 'version 2' 'reload x' 'check it'; do
    # shellcheck disable=SC2086 # words
    client $request
    must ends_with 1
    must complains "not so: $request"
done
must equal "$(wc -l <"$case_dir/requests")" 9

test_that "a file in the store, a link to one, and a completed path are sent as the store path"
export NPBHQ_STORE_DIR="$case_dir/store/"
store=$case_dir/store
one=$store/7hx47qyrz4065viqzzhdqi5jixgjys0z-one
two=$store/8hx47qyrz4065viqzzhdqi5jixgjys0z-two
mkdir -p "$one/bin" "$case_dir/here/deep"
: >"$one/bin/x"
ln -s "$one" "$two"
ln -s "$one/bin/x" "$one/bin/y"
ln -s "$one" "$case_dir/here/result"
ln -s here/result "$case_dir/indirect"
ln -s "$two" "$case_dir/here/result-2"
: >"$case_dir/here/wait"
server queue <<END
$echoes
echo ok
END
expected=
while IFS='|' read -r words sent; do
    here=$(cd "$case_dir/here" && pwd -P)
    # shellcheck disable=SC2086 # words
    (cd "$here" && client $words && ends_with 0)
    must equal "$(tail -n 1 "$case_dir/requests")" "$sent"
done <<END
$one/|$one
$one/bin/x $two|$one $two
explain $one//|explain $one
./result|$one
./result/|$one
../here/result ../indirect|$one $one
./result-2|$two
explain result|explain $one
wait timeout=5s result $two/bin|wait timeout=5s $one $two
queue tag=a ./result/bin/x $case_dir/here/result|queue tag=a $one $one
drop $one/bin/y|drop $one
retry absent ./absent $case_dir/here/deep|retry absent ./absent $case_dir/here/deep
explain /etc/passwd|explain /etc/passwd
END
unset NPBHQ_STORE_DIR
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)

test_that "a worker without room for the request gives status 75, and wait retries"
server queue <<'END'
read -r line
printf '%s\n' "$line" >>requests
[ "$(wc -l <requests)" -gt 3 ] || { echo 'error 48 clients wait, watch or explain already; try again later'; exit; }
echo ok done
END
for word in list explain\ /nix/x; do
    # shellcheck disable=SC2086 # words
    client $word
    must ends_with 75
    must complains '48 clients wait, watch or explain already; try again later'
done
client wait timeout=20s
must ends_with 0
must complains '48 clients wait, watch or explain already; try again later'
must prints 'done'

test_that "a connection that ends before the last line gives status 75"
while IFS= read -r answer; do
    printf '%b' "$answer" >"$case_dir/answer"
    server queue <<'END'
read -r line
cat answer
END
    for word in status list explain\ /nix/x; do
        # shellcheck disable=SC2086 # words
        client $word
        must ends_with 75
        must complains_of 'exited before it answered'
    done
    stop_servers
    rm "$socket"
done <<'END'

data\n
data\nmore
ok
ok fi
error part
END

test_that "without socat or awk it says so, with status 69"
nobody
mkdir "$case_dir/tools"
sed "s|^PATH=.*|PATH=$case_dir/tools|" "$work/client" >"$case_dir/client"
chmod +x "$case_dir/client"
for missing in socat awk; do
    status=0
    "$case_dir/client" status 2>"$case_dir/err" || status=$?
    must ends_with 69
    must complains "$missing is not installed, or not in PATH"
    ln -s "$(command -v "$missing")" "$case_dir/tools/"
done

test_that "without an awk that works it says so, with status 69"
nobody
mkdir "$case_dir/tools"
printf '#!/bin/sh\nexit 2\n' >"$case_dir/tools/awk"
chmod +x "$case_dir/tools/awk"
sed "s|^PATH=.*|PATH=$case_dir/tools:\$PATH|" "$work/client" >"$case_dir/client"
chmod +x "$case_dir/client"
status=0
"$case_dir/client" status 2>"$case_dir/err" || status=$?
must ends_with 69
must complains "awk ended with status 2: it failed, or nobody reads the answer"

test_that "wrong usage gives status 64, names the mistake, and sends nothing"
server queue <<END
$echoes
echo ok
END
while IFS='|' read -r words text; do
    # shellcheck disable=SC2086 # words
    client $words
    must ends_with 64
    must complains_of "$text"
    must prints ''
done <<'END'
stat|not a word of this program: stat; see: nix-post-build-hook-queue --help
PATH|not a word of this program: PATH
store/path|not a word of this program: store/path
--force|not a word of this program: --force
serve x|serve takes nothing or --dry-run, not: x
serve --dry-run x|serve takes nothing or --dry-run, not: --dry-run x
backfill --wet|backfill takes nothing or --dry-run, not: --wet
backfill --dry-run /x|backfill takes nothing or --dry-run, not: --dry-run /x
wait timeout=soon|not a duration
wait timeout=|not a duration
wait timeout=5m|not a duration
END
for word in "$(printf 'a\nb')" "$(printf 'x\033[2J')" "$(printf '\177')" "$(printf 'status\r')"; do
    client explain "$word"
    must ends_with 64
    must complains 'a word with a control character in it'
done
client ''
must ends_with 64
must sent ''

test_that "a request longer than the line limit is refused, with status 64"
server queue <<END
$echoes
echo ok
END
# shellcheck disable=SC2046 # words
NPBHQ_SOCKET=$socket "$work/client" $(seq -f '/nix/store/%0200.0f' 1 5200) >"$case_dir/out" 2>"$case_dir/err"
status=$?
must ends_with 64
must complains_of 'longer than 1 MiB'
must sent ''

test_that "without arguments it prints the usage, with status 64"
nobody
client
must ends_with 64
must has_part "$case_dir/err" 'usage: nix-post-build-hook-queue WORD'
must prints ''

test_that "help and version need no socket"
nobody
client --help
must ends_with 0
cp "$case_dir/out" "$case_dir/usage"
must has_part "$case_dir/out" 'usage: nix-post-build-hook-queue WORD'
must is_quiet
client --version
must ends_with 0
must grep -qx 'nix-post-build-hook-queue .*' "$case_dir/out"
words=$(sed -n 's/^  \([a-z]*\) .*/\1/p' "$case_dir/usage")
must at_least "$(echo "$words" | wc -w)" 16
for word in $words; do
    must has_part "$case_dir/out" version
    client "$word" --help
    must ends_with 0
    must grep -q "^usage: nix-post-build-hook-queue $word" "$case_dir/out"
    must at_least "$(wc -l <"$case_dir/out")" 2
    must is_quiet
    client --version
done

# --- wait, across exits and restarts of the worker --------------------------------------------------------------------

test_that "wait asks again when the worker exits, with the remaining time"
server queue <<'END'
read -r line
printf '%s\n' "$line" >>requests
[ "$(wc -l <requests)" -gt 2 ] || exit 0
echo ok
END
client wait timeout=20s tag=job-42
must ends_with 0
must complains_of 'the worker exited; waiting for it to come back'
must equal "$(sed -n 1p "$case_dir/requests")" 'wait timeout=20s tag=job-42'
must equal "$(wc -l <"$case_dir/requests")" 3
left=$(sed -n '3s/wait timeout=\([0-9]*\)s tag=job-42/\1/p' "$case_dir/requests")
must at_least "${left:-0}" 5
must at_most "${left:-99}" 19

test_that "wait outlives a worker that is killed and a socket that is closed for a while"
server queue <<'END'
read -r line
: >asked
sleep 20
END
NPBHQ_SOCKET=$socket timeout 25 "$work/client" wait "$(path 1)" >"$case_dir/out" 2>"$case_dir/err" </dev/null &
waiter=$!
must eventually [ -e "$case_dir/asked" ]
stop_servers
must eventually has_part "$case_dir/err" 'the worker exited'
rm "$socket"
server queue <<'END'
read -r line
printf '%s\n' "$line" >>requests
printf '/nix/store/x\nerror failed: 1\n'
END
status=0
wait "$waiter" || status=$?
must ends_with 1
must prints /nix/store/x
must has_part "$case_dir/err" 'failed: 1'
must sent "wait $(path 1)"

test_that "wait gives up after its timeout, with status 75"
server queue <<'END'
read -r line
printf '%s\n' "$line" >>requests
END
client wait timeout=1500ms
must ends_with 75
must has_part "$case_dir/err" 'the time is over, and the worker has not answered'
must equal "$(tail -n 1 "$case_dir/requests")" 'wait timeout=0s'
must at_most "$took" 9000

test_that "wait prints the worker's timeout error, with status 1"
server queue <<END
$echoes
echo error not settled after 1s: 3 left
END
client wait timeout=1s
must ends_with 1
must complains 'not settled after 1s: 3 left'

# systemctl_says ACTIVE ENABLED SERVICE: a systemctl in PATH that answers so about the socket's and the service's unit.
systemctl_says() {
    mkdir -p "$case_dir/bin"
    cat >"$case_dir/bin/systemctl" <<END
#!/bin/sh
case \$* in
    'is-active nix-post-build-hook-queue.socket') echo $1 ;;
    'is-enabled nix-post-build-hook-queue.socket') echo $2 ;;
    'is-enabled nix-post-build-hook-queue.service') echo $3 ;;
    *) ;; # nix-daemon does not run
esac
END
    chmod 755 "$case_dir/bin/systemctl"
}
# checks: the client with that systemctl and without NPBHQ_SOCKET, where the tests' machine has no queue.
checks() {
    status=0
    PATH=$case_dir/bin:$PATH timeout 30 "$work/client" check >"$case_dir/out" 2>"$case_dir/err" </dev/null || status=$?
}

test_that "check prints the worker's findings, and has status 1 when it says so"
server queue <<END
$echoes
printf 'pass  settings: valid\nFAIL  hook: none\n      fix: x\nerror 1 of 2 checks failed\n'
END
client check --upload
must ends_with 1
must prints 'pass  settings: valid
FAIL  hook: none
      fix: x'
must complains '1 of 2 checks failed'
must sent 'check --upload'

test_that "without a socket, check says how to get one, with status 1"
nobody
client check
must ends_with 1
must prints "FAIL  socket: there is no socket $socket
      fix: systemctl enable --now nix-post-build-hook-queue.socket"
must complains '1 failed outside of the worker'

test_that "where nobody listens, and where the worker ends at once, check says so, with status 1"
server queue <<'END'
read -r line
END
client check
must ends_with 1
must prints 'FAIL  worker: it ended before it had answered
      fix: the reason is in: journalctl -u nix-post-build-hook-queue -n 20'
stop_servers
client check
must ends_with 1
must has "$case_dir/out" "FAIL  socket: nobody listens at $socket"

test_that "check fails for a socket unit that is not active, masked or missing, and names the command"
for state in inactive:enabled active:masked inactive:not-found; do
    systemctl_says "${state%:*}" "${state#*:}" enabled
    checks
    must ends_with 1
    must has_part "$case_dir/out" 'FAIL  units: '
    must has_part "$case_dir/out" 'systemctl enable --now nix-post-build-hook-queue.socket'
done

test_that "check warns of units that do not come back after a reboot"
systemctl_says active disabled disabled
checks
must has "$case_dir/out" 'warn  units: nix-post-build-hook-queue.socket is gone after a reboot'
must has "$case_dir/out" 'warn  units: after a reboot, the queue waits for the next path'

test_that "check says nothing of systemd where it does not run"
systemctl_says '' '' ''
checks
must not has_part "$case_dir/out" units:

finish
