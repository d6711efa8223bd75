# shellcheck shell=sh
# What ./dev bench and ./dev soak share: the Java programs in src/bench, compiled when they have changed.

# compile_bench: into target/bench/classes.
compile_bench() {
    JAVA_HOME=$(find_jdk) || exit 1
    export JAVA_HOME
    classes=$ROOT/target/bench/classes
    if [ ! -e "$classes/Main.class" ] || [ -n "$(find "$ROOT/src/bench" -newer "$classes/Main.class" | head -n 1)" ]; then
        rm -rf "$classes"
        mkdir -p "$classes"
        "$JAVA_HOME/bin/javac" -Xlint:all,-try -Werror -d "$classes" "$ROOT"/src/bench/*.java
    fi
}

# prepare_bench: all that is measured, and what it is measured with. Sets dist, unless it is set.
prepare_bench() {
    need_apt nix-bin socat systemd openssh-server openssh-client gcc libc6-dev
    compile_bench
    if [ -z "${dist-}" ]; then
        dist_is_fresh || "$ROOT/dev" build
        dist=$ROOT/target/dist
    fi
}

# bench WORD...: with little compiling, on cores that what is measured needs.
bench() {
    "$JAVA_HOME/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Dbench.sources="$ROOT/src/bench" -cp "$classes" Main "$@"
}
