#!/bin/sh
# A folder as destination, set up as in the manual page

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

settings NPBHQ_UPLOAD_TO=file:///srv/nix-cache NPBHQ_IDLE_TIMEOUT=1h
root systemctl restart $name.service
in_folder() {
    while read -r path; do
        hash=${path#/nix/store/}
        as mallory grep -q '^Sig: test-1:' "/srv/nix-cache/${hash%%-*}.narinfo" || return 1
    done <"$machine/paths"
}

build file 2
told() { client list | grep 'Read-only file system'; }
until_ok 20 "without the drop-in the list says that it cannot be written" told
root install -d -o $name -g $name /srv/nix-cache
dropin service '[Service]' 'ReadWritePaths=/srv/nix-cache' 'UMask=0022'
root systemctl restart $name.service
until_ok 60 "with it the paths arrive, signed, for everybody to read" in_folder
