# shellcheck shell=sh
# The builds of run: package and start-up archive in Nix's sandbox (see host.nix), and copies that must not build there.
# Reads $work, $tree and what run defines.

: "${work:?a scratch folder}" "${tree:?a copy of the project}"

# The machine's directories that builds in the sandbox may read. /usr/bin is mapped to /hidden: nixpkgs' sandbox has no
# /usr/bin, and builds would find undeclared programs in it through PATH or the C library's default.
sandbox_conf() {
    paths='/bin/sh=/usr/bin/dash /lib=/usr/lib /lib64=/usr/lib64? /usr/lib /usr/share /usr/include? /etc/ssl /etc/alternatives'
    paths="$paths /hidden/bin=/usr/bin /hidden/jdk=$JAVA_HOME"
    # What a distribution's JDK links to belongs to it.
    for dir in /etc/java-*-openjdk; do [ ! -d "$dir" ] || paths="$paths $dir"; done
    cat <<END
sandbox = true
sandbox-fallback = false
sandbox-paths = $paths
END
}

# Whether this machine supports a sandbox.
sandbox_works() {
    [ "$(id -u)" = 0 ] || { echo "Nix's sandbox needs root here"; return 1; }
    [ -e /etc/debian_version ] || { echo "host.nix takes the programs of Debian"; return 1; }
    # shellcheck disable=SC2016 # for the builder
    nix-build --no-out-link --expr 'derivation {
        name = "sandbox"; system = builtins.currentSystem; builder = "/bin/sh";
        args = [ "-c" "[ ! -e /usr/bin ] && echo yes >$out" ];
    }' 2>&1
}

# host TREE ATTRIBUTE [ARGUMENT...]: builds the attribute from that copy. The output names the built paths.
host() {
    host_tree=$1
    shift
    nix-build --no-out-link --argstr jdk /hidden/jdk --argstr mavenHome "$maven_home" "$host_tree/nixos/tests/host.nix" -A "$@"
}

# In the background, because it takes as long as everything else.
begin_build() {
    need_maven
    need_apt perl-base socat mount util-linux dash gcc libc6-dev
    # shellcheck source=nixos/tests/maven.sh
    . "$tree/nixos/tests/maven.sh"
    maven_home=$(fetch_maven "$work") || {
        echo "no Maven 3.9 can be had" >"$work/no-sandbox"
        return
    }
    sandbox_conf >>"$NIX_CONF_DIR/nix.conf"
    sandbox_works >"$work/no-sandbox" || return
    { host "$tree" fetched && host "$tree" compiled; } >"$work/built" 2>"$work/building" &
    building=$!
}

# seconds COMMAND...: runs it and sets took.
seconds() {
    began=$(date +%s)
    "$@"
    status=$?
    took=$(($(date +%s) - began))
    return "$status"
}

built_names() { sed -n "s,^building '.*/[a-z0-9]\{32\}-\(.*\)\.drv'.*,\1,p" "$@"; }

stage_build() {
    [ -n "${building-}" ] || {
        cp "$work/no-sandbox" "$work/cannot"
        cannot "the builds in Nix's sandbox"
        return
    }
    wait "$building"
    status=$?
    tail -n 60 "$work/building" >"$work/log"
    fetched=$(head -n 1 "$work/built")
    compiled=$(sed -n 2p "$work/built")
    report "$([ -n "$fetched" ]; echo $?)" "mvnHash is that of what Maven fetches (else: nixos/update-mvn-hash)" "$work/log"
    report "$status" "the package compiles in the sandbox, and its unit tests pass there" "$work/log"
    [ "$status" = 0 ] || return
    check_tests "$compiled/target/surefire-reports" >"$work/log" 2>&1
    report $? "all unit tests ran there, except those that mount or need root" "$work/log"
    cat "$work/log"

    installed=$(host "$tree" package 2>"$work/log")
    status=$?
    cat "$work/log" >>"$work/building"
    report "$status" "the package installs, knows its version, and refers to neither the JDK nor Maven" "$work/log"
    [ "$status" = 0 ] || return
    check_package "$installed" >"$work/log" 2>&1
    report $? "no script of the package names an interpreter outside the store" "$work/log"
    seconds host "$tree" startupArchive >"$work/out" 2>"$work/log"
    report $? "the start-up archive is made in the sandbox, in $took s, and fits the package on its few modules" "$work/log"
    archive=$(cat "$work/out")
    cat "$work/log" >>"$work/building"
    echo "built in the sandbox: $(built_names "$work/building" | tr '\n' ' ')"

    NPBHQ_DEMO_DIST=$archive sh "$tree/dev" demo >"$work/log" 2>&1
    report $? "the package takes paths from Nix, signs, uploads, answers, and ends when idle" "$work/log"

    if vms_begin; then
        profile_works "$installed" >"$work/log" 2>&1
        report $? "after nix profile install and README's commands its units work on a booted Debian" "$work/log"
    else
        cannot "nix profile install on a booted Debian"
    fi
    vm_end

    # The same layout as ./dev build, except for Nix's own files, compressed manual pages, and the archive.
    dist_is_fresh || "$ROOT/dev" build
    (cd "$installed" && find . ! -type d) | grep -v '/runtime$' | sed 's/\.gz$//' | sort >"$work/ours"
    (cd "$ROOT/target/dist" && find . ! -type d) 2>&1 | grep -v -e '/startup-' -e '/worker$' | sort | diff -u - "$work/ours" >"$work/log"
    report $? "its tree is that of ./dev build" "$work/log"

    closure "$installed" "$(host "$tree" jre 2>/dev/null)" "$archive"
    stage_broken_builds
}

# The reports of surefire: their number, and that tests are skipped only because of a mount or a folder of another user.
check_tests() {
    cat "$1"/TEST-*.xml | awk '
        /<testcase / { tests++ }
        /<skipped/ { skipped++; if (!/may not mount|only root can/) { print "skipped for another reason: " $0; bad = 1 } }
        END {
            printf "%d unit tests ran in the sandbox, %d skipped because they mount or need root\n", tests - skipped, skipped
            exit bad || tests < 500
        }'
}

# Scripts begin with a store path.
check_package() {
    outside=0
    for file in "$1"/bin/* "$1"/libexec/*/*; do
        first=$(head -n 1 "$file" | tr -d '\000')
        case $first in
            "#!$NIX_STORE_DIR"/*) ;;
            '#!'*) echo "$file: $first"; outside=1 ;;
        esac
    done
    return "$outside"
}

# The size that the package adds to a NixOS machine, which has glibc, bash, coreutils, systemd and util-linux anyway.
closure() {
    echo "adds to a machine, in KiB: $(du -sk --apparent-size "$1" "$2" "$3" | awk -v p="$1" -v j="$2" '
        { sum += $1; line = line ($2 == p ? "package " : $2 == j ? "Java " : "start-up archive ") $1 ", " }
        END { print line "together " sum }')"
}

# Two at a time, each with a verdict: 0 or 1, a sentence, and below it the evidence.
stage_broken_builds() {
    mkdir "$work/verdicts"
    broken_builds 0 &
    half=$!
    broken_builds 1
    wait "$half"
    for verdict in "$work"/verdicts/*; do
        read -r status what <"$verdict"
        sed 1d "$verdict" >"$work/log"
        report "$status" "$what" "$work/log"
        noticed=$((noticed + 1 - status))
    done
}

broken_builds() {
    number=0
    while IFS='|' read -r attribute tests file message script; do
        case $attribute in '#'* | '') continue ;; esac
        number=$((number + 1))
        [ $((number % 2)) = "$1" ] || continue
        broken_build "$attribute" "$tests" "$file" "$message" "$script" \
            >"$work/verdicts/$(printf %02d "$number")" 2>&1 </dev/null
    done <"$tree/nixos/tests/broken-builds"
}

# broken_build ATTRIBUTE TESTS FILE MESSAGE SCRIPT
broken_build() {
    copy=$work/broken-$number
    cp -r "$tree" "$copy"
    # By its name alone: wherever it is.
    case $3 in */*) file=$copy/$3 ;; *) file=$(find "$copy/src" -name "$3") ;; esac
    what="the sandbox notices: $3: $5"
    cp "$file" "$copy.before"
    sed -i "$5" "$file"
    ! cmp -s "$file" "$copy.before" || { echo "1 $what: sed changes nothing"; return; }
    says=$4
    if [ "$2" = all ]; then set -- "$1"; else set -- "$1" --argstr tests "$2"; fi
    if host "$copy" "$@" >"$copy.out" 2>"$copy.log" && check_package "$(cat "$copy.out")" >>"$copy.log" 2>&1; then
        echo "1 $what: it builds"
    elif grep -aqE -e "$says" "$copy.log"; then
        echo "0 $what"
    else
        echo "1 $what: it fails without saying $says"
        tail -n 30 "$copy.log"
    fi
    rm -rf "$copy"
}
