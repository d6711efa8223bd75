#!/bin/sh
# The units of the NixOS module, with store paths replaced by installed ones, do the same
#
# Upload and power cut are run again with them. Any other scenario can be tried with NPBHQ_TEST_UNITS, see run; those
# that write settings need systemd/'s units, since the module's have theirs in the unit.

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

# On this side, since the machine has no need of the module.
render() {
    sh "$NPBHQ_TEST_SOURCE/nixos/tests/render" "$machine/units" /usr/local '({
        enable = true;
        uploadTo = "ssh://cache@localhost";
        signingPrivateKeyPath = "/etc/credstore/nix-post-build-hook-queue.signing-key";
        sshPrivateKeyPath = "/etc/credstore/nix-post-build-hook-queue.ssh-key";
        idleTimeout = "2s";
    })'
}

until_ok 20 "the worker of the boot ends" ended
check "the module's units are rendered" render
for unit in $name.socket $name.service; do
    root tee "/etc/systemd/system/$unit" <"$machine/units/$unit" >/dev/null
done
root systemctl daemon-reload
check "systemd-analyze verify accepts them" root systemd-analyze verify --man=no $name.service $name.socket
root systemctl stop $name.socket
root systemctl start $name.socket
check "systemd loads the module's service" root sh -c \
    "systemctl show -P FragmentPath $name.service | grep ^/etc/ && systemctl show -P Environment $name.service | grep NPBHQ_UPLOAD_TO"

# shellcheck source=src/test/system/01-upload.sh
. "$NPBHQ_TEST_DIR/01-upload.sh"
forget_builds
# shellcheck source=src/test/system/02-power-cut.sh
. "$NPBHQ_TEST_DIR/02-power-cut.sh"
