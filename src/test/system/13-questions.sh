#!/bin/sh
# An operator's questions, answered by the commands that README gives
#
# The scenario runs exactly the commands in README's table.

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

# answer QUESTION [PATH]: runs the first command of that row, as root would type it; "/nix/store/…" becomes PATH.
answer() {
    command=$(awk -F '|' -v q=" $1 " '$2 == q { split($3, part, "`"); print part[2]; exit }' "$NPBHQ_TEST_SOURCE/README.md" |
        sed "s,/nix/store/…,${2-},")
    [ -n "$command" ] || { echo "README has no such question: $1"; return 1; }
    printf '# %s\n' "$command" >"$machine/answer"
    root sh -c "$command" >>"$machine/answer" 2>&1
    status=$?
    sed 's/^/    /' "$machine/answer"
    return "$status"
}
# answers QUESTION WORDS [PATH]: and the answer has these words.
answers() { answer "$1" "${3-}" && grep -qE -e "$2" "$machine/answer"; }
# asked QUESTION WORDS [PATH]: a check, and the answer in the report.
asked() {
    check "$1 ($2)" answers "$@"
    cat "$machine/answer"
}

settings NPBHQ_UPLOAD_TO=ssh://cache@localhost NPBHQ_IDLE_TIMEOUT=5s
asked "Is it set up correctly?" 'all [0-9]+ checks passed'
# found STATUS [--upload]: the check ends with that status; what it prints is in the report.
found() { client check ${2+"$2"} >"$machine/found"; equal "$?" "$1"; }
check "a test upload arrives" found 0 --upload
check "signed" grep -q '^pass  destination .*: test upload: arrived, signed by test-1, ' "$machine/found"
check "a second one finds the path there" found 0 --upload
check "and says so" grep -q ': test upload: it had the test path already, signed by test-1, ' "$machine/found"
check "the signing key is named by its public half" grep -qF "$(root cat /srv/key.pub)" "$machine/found"
check "and the SSH key" grep -qF "$(root cut -d ' ' -f 1,2 /srv/ssh-key.pub)" "$machine/found"
cat "$machine/found"
root sh -c 'echo "# edited" >>/etc/nix/nix.conf'
check "of a nix-daemon that has not read its settings" found 0
check "it warns" grep -q '^warn  units: nix-daemon started before /etc/nix/nix.conf changed' "$machine/found"
root systemctl restart nix-daemon.service
check "and no more after" found 0
check "a restart" not grep -q '^warn ' "$machine/found"
asked "Is it running?" 'Active: active \((listening|running)\)'
build arrived 3
until_ok 30 "what was built is delivered" delivered

destination_down
forget_builds
build waiting 4
path=$(tail -n 1 "$machine/paths")
down() { client status | grep -q 'down since'; }
until_ok 40 "the destination is taken to be down" down
check "the check fails" found 1
check "in the words of ssh" grep '^FAIL  destination ssh://cache@localhost: .*Connection refused' "$machine/found"
check "with a fix" grep -qF '      fix: start sshd at localhost' "$machine/found"
cat "$machine/found"
asked "Is it running?" 'Active: active \(running\)'
asked "What is it doing?" 'ssh://cache@localhost +down'
asked "Why is this path not in the cache?" 'down|deferred|not taken' "$path"

asked "Stop for an hour" 'paused'
paused() { client status | grep -q '^paused'; }
check "and it is paused" paused
destination_up
asked "Why is this path not in the cache?" 'paused' "$path"
check "resume ends that" client resume
asked "Try again now" '[0-9]'
until_ok 60 "then all is delivered" delivered
asked "Is it done?" ''
asked "Why is this path not in the cache?" 'settled|delivered' "$path"
asked "What was delivered when?" '-waiting'
asked "Is it still there?" 'all is there'
check "the weekly check is disabled by default" equal "$(root systemctl is-enabled $name-verify.timer)" disabled
check "and its service asks the same" root systemctl start "$name-verify.service"
checked() { root journalctl -u "$name-verify.service" --no-pager | grep -q 'all is there'; }
until_ok 10 "the answer is in the journal" checked

# Slow enough for questions: the gate holds the running uploads, and the lane has a rate.
gate_close
build slow 5
forecast() { answers "How long will it take?" 'a few seconds|about [0-9]'; }
until_ok 20 "How long will it take?" forecast
cat "$machine/answer"
check "the worker's line in systemctl status fits a terminal" fits_a_terminal
cat "$machine/line"
gate_open
until_ok 30 "and then it is over" delivered

gone=$(root sh -c 'echo gone >/srv/gone && nix-store --add /srv/gone')
gate_close
client queue "$gone" >/dev/null
root rm -rf "$gone"
gate_open
failed() { client failed | grep -q "$gone"; }
until_ok 30 "a path that has gone from the store is failed" failed
asked "What has failed, and why?" 'no longer in the local store'
client drop "$gone" >/dev/null
asked "What did it do last night?" 'delivered [0-9a-z]+-arrived|delivered [0-9]+ paths'
asked "Upload what was built before" '[0-9]+'
