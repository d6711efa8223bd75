# shellcheck shell=sh
# Functions that ./dev bench, ./dev soak and ./dev torture share: compile and run their Java programs, draw charts.

# compile_programs NAME: compiles src/NAME and the test kit into target/NAME/classes, if they have changed. Sets classes,
# and dist: the tree $DIST, or else target/dist. The programs use gson from its jars.
compile_programs() {
    JAVA_HOME=$(find_jdk) || exit 1
    export JAVA_HOME
    dist=${DIST-}
    if [ -z "$dist" ]; then
        dist_is_fresh || "$ROOT/dev" build >&2
        dist=$ROOT/target/dist
    fi
    classes=$ROOT/target/$1/classes
    if [ ! -e "$classes" ] || [ -n "$(find "$ROOT/src/$1" "$ROOT/src/testkit" -newer "$classes" | head -n 1)" ]; then
        rm -rf "$classes"
        "$JAVA_HOME/bin/javac" -Xlint:all,-try,-classfile -Werror -cp "$(libraries)" -d "$classes" \
            "$ROOT"/src/testkit/java/hookqueue/testkit/*.java "$ROOT/src/$1"/*.java
    fi
}

# libraries: prints the class path of the tree's jars.
libraries() {
    printf '%s\n' "$dist/lib/nix-post-build-hook-queue/*"
}

# program [OPTION...] CLASS WORD...: runs a Java program with little JIT compilation, to leave the cores to the worker.
program() {
    "$JAVA_HOME/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
        -cp "$classes:$(libraries)" "$@"
}

# prepare_bench: builds the worker and the programs that measure it.
prepare_bench() {
    need_apt nix-bin socat systemd openssh-server openssh-client gcc libc6-dev
    compile_programs bench
}

# draw_figures FILE DIR: draws charts of the results of ./dev bench.
draw_figures() {
    need_apt jq gnuplot-nox
    mkdir -p "$2"
    jq -r '(.rows[] | select(.id == "growth").details.rows) as $rows
        | ["enqueue_per_s", "drain_per_s", "start_ms", "hook_ms", "rss_mb", "database_mb"] as $columns
        | ["paths"] + $columns, ($rows[] | .database_mb = .database_bytes / 1e6 | [.paths, .[$columns[]]]) | @tsv' \
        "$1" >"$2/growth.tsv"
    jq -r '(.rows[] | select(.id == "hook-parallel").details.rows) as $rows
        | ["hooks", "all_ms", "socat_all_ms"], ($rows[] | [.hooks, .all_ms, .socat_all_ms]) | @tsv' "$1" >"$2/parallel.tsv"
    for chart in growth parallel; do
        # Skip charts whose rows were not measured.
        [ ! -s "$2/$chart.tsv" ] || draw "$chart" "$2/$chart.tsv" "$2"
        rm "$2/$chart.tsv"
    done
}

# draw CHART TABLE DIR: draws a chart and appends the table's hash, which does not depend on gnuplot's version.
draw() {
    need_apt gnuplot-nox
    gnuplot -e "table='$2'; picture='$3/$1.svg'" "$ROOT/src/bench/$1.gnuplot"
    printf '<!-- drawn from %s -->\n' "$(sha256sum <"$2" | cut -c 1-64)" >>"$3/$1.svg"
}

bench() {
    program -Dbench.sources="$ROOT/src/bench" Main "$@"
}
