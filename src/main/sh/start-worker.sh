# shellcheck shell=sh
# start-worker.sh: replaces the shell by the worker's JVM. nix-post-build-hook-queue reads it for "serve", and has set lib
# to the folder that this file is in, and me, and defined die.
#
# It chooses a Java and the start-up archive that fits it. It starts no process unless it must: every new path waits for
# this.
# shellcheck disable=SC2154 # set by nix-post-build-hook-queue
set +f

# version_of JAVA: sets found to its major version; from its release file, since asking it would start it. 0: none.
# Sets identity to the lines of that file up to the version, as one; the exact build is among them.
version_of() {
    found=0
    identity=
    [ -x "$1" ] || return 0
    release=${1%/bin/java}/release
    [ -r "$release" ] || { home=$(readlink -f -- "$1") && release=${home%/bin/java}/release; }
    [ -r "$release" ] || return 0
    while [ "$found" = 0 ] && IFS= read -r line; do
        identity=$identity$line
        case $line in
            JAVA_VERSION=\"[0-9]*)
                line=${line#*\"}
                found=${line%%[!0-9]*}
                ;;
        esac
    done <"$release"
}

# newest_of JAVA…: sets java to the newest of these; fails if none has version 25 or newer.
newest_of() {
    newest=24
    for candidate; do
        version_of "$candidate"
        [ "$found" -le "$newest" ] || { newest=$found && java=$candidate; }
    done
    [ "$newest" -gt 24 ]
}

# is_for FILE: whether it holds the identity that version_of read last.
is_for() {
    [ -r "$1" ] && IFS= read -r held <"$1" && [ "$held" = "$identity" ]
}

# choose_archive: sets archive to the JVM's option for the start-up archive, relative to lib; empty without one that fits.
# The JVM checks it as well, but writes errors to the journal at each start. After an update of Java the worker makes
# another one in the service's cache directory, at the end of its life; a start is slower until then.
choose_archive() {
    for shipped in startup-*.aot; do :; done
    [ -f "$shipped" ] || return 0
    version_of "$java"
    if [ ! -e "${shipped%.aot}.java" ] || is_for "${shipped%.aot}.java"; then
        archive=-XX:AOTCache=$shipped
        return
    fi
    [ -n "${CACHE_DIRECTORY-}" ] || return 0
    own=${CACHE_DIRECTORY%%:*}/$shipped
    if is_for "${own%.aot}.java"; then
        # The worker that made it may have been killed as it wrote it.
        if [ -f "$own.new" ]; then
            "$java" @jvm.options -XX:AOTMode=on "-XX:AOTCache=$own.new" -version >/dev/null 2>&1 && mv -f "$own.new" "$own"
            rm -f "$own.new" "$own.new.config"
        fi
        [ ! -f "$own" ] || archive=-XX:AOTCache=$own
        return 0
    fi
    rm -f "${own%/*}"/startup-*
    { printf '%s\n' "$identity" >"${own%.aot}.java"; } 2>/dev/null || return 0
    printf '%s: Java was updated; this worker makes a new start-up archive as it ends: %s\n' "$me" "$own" >&2
    archive=-XX:AOTCacheOutput=$own.new
    training='-XX:-AOTRecordTraining -Xlog:aot=error'
}

if [ -n "${NPBHQ_JAVA-}" ]; then
    newest_of "$NPBHQ_JAVA" || die 69 "NPBHQ_JAVA is not a java of version 25 or newer: $NPBHQ_JAVA"
else
    newest_of "$lib/runtime/bin/java" || newest_of "${JAVA_HOME:+$JAVA_HOME/bin/java}" ||
        newest_of /usr/lib/jvm/*/bin/java || newest_of "$(command -v java)" ||
        die 69 "no java of version 25 or newer: set NPBHQ_JAVA, or install one \
(there is none in $lib/runtime, JAVA_HOME, /usr/lib/jvm or PATH)"
fi
# Java's arguments are in files, and their names are relative to lib, so that systemctl status shows a short line. The
# child processes still run in the old directory: the worker reads it in PWD.
case $java in /*) ;; *) java=$PWD/$java ;; esac
java=${java#"$lib"/}
directory=$PWD
cd "$lib" || die 69 "cannot change to $lib"
unset OLDPWD
export PWD="$directory"
unset archive training
# A dry run is too short to make an archive from.
[ "${1-}" = --dry-run ] || choose_archive
set -f
# systemd passes the key as a credential, if there is one.
key=${CREDENTIALS_DIRECTORY-}/$me.signing-key
[ -n "${NPBHQ_SIGNING_PRIVATE_KEY_PATH-}" ] || [ ! -f "$key" ] || export NPBHQ_SIGNING_PRIVATE_KEY_PATH="$key"
# archive.sh wrote the file "worker" with all arguments of a start from the archive in lib.
if [ -z "${NPBHQ_JAVA_OPTIONS-}" ] && [ "$archive" = "-XX:AOTCache=$shipped" ] && [ -r worker ]; then
    exec "$java" @worker serve "$@"
fi
# shellcheck disable=SC2086 # no word at all when there is no archive; options in words
exec "$java" @jvm.options $training ${archive:+"$archive"} ${NPBHQ_JAVA_OPTIONS-} hookqueue.Main serve "$@"
