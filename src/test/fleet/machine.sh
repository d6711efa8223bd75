# shellcheck shell=sh
# One build machine of the fleet, in its own mount namespace with its own /nix. run calls it:
#
#   machine.sh DIR NUMBER BUILDS LIBRARIES
#
# Builds with the real hook, waits until its queue is empty, and leaves in DIR: times (milliseconds of each hook), paths
# (what it has built), drained (when its queue was empty), log (of its worker).
set -eu

dir=$1
number=$2
builds=$3
libraries=$4

mount --make-rprivate /
mount --bind "$dir/nix" /nix
export HOME="$dir" NPBHQ_SOCKET="$dir/socket" NPBHQ_STATE_DIR="$dir/queue"
export NPBHQ_GCROOTS_DIR=/nix/var/nix/gcroots/nix-post-build-hook-queue NIX_CONF_DIR="$dir"
unset NIX_STORE_DIR NIX_STATE_DIR NIX_REMOTE
mkdir -p "$NPBHQ_STATE_DIR" "$NPBHQ_GCROOTS_DIR"

# The real hook, in a wrapper that records its time.
cat >"$dir/hook" <<E2
#!$(command -v bash)
begin=\${EPOCHREALTIME/./}
post-build-hook 2>>"$dir/hook-says"
end=\${EPOCHREALTIME/./}
echo "\$(((end - begin) / 1000))" >>"$dir/times"
for path in \$OUT_PATHS \$(nix-store --query --outputs "\$DRV_PATH"); do echo "\$path"; done | sort -u >>"$dir/paths"
E2
chmod +x "$dir/hook"
: >"$dir/hook-says"
: >"$dir/paths"
printf '%s\n' 'build-users-group =' 'sandbox = false' 'substituters =' 'experimental-features = nix-command' \
    'download-attempts = 2' "post-build-hook = $dir/hook" >"$dir/nix.conf"

# One processor serves many machines here, so a cold worker may take long.
export NPBHQ_HOOK_TIMEOUT=60s
# A short stall timeout: Nix 2.8 hangs when it tries an upload again after a 503.
systemd-socket-activate -l "$NPBHQ_SOCKET" -E PATH -E JAVA_HOME -E HOME -E NIX_CONF_DIR -E NPBHQ_STATE_DIR \
    -E NPBHQ_GCROOTS_DIR -E NPBHQ_UPLOAD_TO="$NPBHQ_FLEET_CACHE" -E NPBHQ_IDLE_TIMEOUT=2s -E NPBHQ_STALL_TIMEOUT=5s \
    nix-post-build-hook-queue serve >"$dir/log" 2>&1 &
worker=$!
until [ -S "$NPBHQ_SOCKET" ]; do sleep 0.05; done

# Each program of a machine depends on three of the libraries that all machines have.
cat >"$dir/programs.nix" <<E2
let
  libraries = import $NPBHQ_FLEET_LIBRARIES { count = $libraries; };
  pick = i: builtins.elemAt libraries (i - (i / $libraries) * $libraries);
in builtins.genList (i: derivation {
  name = "program-$number-\${toString i}";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "echo program $number \${toString i} \${pick ($number + i)} \${pick ($number + i + 1)} \${pick (2 * i)} > \$out" ];
}) $builds
E2
nix-build --no-out-link "$dir/programs.nix" >/dev/null 2>>"$dir/build-log"
date +%s%3N >"$dir/built"
# A client waits, and again if the worker has exited meanwhile.
nix-post-build-hook-queue wait timeout=10min
date +%s%3N >"$dir/drained"
wait "$worker"
find "$NPBHQ_GCROOTS_DIR" -mindepth 1 >"$dir/roots"
