#!/bin/sh
# archive.sh TREE [DIR]: makes the JVM's start-up archive (AOT cache) for a tree that assemble.sh made. For this it runs
# the tree's worker once, from connection to idle exit, with a fake `nix`. Needs the tree's JDK as JAVA_HOME,
# systemd-socket-activate, socat and coreutils; from /bin only sh, as in Nix's sandbox. Run it last: JDK 25.0.3 does not
# notice that a jar is newer than its archive, and would run the old code. The archive's name is a hash of its inputs; its
# bytes are not reproducible. Also makes the file "worker", with Java's arguments for a start from this archive. Both go
# into the tree, or into DIR if the tree is read-only. Times out after LIMIT seconds.
set -eu

tree=$1
name=nix-post-build-hook-queue
lib=$tree/lib/$name
out=${2-$lib}
# The JVM runs in lib.
case $out in /*) ;; *) out=$PWD/$out ;; esac
LIMIT=120 # it takes 5

scratch=$(mktemp -d)
# The socket's path must fit into a socket address, and must not contain blanks or colons.
worker=
journal=
end() {
    for child in $worker $journal; do kill "$child" 2>/dev/null || true; done
    rm -rf "$scratch"
}
trap end EXIT
trap 'exit 1' HUP INT TERM

rm -f "$out"/startup-* "$out/worker"
cat "$lib"/*.jar "$lib"/jvm.options "$JAVA_HOME/release" >"$scratch/sources"
hash=$(sha256sum <"$scratch/sources")
archive=$out/startup-${hash%"${hash#????????????????}"}.aot

# The fake copy: progress, then success. It takes long enough for the worker to show it in status.
cat >"$scratch/nix" <<'END'
#!/bin/sh
echo '@nix {"action":"start","fields":["/nix/store/x","local","file:///x"],"id":1,"level":3,"parent":0,"text":"copying","type":100}' >&2
echo '@nix {"action":"result","fields":[10,100,0,0],"id":1,"type":105}' >&2
echo '@nix {"action":"stop","id":1}' >&2
case "$*" in
    *' --json '*) # nix path-info: every path was built locally and is unsigned
        answer=
        for word; do
            case $word in */store/*) answer=$answer${answer:+,}'{"path":"'$word'","ultimate":true,"signatures":["a:b"],"references":[]}' ;; esac
        done
        echo "[$answer]"
        ;;
    *path-info*) exit 1 ;;
    *' copy '* | 'copy '*) sleep 0.5 ;;
esac
END
printf '#!/bin/sh\nexit 0\n' >"$scratch/announce"
chmod +x "$scratch/nix" "$scratch/announce"
: >"$scratch/key"
mkdir "$scratch/store" "$scratch/roots"
for n in 0 1 2 3 4; do : >"$scratch/store/0000000000000000000000000000000$n-training"; done

# The journal: the worker takes its standard error, the log, for a stream to it, and sends entries with fields.
socat -u "UNIX-RECV:$scratch/journal" "CREATE:$scratch/entries" &
journal=$!
: >"$scratch/log"
stream=$(stat -c %d:%i "$scratch/log")

# Without AOTRecordTraining, a record of the methods to compile early: jvm.options does not use it.
# JDK_JAVA_OPTIONS passes options through the launcher, so that the worker otherwise runs exactly as it does for users.
timeout -k 10 "$LIMIT" systemd-socket-activate -l "$scratch/socket" \
    -E PATH -E JAVA_HOME -E HOME="$scratch" -E NOTIFY_SOCKET="$scratch/notify" \
    -E JDK_JAVA_OPTIONS="-XX:AOTCacheOutput=$archive.new -XX:+UnlockDiagnosticVMOptions -XX:-AOTRecordTraining -Dhookqueue.journal=$scratch/journal" \
    -E JOURNAL_STREAM="$stream" \
    -E NPBHQ_UPLOAD_TO="file://$scratch/cache exec:$scratch/announce" -E NPBHQ_SIGNING_PRIVATE_KEY_PATH="$scratch/key" \
    -E NPBHQ_STATE_DIR="$scratch/state" -E NPBHQ_GCROOTS_DIR="$scratch/roots" -E NPBHQ_STORE_DIR="$scratch/store" \
    -E NPBHQ_NIX="$scratch/nix" -E NPBHQ_METRICS_FILE="$scratch/metrics" -E NPBHQ_IDLE_TIMEOUT=1s \
    "$tree/bin/$name" serve >"$scratch/log" 2>&1 &
worker=$!

fail() {
    cat "$scratch/log" >&2
    [ ! -s "$scratch/replies" ] || cat "$scratch/replies" >&2
    echo "archive.sh: $*" >&2
    exit 1
}

tries=0
until [ -S "$scratch/socket" ] && [ -S "$scratch/journal" ]; do
    if ! kill -0 "$worker" 2>/dev/null || [ "$tries" -ge 500 ]; then
        fail "systemd-socket-activate did not start"
    fi
    tries=$((tries + 1))
    sleep 0.02
done
{
    for path in "$scratch"/store/*; do printf '%s ' "$path"; done
    printf '\n%s\nstatus\nlist\nmetrics\nwait timeout=30s\nstatus json\nfailed\nexplain %s\n' "$path" "$path"
} | timeout -k 1 "$LIMIT" socat -t "$LIMIT" - "UNIX-CONNECT:$scratch/socket,retry=50,interval=0.1" >"$scratch/replies" ||
    fail "cannot connect to the worker, or it did not answer within $LIMIT s"
grep -q '^ok queued 5$' "$scratch/replies" || fail "the worker did not queue"
! grep '^error' "$scratch/replies" || fail "the worker did not deliver"
wait "$worker" || fail "the worker ended with status $? (124: timed out after $LIMIT s)"
worker=
tries=0
until grep -q '^DESTINATION=' "$scratch/entries"; do # socat may be late
    [ "$tries" -lt 500 ] || fail "the worker sent nothing to the journal's socket"
    tries=$((tries + 1))
    sleep 0.02
done
[ -s "$archive.new" ] || fail "no archive was written"
mv "$archive.new" "$archive"
# The worker uses the archive only with this Java; see version_of in start-worker.sh.
{ sed '/^JAVA_VERSION=/q' "$JAVA_HOME/release" | tr -d '\n' && echo; } >"${archive%.aot}.java"
{
    cat "$lib/jvm.options"
    printf '%s\n' "-XX:AOTCache=${archive##*/}" hookqueue.Main
} >"$out/worker"
chmod 644 "$archive" "${archive%.aot}.java" "$out/worker"

# The JVM silently ignores an archive that does not match, and starts slowly. With AOTMode=on it fails instead. The
# worker itself exits with 66, because it has no socket.
status=0
options=
[ -z "${2-}" ] || options=-XX:AOTCache=$archive
JDK_JAVA_OPTIONS=-XX:AOTMode=on NPBHQ_JAVA_OPTIONS=$options \
    NPBHQ_UPLOAD_TO="file://$scratch/cache" NPBHQ_STATE_DIR="$scratch/state" \
    timeout -k 10 "$LIMIT" "$tree/bin/$name" serve >"$scratch/log" 2>&1 </dev/null || status=$?
[ "$status" = 66 ] || fail "the JVM does not accept the archive: status $status"
