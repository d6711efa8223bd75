#!/bin/sh
# assemble.sh TREE: makes the install tree from the output of `mvn package` in target/. Needs only JAVA_HOME: no network,
# no packages. ./dev build and the Nix package both use it; archive.sh runs after it. The tree is reproducible, byte for
# byte. With a C compiler (CC, or cc) the hook is a C program that falls back to the script; without one the hook is the
# script.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
tree=$1
lib=$tree/lib/nix-post-build-hook-queue

# put MODE DIR FILE...: copies the files that exist.
put() {
    mode=$1
    dir=$2
    shift 2
    for file in "$@"; do
        if [ -f "$file" ]; then
            mkdir -p "$dir"
            cp "$file" "$dir/"
            chmod "$mode" "$dir/${file##*/}"
        fi
    done
}

jar=
for file in "$ROOT"/target/nix-post-build-hook-queue-*.jar; do
    [ -z "$jar" ] || { echo "more than one jar of the project in target/: run mvn clean first" >&2; exit 1; }
    jar=$file
done
[ -f "$jar" ] || { echo "no jar in target/: run mvn package first" >&2; exit 1; }
version=${jar##*/nix-post-build-hook-queue-}
version=${version%.jar}

umask 022
rm -rf "$tree"
mkdir -p "$lib"
"${JAVA_HOME:?}/bin/java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData \
    "$ROOT/src/dev/Repack.java" "$(uname -m)" "$lib" "$jar" "$ROOT"/target/run-time/*.jar
put 644 "$lib" "$ROOT/src/main/sh/start-worker.sh"
# The launcher starts Java in lib, so the names are relative. A wildcard would give the jars in another order than the
# start-up archive has them.
{
    cat "$ROOT/src/main/jvm.options"
    echo '# The class path and the native libraries, relative to this folder. sqlite-jdbc unpacks nothing in its tmpdir, but'
    echo '# searches all of it for files of older versions.'
    (cd "$lib" && LC_ALL=C && export LC_ALL && echo -cp && printf '%s:' *.jar | sed 's/:$//' && echo)
    echo '-Dorg.newsclub.net.unix.library.override=native/libjunixsocket-native.so'
    echo '-Dorg.sqlite.lib.path=native'
    echo '-Dorg.sqlite.lib.name=libsqlitejdbc.so'
    echo '-Dorg.sqlite.tmpdir=native'
} >"$lib/jvm.options"
chmod 644 "$lib/jvm.options"

put 755 "$tree/bin" "$ROOT/src/main/sh/nix-post-build-hook-queue"
sed -i -e "s/@version@/$version/g" -e "/^@help@\$/{r $ROOT/src/main/resources/hookqueue/protocol/help.txt" -e 'd}' \
    "$tree/bin/nix-post-build-hook-queue"

# compile_hook LINKAGE: a static hook starts faster and does not depend on the C library's version. Not every machine has
# a static C library.
compile_hook() {
    "${CC:-cc}" -std=c11 -O2 -Wall -Wextra -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE "$1" -s \
        -o "$tree/bin/post-build-hook" "$ROOT/src/main/c/post-build-hook.c"
}
hook=$tree/libexec/nix-post-build-hook-queue
if ! compile_hook -static-pie 2>/dev/null && ! compile_hook -pie; then
    echo "no working C compiler (CC=${CC:-cc}): the hook is the script, which takes some milliseconds longer" >&2
    hook=$tree/bin
fi
put 755 "$hook" "$ROOT/src/main/sh/post-build-hook"

put 644 "$tree/lib/systemd/system" "$ROOT"/systemd/*.socket "$ROOT"/systemd/*.service "$ROOT"/systemd/*.timer
put 644 "$tree/lib/sysusers.d" "$ROOT"/systemd/sysusers.d/*
put 644 "$tree/lib/tmpfiles.d" "$ROOT"/systemd/tmpfiles.d/*
for page in "$ROOT"/src/main/man/*.[1-8]; do
    put 644 "$tree/share/man/man${page##*.}" "$page"
done
put 644 "$tree/share/doc/nix-post-build-hook-queue" "$ROOT/LICENSE" "$ROOT/README.md" "$ROOT/CHANGELOG.md" \
    "$ROOT/docs/sbom.cdx.json"

# Each shell has its own folder and file name for completions.
for file in "$ROOT"/src/main/completions/*; do
    name=${file##*/}
    case $name in
        *.bash) to=bash-completion/completions/${name%.bash} ;;
        *.fish) to=fish/vendor_completions.d/$name ;;
        *.zsh) to=zsh/site-functions/_${name%.zsh} ;;
        _*) to=zsh/site-functions/$name ;;
        *) continue ;;
    esac
    mkdir -p "$tree/share/${to%/*}"
    cp "$file" "$tree/share/$to"
    chmod 644 "$tree/share/$to"
done
