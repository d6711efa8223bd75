#!/bin/sh
# src/dev/lib.sh: how the set-up for ./dev finds a JDK.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"

# find_jdk_with LISTS JDK: on a machine with fresh, old or no package lists, from which apt can install a JDK ("can") or
# not; its calls of apt go to $case_dir/calls.
find_jdk_with() {
    lists=$1
    jdk=$2
    status=0
    (
        # shellcheck source=src/dev/lib.sh
        . "$here/../../dev/lib.sh"
        # shellcheck disable=SC2317 # lib.sh calls them
        {
            lists_are_fresh() { [ "$lists" = fresh ]; }
            has_package() { return 1; }
            found_jdk() { [ -e "$case_dir/jdk" ] && echo "$case_dir/jdk"; }
            apt_has() { [ "$lists" = fresh ] && [ "$jdk" = can ]; }
            id() { echo 0; }
            apt_get() {
                echo "$*" >>"$case_dir/calls"
                case $* in
                    update) lists=fresh ;;
                    *install*) mkdir "$case_dir/jdk" ;;
                esac
            }
        }
        find_jdk
    ) >"$case_dir/out" 2>"$case_dir/err" || status=$?
}
if command -v apt-get >/dev/null 2>&1; then

test_that "with no package lists, it fetches them before it looks for a JDK in them"
find_jdk_with none can
must equal "$status:$(cat "$case_dir/out")" "0:$case_dir/jdk"
must equal "$(head -n 1 "$case_dir/calls")" update

test_that "with fresh lists it fetches none"
find_jdk_with fresh can
must equal "$status:$(cat "$case_dir/out")" "0:$case_dir/jdk"
must equal "$(grep -c update "$case_dir/calls")" 0

test_that "where apt has no JDK it fails, and names a release, which needs none"
find_jdk_with none cannot
must equal "$status" 1
must has_part "$case_dir/err" 'install a release, which has its own Java'

fi
finish
