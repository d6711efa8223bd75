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
found() { client check ${2+"$2"} >"$machine/found"; equal "$?" "$1"; }
check "and the check fails" found 1
check "with the drop-in that helps" grep -qx '               ReadWritePaths=/srv/nix-cache' "$machine/found"
root install -d -o $name -g $name /srv/nix-cache
check "it fails as well when the folder is there, and read-only for the service" found 1
check "for that reason" grep -qx 'FAIL  destination file:///srv/nix-cache: .*Read-only file system.*\|FAIL  .*: the service cannot write to /srv/nix-cache' "$machine/found"
cat "$machine/found"
dropin service '[Service]' 'ReadWritePaths=/srv/nix-cache' 'UMask=0022'
root systemctl restart $name.service
check "with it the check passes, and its test upload" found 0 --upload
cat "$machine/found"
until_ok 60 "and the paths arrive, signed, for everybody to read" in_folder
