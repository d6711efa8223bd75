#!/bin/sh
# ./dev test [STAGE...]: runs all tests, or some stages:
#
#   `shellcheck`  every shell script
#   `unit`        mvn verify: JUnit with real sockets, processes, Nix and sshd; the static checks of the Java code
#   `tree`        src/test/tree/run: the output of ./dev build, and the demo
#   `sh`          src/test/sh/run: hook and client
#   `system`      src/test/system/run: a booted systemd
#   `nixos`       nixos/tests/run: package in Nix's sandbox, module, flake, the VM test's script on booted machines
#   `prometheus`  src/test/prometheus/run: metrics, alerts and dashboard with promtool and node_exporter
#   `fleet`       src/test/fleet/run: several machines, one cache, an outage
#   `destinations` src/test/destinations/run: nginx, S3, sshd, files and programs, with three versions of Nix
#   `torture`     ./dev torture for 2 minutes, always from seed 109782: its first twenty scripts contain every fault twice
#
# Each stage prints "N passed, N failed" at its end; this script prints the sums. A stage that exits with an error without
# a failed test counts as one failure. A stage that prints "0 passed, 0 failed" could not run on this machine, and its
# output says why; with CI=true that is a failure too.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"
cd "$ROOT"
logs=$ROOT/target/test-logs
# What a stage prints at a failed check: Maven, shellcheck and the stages of this project.
A_FAILED_CHECK='^(FAILED: |BROKEN |\[ERROR\] +[A-Za-z]+[.:]|In .* line [0-9]+:)'
ALL='shellcheck unit tree sh system nixos prometheus fleet destinations torture'

# Messages and sort order depend on the locale.
LC_ALL=C.UTF-8
export LC_ALL

stage_shellcheck() {
    need_apt shellcheck
    passed=0
    failed=0
    # Without git this is an exported tree: all its files belong to the project.
    git ls-files --cached --others --exclude-standard >"$logs/files" 2>/dev/null || find . -type f >"$logs/files"
    while IFS= read -r file; do
        if is_shell "$file"; then
            if shellcheck -x -P "$ROOT" -P SCRIPTDIR "$file"; then
                passed=$((passed + 1))
            else
                failed=$((failed + 1))
            fi
        fi
    done <"$logs/files"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}

# Decides by the first line, not by the name.
is_shell() {
    [ -f "$1" ] || return 1
    IFS= read -r first <"$1" || true
    case $first in
        '#!/bin/sh'* | '#!/usr/bin/env bash' | '# shellcheck shell='*) return 0 ;;
        *) return 1 ;;
    esac
}

stage_unit() {
    need_maven
    # The tests call real Nix, a real sshd, systemd-socket-activate, and tools that inspect or kill processes.
    need_apt systemd socat nix-bin openssh-server openssh-client util-linux e2fsprogs procps strace
    # Other versions of Nix, in root folders that only root can enter.
    if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && need_apt mmdebstrap; then
        for suite in trixie sid; do
            sh src/test/destinations/root.sh /var/cache/nix-post-build-hook-queue-test "$suite" ||
                echo "NOT TRIED: the Nix of Debian $suite"
        done
    fi
    # Maven would reuse classes that -Dfast compiled without the static checks.
    rm -rf target/classes target/test-classes target/maven-status target/surefire-reports target/failsafe-reports \
        target/jacoco.exec
    status=0
    # Run the other tests and the static checks despite failed tests, which are counted below.
    maven verify -Dmaven.test.failure.ignore=true || status=$?
    echo # Maven's output may lack the last line end
    # <testsuite … tests="12" errors="0" skipped="1" failures="0"…>, once per file.
    cat target/surefire-reports/TEST-*.xml target/failsafe-reports/TEST-*.xml 2>/dev/null | awk '
        function number(name) {
            return match($0, " " name "=\"[0-9]+\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) + 0 : 0
        }
        /<testsuite / { inside = 1 }
        inside {
            tests += number("tests"); skipped += number("skipped"); failed += number("errors") + number("failures")
            if (/>/) inside = 0
        }
        END {
            if (skipped) printf "%d skipped\n", skipped
            printf "%d passed, %d failed\n", tests - skipped - failed, failed
        }'
    return "$status"
}

stage_tree() {
    src/test/tree/run
}

stage_sh() {
    need_apt socat gcc libc6-dev
    # Other shells, and strace to count processes. Tests skip the missing ones, with a message.
    need_apt busybox strace tmux zsh fish || true
    src/test/sh/run
}

stage_system() {
    [ -d target/dist ] || ./dev build
    src/test/system/run
}

stage_nixos() {
    need_apt nix-bin
    nixos/tests/run
}

stage_prometheus() {
    src/test/prometheus/run
}

stage_fleet() {
    src/test/fleet/run
}

stage_destinations() {
    src/test/destinations/run
}

stage_torture() {
    ./dev torture --seed 109782 --minutes 2
}

# runner_of STAGE: prints the file without which the stage does not exist.
runner_of() {
    case $1 in
        tree) echo src/test/tree/run ;;
        sh) echo src/test/sh/run ;;
        system) echo src/test/system/run ;;
        nixos) echo nixos/tests/run ;;
        prometheus) echo src/test/prometheus/run ;;
        fleet) echo src/test/fleet/run ;;
        destinations) echo src/test/destinations/run ;;
        torture) echo src/torture ;;
        *) echo pom.xml ;;
    esac
}

# run_stage STAGE: writes the output to the log, and the result, "PASSED FAILED SECONDS NOTE", to a file beside it.
run_stage() {
    log=$logs/$1.log
    began=$(date +%s)
    # Not "( … ) || status=$?": that disables set -e in the stage.
    set +e
    (set -e; "stage_$1") >"$log" 2>&1
    status=$?
    set -e
    took=$(($(date +%s) - began))
    # shellcheck disable=SC2046 # two numbers
    set -- $(sed -n 's/^\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
    passed=${1:-0}
    failed=${2:-0}
    note=
    if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
        failed=1
        note="(ended with status $status)"
    elif [ $# = 0 ]; then
        failed=1
        note="(printed no count)"
    elif [ "$((passed + failed))" = 0 ]; then
        [ "${CI-}" != true ] || failed=1
        note="(did not run here)"
    fi
    echo "$passed $failed $took $note" >"$log.result"
}

# Most of the time is spent waiting, so three lanes run side by side: the stages that compile, those that boot machines, and
# those that wait for hooks, servers and copies.
run_lane() {
    for stage in "$@"; do
        if [ -e "$(runner_of "$stage")" ]; then
            say "$stage begins"
            run_stage "$stage"
            read -r passed failed took note <"$logs/$stage.log.result"
            say "$stage has ended after $took s: $passed passed, $failed failed $note"
        fi
    done
}

for stage in "$@"; do
    case " $ALL " in
        *" $stage "*) ;;
        *)
            echo "./dev test: no such stage: $stage; there are: $ALL" >&2
            exit 64
            ;;
    esac
done
[ $# -gt 0 ] || {
    # shellcheck disable=SC2086 # a list of words
    set -- $ALL
}

rm -rf "$logs"
mkdir -p "$logs"
compiling=
booting=
waiting=
for stage in "$@"; do
    case $stage in
        system | nixos | prometheus | fleet | torture) booting="$booting $stage" ;;
        sh | destinations) waiting="$waiting $stage" ;;
        *) compiling="$compiling $stage" ;;
    esac
done
# These stages test the install tree.
case " $* " in
    *' tree '* | *' sh '* | *' system '* | *' nixos '* | *' prometheus '* | *' fleet '* | *' destinations '* | *' torture '*) ./dev build ;;
esac
# shellcheck disable=SC2086 # lists of words
{
    say "running side by side:$compiling |$booting |$waiting; the logs are in target/test-logs"
    run_lane $booting &
    others=$!
    run_lane $waiting &
    others="$others $!"
    trap 'kill $others 2>/dev/null || true' EXIT
    trap 'exit 1' HUP INT TERM
    run_lane $compiling
    wait $others || true
    trap - EXIT
}

total_passed=0
total_failed=0
for stage in "$@"; do
    say "$stage"
    if [ -e "$logs/$stage.log" ]; then
        cat "$logs/$stage.log"
    else
        echo "there is no $(runner_of "$stage")"
    fi
done
# Again, because a failed check may be thousands of lines above.
if grep -qE "$A_FAILED_CHECK" "$logs"/*.log; then
    say "failed"
    for stage in "$@"; do
        grep -E -B 3 -A 4 "$A_FAILED_CHECK" "$logs/$stage.log" 2>/dev/null | cut -c 1-300 | sed "s/^/$stage: /" | head -n 24 || true
    done
fi
say "summary"
for stage in "$@"; do
    if [ ! -e "$logs/$stage.log.result" ]; then
        [ ! -e "$(runner_of "$stage")" ] || total_failed=$((total_failed + 1))
        printf '%-12s did not run\n' "$stage"
        continue
    fi
    read -r passed failed took note <"$logs/$stage.log.result"
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
    printf '%-12s %5d passed, %3d failed, %4d s %s\n' "$stage" "$passed" "$failed" "$took" "$note"
done
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ] && [ "$total_passed" -gt 0 ]
