#!/bin/sh
# breaches.sh [NAME...]: whether the campaign sees what it is there to see. For each patch in src/torture/breaches, or
# those named, which breaks one promise by hand: builds the program with it, from a copy of the sources, and tortures
# that for two minutes at most, with the scripts of ./dev test, or from the seed on that the patch says ("From seed N on."):
# some promises are only in danger by faults that come late there. A part of ./dev torture (--breaches). Last line: "N
# caught, N missed"; 1 if one is missed.
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

# The sources as they are now, with the breach: what was changed before is put back.
broken_tree() {
    for each in .mvn dev pom.xml LICENSE README.md CHANGELOG.md docs systemd src; do
        rm -rf "${copy:?}/$each"
        [ ! -e "$ROOT/$each" ] || cp -a "$ROOT/$each" "$copy/"
    done
    # What it says above its first file is for people. No fuzz: a breach must still mean what it says.
    (cd "$copy" && patch -s -p1 --fuzz=0 --no-backup-if-mismatch <"$ROOT/src/torture/breaches/$1.patch")
    # Maven goes by the time of a file, which must be later than that of what it compiled before.
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
    sh "$ROOT/src/dev/torture.sh" --dist "$copy/target/dist" --seed "${seed:-109782}" --minutes 2 >"$out/$name.log" 2>&1 </dev/null || true
    took=$(($(date +%s) - began))
    # Not by the status alone: a campaign that cannot run catches nothing; and a machine that stands still is no breach.
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
