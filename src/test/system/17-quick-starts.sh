#!/bin/sh
# docs/destinations.md: the quick starts for HTTP, S3, Cachix and Attic
#
# Debian: trixie
# Bare

# shellcheck disable=SC2016 # what is quoted is for the shell in the machine
# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"
# shellcheck source=src/test/system/quick-start.sh
. "$NPBHQ_TEST_DIR/quick-start.sh"
ROOT=$NPBHQ_TEST_SOURCE
# shellcheck source=src/dev/lib.sh
. "$ROOT/src/dev/lib.sh"

page=docs/destinations.md
# text HEADING START [NAME VALUE…]
text() {
    heading=$1
    begins=$2
    shift 2
    block "$page" "$heading" "$begins" | fill_in SIGNING-KEY "$signing_key" "$@"
}
line() { block README.md 'From a fresh Debian 13 to the first upload' 'On the machine that builds' | sed -n "$1p"; }

# builds NAME: builds a new path and its new dependency; sets path.
builds() {
    as builder nix-build --no-out-link -E 'derivation {
        name = "'"$1"'"; system = builtins.currentSystem; builder = "/bin/sh";
        library = derivation { name = "lib'"$1"'"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo >$out" ]; };
        args = [ "-c" "echo $library >$out" ]; }' >"$machine/built" 2>"$machine/log" || { cat "$machine/log"; exit 1; }
    path=$(cat "$machine/built")
}
arrives() { follows "$1: a path and its dependency are delivered" root "$(block "$page" 'Quick starts' 'ends with')"; }
# fetches SENTENCE COMMANDS: the second root fetches the path and its dependency.
fetches() {
    printf '%s\n' "$2" | sed 's/^/    $ /'
    check "$1: another root fetches the path, with the signature" second_root sh -euc "cd; $2"
    check "$1: with its dependency" cmp "$machine/root$(cat "$machine/root$path")" "$machine-second/root$(cat "$machine/root$path")"
}

an_ordinary_user
hosts
root cp "$NPBHQ_TEST_DEB" /root/
signing_key=
follows "the package, the signing key and the hook" root "$(line 1; line 2; line 6; line 7; echo cat builder.pub)"
signing_key=$(grep -o 'builder-1:.*' "$machine/followed")

# --- HTTP -------------------------------------------------------------------------------------------------------------

http='HTTP: nginx with a password and a certificate of its own'
server=$(sh "$NPBHQ_TEST_DIR/server-root.sh" "$NPBHQ_TEST_CACHED") || exit 1
another cache "$server"
machine_boot || exit 1
follows "http: the server's folder, password and certificate" root "$(text "$http" 'On the machine that keeps' PASSWORD secret)"
text "$http" 'Its `/etc/nginx' | root tee /etc/nginx/conf.d/nix-cache.conf >/dev/null
# What other quick starts need here: a cache behind a token each.
for name in cachix attic; do
    root sh -euc 'printf "$1:%s\n" "$(openssl passwd -6 "token of $1")" >/etc/nginx/$1.users
        install -d -o www-data /srv/nix-cache/$1
        sed "/location/,/^    }/!d; s,location /,location /$1/,; s,nix-cache.users,$1.users," /etc/nginx/conf.d/nix-cache.conf >/root/$1
        sed -i "/client_max/r /root/$1" /etc/nginx/conf.d/nix-cache.conf' - $name
done
name=nix-post-build-hook-queue
follows "http: nginx reads its configuration" root "$(text "$http" 'Then let nginx')"
certificate=$machine/root/etc/nginx/nix-cache.crt
back
cp "$certificate" "$machine/root/root/"
follows "http: the settings of the machine that builds" root "$(text "$http" 'On the machine that builds' PASSWORD secret)"
builds http
arrives http
check "http: compressed with zstd" sh -c 'ls "$1"/nar/*.nar.zst' - "$machine-cache/root/srv/nix-cache"
another second
back
cp "$certificate" "$machine-second/root/root/"
fetches http "$(text "$http" 'The worker runs' /nix/store/… "$path")"

# --- Cachix and Attic: stand-ins, which upload to a server that checks the token ----------------------------------------

root tee /usr/local/bin/cachix >/dev/null <<'END'
#!/bin/sh
# As cachix 1.7 takes its arguments, without any option.
fail() { echo "cachix: $*" >&2; exit 1; }
[ "${1-}" = push ] || fail "Invalid argument '${1-}'"
[ "${2-}" = mycache ] || fail "Binary cache ${2-} does not exist."
[ -n "${CACHIX_AUTH_TOKEN-}" ] || fail "Neither auth token nor signing key are present."
shift 2
[ $# -gt 0 ] || fail "You need to specify store paths either as stdin or as an command argument"
exec /usr/local/lib/upload cachix "$CACHIX_AUTH_TOKEN" "$@"
END
root tee /usr/local/bin/attic >/dev/null <<'END'
#!/bin/sh
# As the attic of 2025 takes its arguments: login [--set-default] NAME ENDPOINT TOKEN, push CACHE PATHS….
fail() { echo "Error: $*" >&2; exit 1; }
config=${XDG_CONFIG_HOME:-$HOME/.config}/attic/config.toml
case ${1-} in
    login)
        [ $# = 5 ] && [ "$2" = --set-default ] || fail "unexpected arguments: $*"
        [ "$4" = https://attic.example.com/ ] || fail "no such server: $4"
        umask 077
        mkdir -p "${config%/*}"
        printf 'default-server = "%s"\n\n[servers.%s]\nendpoint = "%s"\ntoken = "%s"\n' "$3" "$3" "$4" "$5" >"$config"
        ;;
    push)
        [ "${2-}" = mycache ] || fail "NoSuchCache: ${2-}"
        token=$(sed -n 's/^token = "\(.*\)"$/\1/p' "$config" 2>/dev/null)
        [ -n "$token" ] || fail "No servers are available."
        shift 2
        [ $# -gt 0 ] || { echo "Nothing specified." >&2; exit 0; }
        exec /usr/local/lib/upload attic "$token" "$@"
        ;;
    *) fail "unrecognized subcommand '${1-}'" ;;
esac
END
root tee /usr/local/lib/upload >/dev/null <<'END'
#!/bin/sh
# upload CACHE TOKEN PATH…
cache=$1
token=$2
shift 2
for path; do
    case $path in /nix/store/*/* | /nix/store/.*) ;; /nix/store/*) continue ;; esac
    echo "not a store path: $path" >&2
    exit 1
done
authority=/etc/nix-post-build-hook-queue/nix-cache.crt
curl -sf --cacert $authority -u "$cache:$token" -T /etc/hostname "https://nix-cache.example.com/$cache/login" || {
    echo "Binary cache doesn't exist or you don't have access." >&2
    exit 1
}
umask 077
netrc=$(mktemp)
trap 'rm -f "$netrc"' EXIT
printf 'machine nix-cache.example.com login %s password "%s"\n' "$cache" "$token" >"$netrc"
NIX_SSL_CERT_FILE=$authority nix --extra-experimental-features nix-command copy \
    --option netrc-file "$netrc" --option substitute false --to "https://nix-cache.example.com/$cache" "$@" </dev/null
END
root chmod 755 /usr/local/bin/cachix /usr/local/bin/attic /usr/local/lib/upload

# fetch_from CACHE: as the other machines of that service do; the stand-in keeps the signature of the machine that builds.
fetch_from() {
    fetches "$1" "NIX_SSL_CERT_FILE=\$PWD/nix-cache.crt nix-store --realise $path --option trusted-public-keys $signing_key \
--option substituters https://nix-cache.example.com/$1"
}
refused() { client list | grep -F "$1"; }

program=/usr/local/bin/push-to-cachix
text Cachix 'The cache is' | root tee $program >/dev/null
follows "cachix: the settings, with a wrong token" root "$(text Cachix 'The settings' WRITE-TOKEN wrong)"
builds cachix
until_ok 60 "cachix: the queue keeps the path, and list says why" refused "you don't have access"
follows "cachix: the settings" root "$(text Cachix 'The settings' CACHIX_AUTH_TOKEN=WRITE-TOKEN "'CACHIX_AUTH_TOKEN=token of cachix'")"
arrives cachix
fetch_from cachix

program=/usr/local/bin/push-to-attic
text Attic 'The server is' | root tee $program >/dev/null
follows "attic: the settings and the login" root "$(text Attic 'The login is' WRITE-TOKEN "'token of attic'")"
builds attic
arrives attic
fetch_from attic
check "attic: nobody else can read the token" not as builder cat /var/lib/$name/.config/attic/config.toml

# --- S3, with the Nix of sid, by its own loader and libraries ------------------------------------------------------------

sid=$(sh "$ROOT/src/test/destinations/root.sh" "$NPBHQ_TEST_CACHED" sid) || {
    echo "NOT TRIED: S3, for which there is no Nix"
    exit 0
}
for where in "$machine/root" "$machine-second/root"; do
    mkdir -p "$where/opt/nix/bin" "$where/opt/nix/libexec"
    cp -a "$sid"/usr/lib/*-linux-gnu "$where/opt/nix/lib"
    cp "$sid/usr/bin/nix" "$where/opt/nix/libexec/nix"
    loader=$(cd "$where/opt/nix/lib" && echo ld-linux-*.so.*)
    printf '#!/bin/sh\nexec /opt/nix/lib/%s --argv0 nix --library-path /opt/nix/lib /opt/nix/libexec/nix "$@"\n' "$loader" >"$where/opt/nix/bin/nix"
    chmod 755 "$where/opt/nix/bin/nix"
done
need_maven
maven -q -f "$ROOT/src/test/destinations/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath \
    -Dmdep.outputFile="$machine/s3-classpath" -Dmdep.includeScope=runtime || exit 1
mkdir -p "$machine/s3/nix-cache"
cat >"$machine/s3.conf" <<END
s3proxy.endpoint=http://127.0.0.1:9000
s3proxy.authorization=none
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir=$machine/s3
jclouds.identity=none
jclouds.credential=none
END
in_network "$JAVA_HOME/bin/java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$(cat "$machine/s3-classpath")" \
    org.gaul.s3proxy.Main --properties "$machine/s3.conf" >"$machine/s3.log" 2>&1
until_ok 60 "s3: the server listens" root socat -u OPEN:/dev/null TCP4:127.0.0.1:9000
follows "s3: the settings" root "$(text S3 'Nix 2.8 and 2.26 of')"
builds s3
arrives s3
fetches s3 "PATH=/opt/nix/bin:\$PATH; $(text S3 'Another machine,' /nix/store/… "$path")"
