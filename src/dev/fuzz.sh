#!/bin/sh
# ./dev fuzz [--minutes N] [--keep] [TARGET...]: coverage-guided fuzzing with Jazzer. Fuzzes the parser (request), the line
# reader (lines) and a live session (session), or the named targets, for N minutes each (1). Begins with the inputs in
# src/test/resources/corpus; --keep adds the new inputs that increase coverage. An input that violates an assertion in
# src/test/java/hookqueue/protocol/*Fuzz.java stays in target/fuzz, and the exit status is 1. Put such an input into the
# corpus: CorpusTest then replays it.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

usage='usage: ./dev fuzz [--minutes N] [--keep] [request|lines|session...]   (N: 1 to 1440)'
JAZZER=0.30.0
minutes=1
keep=
while :; do
    case ${1-} in
        --minutes)
            [ $# -gt 1 ] || die "$usage"
            case $2 in '' | *[!0-9]* | ?????*) die "$usage" ;; esac
            { [ "$2" -ge 1 ] && [ "$2" -le 1440 ]; } || die "$usage"
            minutes=$2
            shift 2
            ;;
        --keep)
            keep=yes
            shift
            ;;
        *) break ;;
    esac
done
for target in "$@"; do
    case $target in request | lines | session) ;; *) die "$usage" ;; esac
done
[ $# -gt 0 ] || set -- request lines session

need_maven
out=$ROOT/target/fuzz
mkdir -p "$out/lib"
say "compiling"
maven -q -Dfast test-compile dependency:build-classpath -Dmdep.outputFile="$out/classpath" -Dmdep.includeScope=test
for part in jazzer jazzer-api; do
    [ -e "$out/lib/$part-$JAZZER.jar" ] ||
        maven -q dependency:copy -Dartifact="com.code-intelligence:$part:$JAZZER" -DoutputDirectory="$out/lib"
done

# jazzer TARGET ARGUMENT...
jazzer() {
    case $1 in
        request) class=RequestFuzz ;;
        lines) class=LineReaderFuzz ;;
        session) class=SessionFuzz ;;
    esac
    shift
    "$JAVA_HOME/bin/java" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
        -cp "$out/lib/*:$ROOT/target/classes:$ROOT/target/test-classes:$(cat "$out/classpath")" \
        com.code_intelligence.jazzer.Jazzer --target_class="hookqueue.protocol.$class" \
        --instrumentation_includes='hookqueue.**' \
        --instrumentation_excludes='hookqueue.protocol.RequestFuzz:hookqueue.protocol.LineReaderFuzz:hookqueue.protocol.SessionFuzz' \
        --reproducer_path="$out" \
        -artifact_prefix="$out/" -max_len=1024 -timeout=60 "$@"
}

for target in "$@"; do
    say "$target, $minutes min"
    corpus=$ROOT/src/test/resources/corpus/$target
    found=$out/$target
    rm -rf "$found"
    mkdir -p "$found"
    if ! jazzer "$target" -max_total_time="$((minutes * 60))" "$found" "$corpus" >"$out/$target.log" 2>&1; then
        grep -v '^#' "$out/$target.log" | tail -n 40
        die "found a failing input: it is in target/fuzz"
    fi
    tail -n 1 "$out/$target.log"
    if [ "$keep" ]; then
        jazzer "$target" -merge=1 "$corpus" "$found" >"$out/$target.merge.log" 2>&1 ||
            die "cannot merge: $(tail -n 3 "$out/$target.merge.log")"
    fi
    printf '%s inputs found, %s kept\n' "$(find "$found" -type f | wc -l)" "$(find "$corpus" -type f | wc -l)"
done
