#!/bin/sh
# A user builds; the path is signed and uploaded; the worker starts and exits

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

until_ok 20 "the worker of the boot finds nothing to do, and ends" ended
quote "before the first build"
before=$(starts)
build first 1
cp "$machine/paths" "$machine/first"
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

# Fields of the journal. The folder is not there, and its parent is read-only for the service.
root cat /etc/$name/environment >"$machine/settings"
settings 'NPBHQ_UPLOAD_TO=ssh://cache@localhost folder=file:///srv/no-such' NPBHQ_IDLE_TIMEOUT=1h
root systemctl restart $name.service
forget_builds
build fields 1
path=$(cat "$machine/paths")
messages() { root journalctl -b -q -o cat "$@"; }
has_message() {
    message=$1
    shift
    messages "$@" | grep -qx "$message"
}
# only PATTERN MATCH: the messages with this field are there, and all are like this.
only() { messages "$2" | grep -q . && ! messages "$2" | grep -v "$1"; }
until_ok 30 "journalctl DESTINATION=URL shows what was delivered there" \
    has_message "ssh://cache@localhost: delivered ${path#/nix/store/} in .*" DESTINATION=ssh://cache@localhost
until_ok 30 "journalctl DESTINATION=NAME shows what a destination has refused" \
    has_message "folder: ${path#/nix/store/} not taken after .*" DESTINATION=folder
check "and the command that failed" has_message "folder: this command failed: .* copy .*" DESTINATION=folder
check "and no message of another destination" only '^folder: ' DESTINATION=folder
check "which shows none of this one" only '^ssh://cache@localhost: ' DESTINATION=ssh://cache@localhost
check "DESTINATION=sign shows the signatures" only '^sign: signed ' DESTINATION=sign
check "journalctl STORE_PATH= shows the signature of a path" has_message "sign: signed ${path#/nix/store/} in .*" "STORE_PATH=$path"
check "its delivery" has_message "ssh://cache@localhost: delivered ${path#/nix/store/} in .*" "STORE_PATH=$path"
check "and its failure" has_message "folder: ${path#/nix/store/} not taken after .*" "STORE_PATH=$path"
first=$(head -n 1 "$machine/first")
check "of the first path it shows two messages, of no other path" equal "$(messages "STORE_PATH=$first" | grep -c "${first#/nix/store/}")/$(messages "STORE_PATH=$first" | wc -l)" 2/2
# Messages with fields reach the journal over its socket, the others over standard error.
of_worker() { root journalctl -b -q -o json _SYSTEMD_UNIT=$name.service | grep -o "\"$1\":\"[^\"]*\"" | sort -u | cut -d '"' -f 4 | tr '\n' ' '; }
check "the journal knows the unit of both kinds of messages" equal "$(of_worker _TRANSPORT)" "journal stdout "
check "and both have the same identifier" equal "$(of_worker SYSLOG_IDENTIFIER)" "$name "

# The next scenario has the same machine.
settings "$(cat "$machine/settings")"
root systemctl restart $name.service
until_ok 20 "the folder is dropped" client drop destination=folder
until_ok 20 "the worker ends after the last path" ended
check "and no GC root is left of it" no_roots
