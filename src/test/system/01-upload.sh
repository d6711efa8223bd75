#!/bin/sh
# A user builds; the path is signed and uploaded; the worker starts and exits

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

until_ok 20 "the worker of the boot finds nothing to do, and ends" ended
quote "before the first build"
before=$(starts)
build first 1
cat "$machine/log"
until_ok 20 "a path built by an ordinary user is in the destination" delivered
quote "right after the upload"
check "the worker was started by the socket" equal "$(starts)" $((before + 1))
check "the destination has it with the signature of the credential's key" signed
check "the hook said nothing and gave 0" every_hook_gave_0
until_ok 15 "the worker ends when it has been idle" ended
quote "after the idle time"
check "the socket still listens" listening
check "the worker ended well" equal "$(show Result)" success
check "no GC root is left" no_roots

# More than one output, and a dependency: the closure arrives whole.
root tee /srv/pair.nix >/dev/null <<'E2'
let
  sh = name: text: derivation {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" text ];
  };
in derivation {
  name = "pair";
  outputs = [ "out" "doc" ];
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "echo ${sh "needed" "echo needed > $out"} > $out; echo doc > $doc" ];
}
E2
as builder nix-build --no-out-link -A out -A doc /srv/pair.nix >>"$machine/paths" 2>"$machine/log"
until_ok 20 "both outputs and what they need are delivered by a second worker" delivered
check "with signatures, every one" signed
printf '%s\n' "--- the journal of all this:"
root journalctl --no-pager -o short -u nix-post-build-hook-queue | sed 's/^/    /'
printf 'hooks: %s\n' "$(hook_times)"
