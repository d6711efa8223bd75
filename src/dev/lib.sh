# shellcheck shell=sh
# Functions that the scripts of ./dev share. Source it with `. "$ROOT/src/dev/lib.sh"`; this changes nothing by itself.

JDK_WANTED=25

# Daemons are in sbin, which an ordinary user's PATH often lacks.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

say() {
    printf '\n== %s\n' "$*"
}

die() {
    printf './dev: %s\n' "$*" >&2
    exit 1
}

# need_apt PACKAGE...: installs the missing packages; 1, with the reason, if that fails. On other systems than Debian it
# only prints the names, because the names of packages differ.
need_apt() {
    missing=
    for package in "$@"; do
        has_package "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        printf './dev: this is not Debian; install the equivalents of these Debian packages:%s\n' "$missing" >&2
        return 0
    fi
    if [ "$(id -u)" != 0 ]; then
        printf './dev: please install these packages, or run this as root:%s\n' "$missing" >&2
        return 1
    fi
    say "installing$missing" >&2
    # Update only if the lists are missing or too old: an update takes longer than the packages.
    if lists_are_fresh && apt_install "$missing"; then
        return 0
    fi
    apt_get update </dev/null >&2 || echo "./dev: apt-get update failed; continuing" >&2
    apt_install "$missing"
}

# Not dpkg -s, which also lists removed packages. An unknown name is not an error here.
has_package() {
    case $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) in
        *' installed') return 0 ;;
        *) return 1 ;;
    esac
}

lists_are_fresh() {
    [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -mtime -7 2>/dev/null | head -n 1)" ]
}

# apt_install "LIST": never starts the packages' services.
apt_install() {
    # shellcheck disable=SC2086 # a list of names
    apt_get -y --no-install-recommends install $1 </dev/null >&2
}

# Never prompts. flock runs one at a time: apt waits for the lock on packages, but not for the lock on lists.
apt_get() {
    flock /var/cache/apt env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -o Dpkg::Use-Pty=0 \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

# find_jdk: prints the home of a JDK of version $JDK_WANTED or newer; installs one if apt has it.
find_jdk() {
    found_jdk && return 0
    # apt-cache knows nothing while the lists are missing.
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && ! lists_are_fresh; then
        apt_get update </dev/null >&2 || echo "./dev: apt-get update failed; continuing" >&2
    fi
    if apt_has "openjdk-$JDK_WANTED-jdk-headless"; then
        need_apt "openjdk-$JDK_WANTED-jdk-headless"
    elif apt_has "temurin-$JDK_WANTED-jdk"; then
        need_apt "temurin-$JDK_WANTED-jdk"
    fi
    found_jdk || die "no JDK $JDK_WANTED or newer in \$JAVA_HOME or /usr/lib/jvm, and apt has none. Either get one from" \
        "https://adoptium.net and unpack it under /usr/lib/jvm or set JAVA_HOME, or install a release, which has its own Java"
}

found_jdk() {
    for home in "${JAVA_HOME-}" /usr/lib/jvm/* /opt/java/* "$(home_of_path)"; do
        if is_jdk "$home"; then
            echo "$home"
            return 0
        fi
    done
    return 1
}

# The release file gives the version without a JVM start.
is_jdk() {
    [ -n "$1" ] && [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
    [ "${version:-0}" -ge "$JDK_WANTED" ]
}

home_of_path() {
    javac=$(command -v javac) || return 0
    javac=$(readlink -f "$javac")
    echo "${javac%/bin/javac}"
}

apt_has() {
    command -v apt-cache >/dev/null 2>&1 && [ -n "$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: [^(]//p')" ]
}

# need_maven: makes sure that mvn exists, and exports JAVA_HOME.
need_maven() {
    JAVA_HOME=$(find_jdk) || exit 1
    export JAVA_HOME
    command -v mvn >/dev/null 2>&1 || need_apt maven
    command -v mvn >/dev/null 2>&1 || die "no Maven: install it (3.8.7 or newer)"
}

# maven ARGUMENT...: runs Maven without progress bars, without the JDK's warnings about Maven's libraries, and without the
# colour codes that Debian's Maven prints at its end despite -Dstyle.color=never.
maven() (
    cd "$ROOT" || exit 1
    MAVEN_OPTS="${MAVEN_OPTS-} --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED"
    export MAVEN_OPTS
    ended=$(mktemp)
    { mvn -B -ntp -Dstyle.color=never "$@" </dev/null 2>&1 && rm -f "$ended"; } | sed -u "s/$(printf '\033')\[[0-9;]*m//g"
    if [ -e "$ended" ]; then
        rm -f "$ended"
        exit 1
    fi
)

# compile [-o]: makes the jars in target/ without the static checks of ./dev test. With -o Maven works offline.
compile() {
    say "compiling"
    rm -f "$ROOT"/target/nix-post-build-hook-queue-*.jar
    rm -rf "$ROOT/target/run-time"
    maven -q "$@" -Dfast -DskipTests package
}

# dist_is_fresh: whether target/dist is newer than all its sources.
dist_is_fresh() {
    made=$ROOT/target/dist/bin/nix-post-build-hook-queue
    [ -x "$made" ] || return 1
    [ -z "$(find "$ROOT/pom.xml" "$ROOT/src/main" "$ROOT/systemd" "$ROOT/LICENSE" "$ROOT"/*.md \
        "$ROOT/docs/sbom.cdx.json" "$ROOT"/src/dev/build.sh "$ROOT"/src/dev/assemble.sh "$ROOT"/src/dev/archive.sh \
        "$ROOT"/src/dev/Repack.java -type f -newer "$made" | head -n 1)" ]
}

# listen SOCKET LOG ARGUMENT...: starts systemd-socket-activate with these arguments, and waits until it listens. Sets worker.
listen() {
    socket=$1
    log=$2
    shift 2
    : >"$log"
    systemd-socket-activate -l "$socket" "$@" >"$log" 2>&1 &
    worker=$!
    tries=0
    until grep -q '^Listening on ' "$log"; do
        tries=$((tries + 1))
        { [ "$tries" -lt 250 ] && kill -0 "$worker" 2>/dev/null; } || die "systemd-socket-activate does not listen: $(cat "$log")"
        sleep 0.04
    done
}
