#!/bin/sh
# machine.sh DIR: a machine with one version of Nix, in its own mount namespace with its own /nix. run calls it with
# NPBHQ_TEST_NIX (the version), NPBHQ_TEST_PROGRAMS (the folder of its programs, or nothing), scratch, and the ports s3_port,
# http_port, ssh_port and other_port. Several machines run in parallel.
#
# Queues three paths for all destinations of the table `expected` at once, and compares the results. Writes outcomes, and
# prints a line for each check.
set -eu

dir=$1
: "${s3_port:?}" "${http_port:?}" "${ssh_port:?}" "${other_port:?}"
site=$dir/site
version=$NPBHQ_TEST_NIX
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=src/test/destinations/cases.sh
. "$here/cases.sh"
# shellcheck source=src/test/destinations/servers.sh
. "$here/servers.sh"

sshd=
daemon=
worker=
end() {
    for process in $worker $daemon $sshd; do kill "$process" 2>/dev/null || true; done
    stop_nginx
    # Their children may still use it; the namespace ends with this process.
    umount -l /nix
}
trap end EXIT
trap 'exit 130' HUP INT TERM

# check SENTENCE COMMAND…
check() {
    sentence=$1
    shift
    if "$@" >"$dir/said" 2>&1; then
        echo "ok: Nix $version: $sentence"
    else
        echo "FAILED: Nix $version: $sentence"
        tail -n 15 "$dir/said" | cut -c 1-400 | sed 's/^/    /'
    fi
}
# within SECONDS COMMAND…: until it succeeds.
within() {
    deadline=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep "${pace:-0.5}"
    done
}

# --- the machine ------------------------------------------------------------------------------------------------------

mkdir -p "$dir/nix" "$dir/conf" "$dir/ssh" "$dir/read-only" "$dir/store"
mount --make-rprivate /
mount --bind "$dir/nix" /nix
mount --bind "$dir/read-only" "$dir/read-only"
mount -o remount,bind,ro "$dir/read-only"
PATH=$NPBHQ_TEST_PROGRAMS${NPBHQ_TEST_PROGRAMS:+:}$ROOT/target/dist/bin:$PATH
for variable in $(env | sed -n 's/^\(NIX_[A-Z_]*\|NPBHQ_[A-Z_]*\|AWS_[A-Z_]*\)=.*/\1/p'); do unset "$variable"; done
export PATH HOME="$dir" NIX_CONF_DIR="$dir/conf" NIX_SSHOPTS="-F $dir/ssh/config"
cat >"$dir/conf/nix.conf" <<END
build-users-group =
sandbox = false
substituters =
experimental-features = nix-command
download-attempts = 1
netrc-file = $dir/conf/netrc
END
printf 'machine localhost login builder password secret\n' >"$dir/conf/netrc"
nix key generate-secret --key-name test-1 >"$dir/key"
nix key convert-secret-to-public <"$dir/key" >"$dir/key.pub"
# A remote daemon and a chroot store accept only paths that are signed by a trusted key.
echo "trusted-public-keys = $(cat "$dir/key.pub")" >>"$dir/conf/nix.conf"
nix key generate-secret --key-name other-1 | nix key convert-secret-to-public >"$dir/other.pub"
mkdir -p "$scratch/s3/cache$version"
start_nginx
# Existing caches.
for cache in full forbidden small busy; do
    mkdir -p "$site/www/$cache/$version"
    echo 'StoreDir: /nix/store' >"$site/www/$cache/$version/nix-cache-info"
done
fill_disks

# --- sshd: the store behind it depends on the address that the client used ----------------------------------------------

for name in host other client; do ssh-keygen -q -t ed25519 -N '' -f "$dir/ssh/$name"; done
cat >"$dir/serve" <<END
#!/bin/sh
export PATH='$PATH' HOME='$dir' NIX_CONF_DIR='$dir/conf'
# client address, client port, server address, server port
set -- \$SSH_CONNECTION
case \$SSH_ORIGINAL_COMMAND in
    *nix-store*--serve*) NIX_REMOTE="local?root=$dir/far-\$3-\$4" exec nix-store --serve --write ;;
    *nix-daemon*) NIX_REMOTE=unix://$dir/daemon.sock exec nix-daemon --stdio ;;
    *) echo "not served: \$SSH_ORIGINAL_COMMAND" >&2; exit 1 ;;
esac
END
chmod 755 "$dir/serve"
printf 'restrict,command="%s" %s\n' "$dir/serve" "$(cat "$dir/ssh/client.pub")" >"$dir/ssh/authorized_keys"
cat >"$dir/ssh/sshd_config" <<END
$(for address in 127.0.0.1 127.0.0.2 127.0.0.3; do
    printf 'ListenAddress %s:%s\nListenAddress %s:%s\n' $address "$ssh_port" $address "$other_port"
done)
HostKey $dir/ssh/host
PidFile none
AuthorizedKeysFile $dir/ssh/authorized_keys
AllowUsers root
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
MaxStartups 100
END
cat >"$dir/ssh/config" <<END
Host *
    Port $ssh_port
    BatchMode yes
    IdentityFile $dir/ssh/client
    IdentitiesOnly yes
    UserKnownHostsFile $dir/ssh/known_hosts
    GlobalKnownHostsFile none
    ConnectTimeout 60
END
# known_hosts HOST…: those whose key is known, and right.
known_hosts() {
    for host; do
        for port in "$ssh_port" "$other_port"; do printf '[%s]:%s %s\n' "$host" "$port" "$(cut -d ' ' -f 1-2 "$dir/ssh/host.pub")"; done
    done >"$dir/ssh/known_hosts.new"
    sed 's/^\[127.0.0.1\]\(.*\)$/&\n[localhost]\1/' "$dir/ssh/known_hosts.new" >"$dir/ssh/known_hosts"
}
known_hosts 127.0.0.1
printf '[127.0.0.2]:%s %s\n' "$ssh_port" "$(cut -d ' ' -f 1-2 "$dir/ssh/other.pub")" >>"$dir/ssh/known_hosts"
mkdir -p /run/sshd
/usr/sbin/sshd -D -e -f "$dir/ssh/sshd_config" 2>"$dir/ssh/log" &
sshd=$!
NIX_DAEMON_SOCKET_PATH=$dir/daemon.sock NIX_REMOTE="local?root=$dir/far-daemon" nix-daemon >"$dir/daemon.log" 2>&1 &
daemon=$!

# --- programs behind exec: ----------------------------------------------------------------------------------------------

cat >"$dir/upload" <<END
#!/bin/sh
exec nix copy --to file://$dir/uploaded "\$@"
END
cat >"$dir/fails" <<END
#!/bin/sh
[ -e $dir/bucket ] || { echo 'no such bucket' >&2; exit 1; }
exec nix copy --to file://$dir/uploaded-late "\$@"
END
chmod 755 "$dir/upload" "$dir/fails"

# --- the queue ----------------------------------------------------------------------------------------------------------

# serve STATE DESTINATION…: starts a worker, and points the client to it.
serve() {
    state=$dir/$1
    shift
    export NPBHQ_SOCKET="$state.sock"
    mkdir -p "$state" /nix/var/nix/gcroots/queue
    # The stall timeout, for cases in which Nix hangs; long enough for a busy machine.
    systemd-socket-activate -l "$NPBHQ_SOCKET" -E PATH -E JAVA_HOME -E HOME -E NIX_CONF_DIR -E NIX_SSHOPTS \
        -E NPBHQ_STATE_DIR="$state" -E NPBHQ_GCROOTS_DIR=/nix/var/nix/gcroots/queue -E NPBHQ_UPLOAD_TO="$*" \
        -E NPBHQ_SIGNING_PRIVATE_KEY_PATH="$dir/key" -E NPBHQ_IDLE_TIMEOUT=1h -E NPBHQ_STALL_TIMEOUT=2min \
        nix-post-build-hook-queue serve >"$state/log" 2>&1 &
    worker=$!
    within 120 [ -S "$NPBHQ_SOCKET" ]
}
client() { nix-post-build-hook-queue "$@"; }
# lane CASE FILTER: of its lane in status json.
lane() { client status json | jq -e --arg name "$(url "$1")" ".lanes[] | select(.name == \$name) | $2"; }
kept() { client list json | jq -se --arg name "$(url "$1")" '[.[] | select(.lane == $name)] | length == 3'; }

# expectation CASE: sets outcome and phrase.
expectation() {
    outcome=$(awk -v c="$1" -v v="$version" '$1 == c && ($2 == v || $2 == "*") { print $3; exit }' "$here/expected")
    phrase=$(awk -v c="$1" -v v="$version" '$1 == c && ($2 == v || $2 == "*") { sub(/^[^ ]+ +[^ ]+ +[^ ]+ ?/, ""); print; exit }' "$here/expected")
}

evidence() { cat "$dir/lane"; grep -F "$(url "$1")" "$state/log" | tail -n 5; return 1; }
delivered() { lane "$1" '.delivered == 3 and .queued == 0 and .deferred == 0' >"$dir/lane"; }
refused() { lane "$1" '.state == "down" and .reason != null' >"$dir/lane"; }
arrive() { within 300 delivered "$1" || evidence "$1"; }
refuse() { within 300 refused "$1" || evidence "$1"; }
has_phrase() { grep -qF -e "$phrase" || { echo "not in it: $phrase"; return 1; }; }
# said_everywhere CASE: the phrase, what helps, and no page of the server's: in what an operator reads. At info the journal
# also has all that Nix has said.
said_everywhere() {
    client status | grep -F -A 1 "$(url "$1") is down since" | tee "$dir/status" | has_phrase || { cat "$dir/status"; return 1; }
    grep -q 'try now:    nix-post-build-hook-queue retry' "$dir/status" || { echo "status: no next step"; return 1; }
    grep -F "$(url "$1"): down since" "$state/log" | tee "$dir/journal" | has_phrase || { echo "journal"; return 1; }
    client explain "$path" | tee "$dir/explanation" | grep -F -A 1 "$(url "$1") is down since" | tee "$dir/explained" |
        has_phrase || { cat "$dir/explanation"; return 1; }
    grep -q 'to try it now: nix-post-build-hook-queue retry' "$dir/explained" || { echo "explain: no next step"; return 1; }
    ! grep -Ei '<(html|head|body|h1|hr|center|\?xml|error|code|message)' "$dir/status" "$dir/journal" "$dir/explained"
}
# fetch URL KEY: as a new machine that trusts this key.
fetch() {
    another=$(mktemp -d "$dir/another.XXXXXX")
    HOME=$another nix copy --from "$1" --to "local?root=$another" --option require-sigs true \
        --option trusted-public-keys "$(cat "$2")" "$path" && cmp "$path" "$another$path"
}
lacks_signature() {
    if fetch "$1" "$dir/other.pub" >"$dir/fetched" 2>&1; then return 1; fi
    cat "$dir/fetched"
    grep -q 'lacks a.* signature' "$dir/fetched"
}

cat >"$dir/paths.nix" <<END
{ bytes }: builtins.genList (i: derivation {
  name = "\${bytes}-\${toString i}";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "/usr/bin/seq \${bytes} > \$out" ];
}) 3
END

cases=${CASES:-$(sed -n 's/^\([a-z][a-z0-9-]*\) .*/\1/p' "$here/expected" | awk '!seen[$0]++')}
# shellcheck disable=SC2046 # one word each
serve queue $(for case in $cases; do url "$case"; done)
# nix-build is this machine's: only the upload is what versions are compared in.
nix-build --no-out-link "$dir/paths.nix" --argstr bytes 9999 >"$dir/paths" 2>"$dir/build-log" || { cat "$dir/build-log"; exit 1; }
read -r path <"$dir/paths"
xargs nix-post-build-hook-queue <"$dir/paths" >/dev/null

echo "$version" >"$dir/outcomes"
for case in $cases; do
    expectation "$case"
    case $outcome in
        works)
            check "$case: all paths arrive" arrive "$case"
            check "$case: another machine fetches one, which has the signature" fetch "$(from "$case")" "$dir/key.pub"
            ;;
        refused | repaired)
            check "$case: the destination is down" refuse "$case"
            check "$case: the queue keeps the paths" kept "$case"
            check "$case: status, journal and explain say: $phrase" said_everywhere "$case"
            ;;
        *) check "$case has an expectation" false ;;
    esac
    if delivered "$case" >/dev/null 2>&1; then
        echo "$case yes" >>"$dir/outcomes"
    else
        printf '%s %s\n' "$case" "${phrase:-refused}" >>"$dir/outcomes"
    fi
done
# --- what check says --------------------------------------------------------------------------------------------------

found=0
client check --upload >"$dir/found" 2>"$dir/conclusion" || found=$?
concludes() {
    cat "$dir/conclusion"
    [ "$found" = 1 ] && grep "^nix-post-build-hook-queue: $(grep -c '^FAIL' "$dir/found") of [0-9]* checks failed" "$dir/conclusion"
}
check "check --upload ends with status 1, and counts the failures" concludes
# found_line CASE LEVEL: the lines of this level about its destination, and the fix below each.
found_line() {
    awk -v begin="$2  destination $(url "$1"): " \
        '/^[^ ]/ { inside = index($0, begin) == 1 } inside' "$dir/found"
}
fails_with_fix() {
    found_line "$1" FAIL >"$dir/failure"
    cat "$dir/failure"
    sed 1q "$dir/failure" | has_phrase || return 1
    fix "$1" "$phrase" | sed '1s/^/      fix: /; 2,$s/^/           /' >"$dir/fix"
    sed 1d "$dir/failure" | diff "$dir/fix" -
}
# The test path is smaller than the server's limit, so only status shows this refusal.
passes() { found_line "$1" 'pass' | grep ': test upload: arrived, signed by test-1, ' && [ -z "$(found_line "$1" FAIL)" ]; }
for case in $cases; do
    expectation "$case"
    case $case,$outcome in
        http-413,*) check "$case: a tiny path arrives" passes "$case" ;;
        *,refused | *,repaired) check "$case: check says what is wrong, and one fix" fails_with_fix "$case" ;;
    esac
done
[ -z "${CASES-}" ] || exit 0
check "a machine that trusts another key fetches nothing" lacks_signature "$(from file)"

repair
client retry >/dev/null
for case in $cases; do
    expectation "$case"
    if [ "$outcome" = repaired ]; then
        check "$case: the paths arrive after the repair" arrive "$case"
    fi
done
kill "$worker"
wait "$worker" || true

# --- the server dies in the middle of an upload ----------------------------------------------------------------------

url="http://localhost:$http_port/open/restart-$version?compression=none"
cat >"$dir/big.nix" <<END
derivation {
  name = "big";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "/usr/bin/truncate -s 200M \$out" ];
}
END
serve restart "$url"
path=$(nix-build --no-out-link "$dir/big.nix" 2>"$dir/build-log")
client status >/dev/null
client "$path" >/dev/null
in_the_middle() { find "$site/nginx/body" -type f -size +1M | grep -q .; }
pace=0.02 # it takes a second
check "http-restart: an upload is under way" within 120 in_the_middle
pace=
nginx_kill
check "http-restart: nothing has arrived" [ ! -e "$site/www/open/restart-$version/$(basename "$path" | cut -c 1-32).narinfo" ]
nginx_start
settled() { client wait timeout=1s; }
check "http-restart: the path arrives after the server's restart" within 300 settled
check "http-restart: another machine fetches it" fetch "$url" "$dir/key.pub"
