#!/bin/sh
# ./dev release [--offline] [DIR]: makes DIR (target/release): a tarball and a .deb for this machine's architecture. Each
# contains its own Java runtime, cut down from the JDK in JAVA_HOME, and has a SHA-256 file (for `sha256sum -c`).
#
# The release is reproducible from the same sources and JDK. Only the JVM's start-up archive is not, so the installation
# makes it. All files have the date of pom.xml, or SOURCE_DATE_EPOCH. The script replaces DIR at the end. For tests:
# --dist TREE uses a tree from assemble.sh or ./dev build instead of compiling; --quick compresses less.
set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

name=nix-post-build-hook-queue
out=$ROOT/target/release
usage() { printf 'usage: ./dev release [--offline] [--dist TREE] [--quick] [DIR]\n' >&2; exit 64; }
offline=
dist=
level=6
while [ $# -gt 0 ]; do
    case $1 in
        --offline) offline=1 ;;
        --dist) [ $# -gt 1 ] || usage; dist=$2; shift ;;
        --quick) level=0 ;;
        -* | '') usage ;;
        *) [ $# = 1 ] || usage; out=$1 ;;
    esac
    shift
done

# of_pom ELEMENT: prints the value of an element of pom.xml.
of_pom() { sed -n "s,^ *<$1>\([^<]*\)</$1>.*,\1,p" "$ROOT/pom.xml" | head -n 1; }
version=$(of_pom version)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date -u -d "$(of_pom project.build.outputTimestamp)" +%s)}
export SOURCE_DATE_EPOCH
grep -q "^## \[$version\] - 20" "$ROOT/CHANGELOG.md" || die "CHANGELOG.md has no heading for version $version"
machine=$(uname -m)
case $machine in
    x86_64) architecture=amd64 ;;
    aarch64) architecture=arm64 ;;
    *) architecture=$machine ;;
esac
JAVA_HOME=$(find_jdk) || exit 1
export JAVA_HOME
need_apt binutils dpkg xz-utils || die "packages are missing"
LC_ALL=C
export LC_ALL
umask 022

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# --- the tarball: the tree and its installer ------------------------------------------------------------------------

release=$name-$version-$machine-linux
tree=$scratch/$release
if [ -n "$dist" ]; then
    cp -R "$dist" "$tree"
    rm -f "$tree/lib/$name"/startup-* "$tree/lib/$name/worker"
else
    need_maven
    compile ${offline:+-o}
    sh "$ROOT/src/dev/assemble.sh" "$tree"
fi
say "putting the release together"
sh "$ROOT/src/dev/runtime.sh" "$tree"
cp "$ROOT/src/dev/install.sh" "$ROOT/src/dev/uninstall.sh" "$ROOT/src/dev/install-lib.sh" "$ROOT/src/dev/archive.sh" "$tree/"
mkdir "$scratch/release"
(cd "$scratch" && tar --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX,a-s \
    --mtime="@$SOURCE_DATE_EPOCH" -cf - "$release") | xz "-$level" -T1 >"$scratch/release/$release.tar.xz"

# --- the .deb -------------------------------------------------------------------------------------------------------

deb=$scratch/deb
doc=$deb/usr/share/doc/$name
DESTDIR=$deb sh "$ROOT/src/dev/install.sh" --dist "$tree" /usr >/dev/null
rm "$deb/usr/lib/$name/manifest"
cp "$ROOT/src/dev/archive.sh" "$deb/usr/lib/$name/"
mkdir -p "$deb/usr/share/zsh/vendor-completions" "$deb/DEBIAN"
mv "$deb"/usr/share/zsh/site-functions/* "$deb/usr/share/zsh/vendor-completions/"
rmdir "$deb/usr/share/zsh/site-functions"
cp "$ROOT/src/deb/copyright" "$doc/"
mv "$doc/CHANGELOG.md" "$doc/changelog"
gzip -9n "$doc/changelog" "$deb"/usr/share/man/man*/*

# Copy the shared functions into each maintainer script: at a purge the package's other files are gone.
{
    printf 'name=%s\nprefix=/usr\ndestdir=\n' "$name"
    # shellcheck disable=SC2016 # for the maintainer scripts
    printf '%s\n' 'say() { printf "%s: %s\n" "$name" "$*"; }'
    cat "$ROOT/src/dev/install-lib.sh"
} >"$scratch/lib"
for script in preinst postinst prerm postrm; do
    sed -e "/^@install-lib@\$/{r $scratch/lib" -e 'd;}' "$ROOT/src/deb/$script" >"$deb/DEBIAN/$script"
    chmod 755 "$deb/DEBIAN/$script"
done
cp "$ROOT/src/deb/triggers" "$deb/DEBIAN/"
size=$(find "$deb/usr" -type f -printf '%s\n' | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
sed "s/@version@/$version/; s/@architecture@/$architecture/; s/@size@/$size/" "$ROOT/src/deb/control" >"$deb/DEBIAN/control"
(cd "$deb" && find usr -type f | sort | xargs md5sum >DEBIAN/md5sums)
chmod 644 "$deb"/DEBIAN/triggers "$deb"/DEBIAN/control "$deb"/DEBIAN/md5sums
# One thread: several would split the data into blocks, and the output would depend on their number.
dpkg-deb --root-owner-group -Zxz "-z$level" --threads-max=1 --build "$deb" \
    "$scratch/release/${name}_${version}_$architecture.deb" >/dev/null

cd "$scratch/release"
for file in *; do sha256sum "$file" >"$file.sha256"; done
rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$scratch/release" "$out"
du -k -s "$tree" "$deb/usr" | awk '{ printf "%.1f MB installed, without the start-up archive: %s\n", $1 / 1024, NR == 1 ? "tarball" : ".deb" }'
ls -l "$out"
