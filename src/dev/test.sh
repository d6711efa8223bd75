#!/bin/sh
# ./dev test [STAGE...]: all tests, or those of some stages, in this order:
#
#   `shellcheck`  every shell script
#   `unit`        mvn verify: JUnit with real sockets, processes, Nix and sshd; the static checks of the Java code
#   `tree`        src/test/tree/run: what ./dev build makes, and the demo
#   `sh`          src/test/sh/run: hook and client
#   `system`      src/test/system/run: a booted systemd
#   `nixos`       nixos/tests/run: package, module, flake
#
# The last four print "N passed, N failed" at their end; so does this, with the sums. A stage that ends with a
# failure but has counted none is one failure more. One that says "0 passed, 0 failed" could not run here and has said
# why; with CI=true that is a failure too.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"
cd "$ROOT"
logs=$ROOT/target/test-logs
ALL='shellcheck unit tree sh system nixos'

# Programs say different things in different languages, and sort in different orders.
LC_ALL=C.UTF-8
export LC_ALL

stage_shellcheck() {
    need_apt shellcheck
    passed=0
    failed=0
    git ls-files --cached --others --exclude-standard >"$logs/files"
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

# By its first line, whatever its name.
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
    # What the tests call: real Nix, a real sshd, systemd-socket-activate, and programs that look at processes.
    need_apt systemd socat nix-bin openssh-server openssh-client util-linux procps
    # Classes that -Dfast compiled are up to date to Maven, but no check has looked at their sources.
    rm -rf target/classes target/test-classes target/maven-status target/surefire-reports target/failsafe-reports
    status=0
    # Failed tests are counted below; they must not keep the others, nor the static checks, from running.
    maven verify -Dmaven.test.failure.ignore=true || status=$?
    echo # Maven may end without one
    # <testsuite … tests="12" errors="0" skipped="1" failures="0"…>, once a file.
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
    need_apt socat
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

# What a stage needs to be there at all.
runner_of() {
    case $1 in
        tree) echo src/test/tree/run ;;
        sh) echo src/test/sh/run ;;
        system) echo src/test/system/run ;;
        nixos) echo nixos/tests/run ;;
        *) echo pom.xml ;;
    esac
}

run_stage() {
    say "$1"
    log=$logs/$1.log
    began=$(date +%s)
    # Not "( … ) | tee", whose status would be that of tee.
    { (set -e; "stage_$1") 2>&1 && echo 0 >"$log.status" || echo $? >"$log.status"; } | tee "$log"
    status=$(cat "$log.status")
    took=$(($(date +%s) - began))
    # shellcheck disable=SC2046 # two numbers
    set -- "$1" $(sed -n 's/^\([0-9][0-9]*\) passed, \([0-9][0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
    stage_passed=${2:-0}
    stage_failed=${3:-0}
    note=
    if [ "$status" != 0 ] && [ "$stage_failed" = 0 ]; then
        stage_failed=1
        note=" (ended with status $status)"
    elif [ $# = 1 ]; then
        stage_failed=1
        note=" (has not counted)"
    elif [ "$((stage_passed + stage_failed))" = 0 ]; then
        [ "${CI-}" != true ] || stage_failed=1
        note=" (did not run here)"
    fi
    total_passed=$((total_passed + stage_passed))
    total_failed=$((total_failed + stage_failed))
    line=$(printf '%-10s %5d passed, %3d failed, %4d s%s' "$1" "$stage_passed" "$stage_failed" "$took" "$note")
    summary="$summary$line
"
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

mkdir -p "$logs"
total_passed=0
total_failed=0
summary=
# The install tree is what these test.
case " $* " in
    *' tree '* | *' sh '* | *' system '* | *' nixos '*) ./dev build ;;
esac
for stage in "$@"; do
    if [ -e "$(runner_of "$stage")" ]; then
        run_stage "$stage"
    else
        say "$stage: there is no $(runner_of "$stage")"
        summary="$summary$stage: not there
"
    fi
done

say "summary"
printf '%s' "$summary"
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ] && [ "$total_passed" -gt 0 ]
