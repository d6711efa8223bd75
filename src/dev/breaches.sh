#!/bin/sh
# breaches.sh [NAME...]: checks that the torture test detects broken promises. Each patch in src/torture/breaches (or each
# named one) deliberately breaks one promise. The script applies it to a copy of the sources, builds that, and runs the
# torture test on it for at most two minutes. It starts at the seed of ./dev test, or at the seed that the patch names
# ("From seed N on."), because some faults come late in that sequence. ./dev torture --breaches runs this script. Last
# line: "N caught, N missed". Exit status 1 if a breach is missed.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

need_apt patch
out=$ROOT/target/breaches
copy=$out/tree
rm -rf "$out"
mkdir -p "$copy"
for patch in "$ROOT"/src/torture/breaches/*.patch; do
    name=${patch##*/}
    name=${name%.patch}
    if [ $# -gt 0 ]; then
        case " $* " in *" $name "*) ;; *) continue ;; esac
    fi
    printf '%s\n' "$name"
done >"$out/names"
[ -s "$out/names" ] || die "no breach of that name in src/torture/breaches"

# Copies the current sources over the previous breach, and applies the new one.
broken_tree() {
    for each in .mvn dev pom.xml LICENSE README.md CHANGELOG.md docs systemd src; do
        rm -rf "${copy:?}/$each"
        [ ! -e "$ROOT/$each" ] || cp -a "$ROOT/$each" "$copy/"
    done
    # patch ignores the description above the first file. No fuzz: a breach must still match the code that it describes.
    (cd "$copy" && patch -s -p1 --fuzz=0 --no-backup-if-mismatch <"$ROOT/src/torture/breaches/$1.patch")
    # Maven compares file times: the sources must be newer than the classes of the previous breach.
    find "$copy/src/main" -type f -exec touch {} +
    rm -rf "$copy/target/classes" "$copy/target/maven-status"
    "$copy/dev" build
}

caught=0
missed=0
while IFS= read -r name; do
    if ! broken_tree "$name" >"$out/$name.build" 2>&1 </dev/null; then
        tail -n 20 "$out/$name.build"
        printf 'MISSED  %s: cannot be built\n' "$name"
        missed=$((missed + 1))
        continue
    fi
    seed=$(sed -n 's/^From seed \([0-9]*\) on\.$/\1/p' "$ROOT/src/torture/breaches/$name.patch")
    began=$(date +%s)
    DIST=$copy/target/dist sh "$ROOT/src/dev/torture.sh" --seed "${seed:-109782}" --minutes 2 >"$out/$name.log" 2>&1 </dev/null || true
    took=$(($(date +%s) - began))
    # The status is not enough: a test that cannot run detects nothing, and a stalled machine is not a breach.
    found=$(grep -v -e 'could not be run to its end' -e 'a hook with a limit of' "$out/$name.log" | sed -n 's/^  -> //p' | head -n 1 | cut -c 1-160)
    if [ -n "$found" ]; then
        printf 'caught  %s, after %s s: %s\n' "$name" "$took" "$found"
        caught=$((caught + 1))
    else
        printf 'MISSED  %s, in %s s\n' "$name" "$took"
        missed=$((missed + 1))
    fi
done <"$out/names"
printf '%s caught, %s missed\n' "$caught" "$missed"
[ "$missed" = 0 ]
