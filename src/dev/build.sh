#!/bin/sh
# ./dev build: makes target/dist, the tree that ./dev install copies. --offline runs Maven without network; --runtime puts
# a Java runtime into the tree, for machines without Java 25.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

offline=
runtime=
for word in "$@"; do
    case $word in
        --offline) offline=1 ;;
        --runtime) runtime=1 ;;
        *) die "usage: ./dev build [--offline] [--runtime]" ;;
    esac
done

need_maven
# For the archive's training run.
need_apt systemd socat

compile ${offline:+-o}

say "assembling target/dist"
dist=$ROOT/target/dist
sh "$ROOT/src/dev/assemble.sh" "$dist.new"
if [ -n "$runtime" ]; then
    sh "$ROOT/src/dev/runtime.sh" "$dist.new"
    # The archive works only with the Java that made it.
    JAVA_HOME=$dist.new/lib/nix-post-build-hook-queue/runtime
fi
sh "$ROOT/src/dev/archive.sh" "$dist.new"
rm -rf "$dist"
mv "$dist.new" "$dist"
(cd "$dist" && find . -path '*/runtime/*' -prune -o -type f -exec ls -l {} + | awk '{ n = $5; sum += n; printf "%9d  %s\n", n, $9 } END { printf "%9d  bytes in all\n", sum }')
[ -z "$runtime" ] || du -k -s "$dist/lib/nix-post-build-hook-queue/runtime" | awk '{ print $1 " kB of Java runtime besides" }'
