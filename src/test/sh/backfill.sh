#!/bin/sh
# nix-post-build-hook-queue backfill: Nix's output, and the paths that backfill queues.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"

script_under_test nix-post-build-hook-queue "$work/client"

backfill() {
    status=0
    NPBHQ_SOCKET=$socket NPBHQ_NIX=$case_dir/nix timeout 30 "$work/client" backfill "$@" >"$case_dir/out" 2>"$case_dir/err" </dev/null || status=$?
}
ends_with() { equal "$status" "$1"; }
# same FILE N: the file contains exactly the N paths, one per line.
same() { seq -f '/nix/store/%032.0f-built' 1 "$2" | cmp -s - "$1"; }
prints() { equal "$(cat "$case_dir/out")" "$1"; }

# fake_nix BUILT [STATUS]: lists BUILT locally built paths with other paths between them, in Nix's columns.
fake_nix() {
    ln -sf "$here/../../testkit/sh/fake-nix" "$case_dir/nix"
    : >"$case_dir/calls"
    awk -v built="$1" 'BEGIN { for (n = 1; n <= built; n++) {
        printf "/nix/store/%032d-built    \tultimate cache.example.org-1:c2ln==\n", n
        printf "/nix/store/1%031d-fetched  \tcache.nixos.org-1:c2ln==\n", n
        printf "/nix/store/2%031d-x.drv   \tca:text:sha256:0000\n", n
        printf "/nix/store/3%031d-bare   \t\n", n
    } }' >"$case_dir/answer"
    echo "${2:-0}" >"$case_dir/status"
}
# shellcheck disable=SC2016 # for a shell of its own
# Answers every line like the worker.
counts='while read -r line; do printf "%s\n" "$line" >>requests; echo "ok queued $(printf "%s\n" "$line" | wc -w)"; done'

test_that "only locally built paths are queued, some hundreds per line"
fake_nix 1203
server queue <<END
$counts
END
backfill
must ends_with 0
must prints 'queued 1203, excluded 0, refused 0'
must equal "$(cat "$case_dir/err")" ''
tr ' ' '\n' <"$case_dir/requests" >"$case_dir/sent"
must same "$case_dir/sent" 1203
must equal "$(wc -l <"$case_dir/requests")" 3
must has "$case_dir/calls" '--extra-experimental-features nix-command path-info --all --sigs'

test_that "--dry-run lists the paths, and needs no queue"
fake_nix 703
socket=$case_dir/absent
backfill --dry-run
must ends_with 0
must same "$case_dir/out" 703

test_that "without locally built paths there is nothing to do"
fake_nix 0
server queue <<END
$counts
END
backfill
must ends_with 0
must prints 'queued 0, excluded 0, refused 0'
backfill --dry-run
must ends_with 0
must prints ''

test_that "when Nix fails, backfill fails, after it has queued the paths that Nix printed"
fake_nix 3 7
server queue <<END
$counts
END
backfill
must ends_with 1
must has_part "$case_dir/err" 'Nix cannot list its paths: status 7; 3 queued all the same'
backfill --dry-run
must ends_with 1
must has_part "$case_dir/err" 'Nix cannot list its paths: status 7'

test_that "excluded and refused paths are counted, and the refused ones named"
fake_nix 1100
server queue <<'END'
read -r line
echo x >>requests
case $(wc -l <requests) in
    1) echo 'ok queued 498 excluded 2' ;;
    2) echo 'error refused 3, queued 496 excluded 1: not a store path: /a; not a store path: /b excluded 9; not a store path: /c' ;;
    *) echo 'ok queued 100' ;;
esac
END
backfill
must ends_with 1
must prints 'queued 1094, excluded 3, refused 3'
must has_part "$case_dir/err" 'refused 3, queued 496 excluded 1: not a store path: /a'

test_that "an error of the worker ends backfill, with the number of queued paths"
fake_nix 1100
server queue <<'END'
read -r line
echo x >>requests
[ "$(wc -l <requests)" = 1 ] && echo 'ok queued 500' || echo 'error not queued: disk full'
END
backfill
must ends_with 1
must has_part "$case_dir/err" 'not queued: disk full'
must has_part "$case_dir/err" '500 queued, the rest not'
must prints ''
must equal "$(wc -l <"$case_dir/requests")" 2

test_that "a worker that exits ends backfill with status 75 and the number of queued paths"
fake_nix 1100
server queue <<'END'
read -r line
echo x >>requests
[ "$(wc -l <requests)" != 1 ] || echo 'ok queued 500'
END
backfill
must ends_with 75
must has_part "$case_dir/err" '500 queued, the rest not'

test_that "without a queue backfill exits with status 69"
fake_nix 3
socket=$case_dir/absent
backfill
must ends_with 69
must has_part "$case_dir/err" 'there is no socket'

test_that "backfill works with real Nix"
if command -v nix >/dev/null 2>&1 && command -v nix-build >/dev/null 2>&1; then
    export NIX_STORE_DIR="$case_dir/nix-root/store" NIX_STATE_DIR="$case_dir/nix-root/var" NIX_LOG_DIR="$case_dir/nix-root/log" \
        NIX_CONF_DIR="$case_dir/nix-root/etc" HOME="$case_dir/nix-root/home" XDG_CACHE_HOME="$case_dir/nix-root/cache" NIX_REMOTE=
    mkdir -p "$NIX_CONF_DIR" "$HOME" "$NIX_STORE_DIR"
    printf 'sandbox = false\nbuild-users-group =\nsubstituters =\n' >"$NIX_CONF_DIR/nix.conf"
    # A path that was built, one that was only added, and a derivation.
    echo added >"$case_dir/added"
    # shellcheck disable=SC2016 # for the builder
    built=$(nix-build --no-out-link -E 'derivation { name = "built"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo built > $out" ]; }' 2>"$case_dir/err")
    nix-store --add "$case_dir/added" >/dev/null 2>>"$case_dir/err"
    ln -s "$(command -v nix)" "$case_dir/nix"
    server queue <<END
$counts
END
    must [ -n "$built" ]
    backfill
    must ends_with 0
    must prints 'queued 1, excluded 0, refused 0'
    must equal "$(cat "$case_dir/requests")" "$built"
    chmod -R u+w "$case_dir/nix-root"
else
    echo "      left out: no nix"
fi

finish
