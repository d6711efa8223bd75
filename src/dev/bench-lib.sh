# shellcheck shell=sh
# What ./dev bench and ./dev soak share: the Java programs in src/bench, compiled when they have changed.

# compile_bench: into target/bench/classes. Sets dist, unless it is set: gson is one of its jars.
compile_bench() {
    JAVA_HOME=$(find_jdk) || exit 1
    export JAVA_HOME
    if [ -z "${dist-}" ]; then
        dist_is_fresh || "$ROOT/dev" build >&2
        dist=$ROOT/target/dist
    fi
    classes=$ROOT/target/bench/classes
    if [ ! -e "$classes/Main.class" ] || [ -n "$(find "$ROOT/src/bench" -newer "$classes/Main.class" | head -n 1)" ]; then
        rm -rf "$classes"
        mkdir -p "$classes"
        "$JAVA_HOME/bin/javac" -Xlint:all,-try,-classfile -Werror -cp "$(libraries)" -d "$classes" "$ROOT"/src/bench/*.java
    fi
}

# libraries: the jars of the tree, as a class path.
libraries() {
    printf '%s\n' "$dist/lib/nix-post-build-hook-queue/*"
}

# prepare_bench: all that is measured, and what it is measured with.
prepare_bench() {
    need_apt nix-bin socat systemd openssh-server openssh-client
    compile_bench
}

# draw_figures FILE DIR: charts of what ./dev bench has measured.
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
        # Rows that were not measured are not drawn.
        [ ! -s "$2/$chart.tsv" ] || draw "$chart" "$2/$chart.tsv" "$2"
        rm "$2/$chart.tsv"
    done
}

# draw CHART TABLE DIR: ends with the hash of the table, which another version of gnuplot does not change.
draw() {
    need_apt gnuplot-nox
    gnuplot -e "table='$2'; picture='$3/$1.svg'" "$ROOT/src/bench/$1.gnuplot"
    printf '<!-- drawn from %s -->\n' "$(sha256sum <"$2" | cut -c 1-64)" >>"$3/$1.svg"
}

# bench WORD...: with little compiling, on cores that what is measured needs.
bench() {
    "$JAVA_HOME/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -cp "$classes:$(libraries)" Main "$@"
}
