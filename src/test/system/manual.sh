#!/bin/sh
# The manual pages have no errors and are complete
#
# Needs no machine.

# shellcheck source=src/test/system/scenario.sh
. "$NPBHQ_TEST_DIR/scenario.sh"

man=$NPBHQ_TEST_SOURCE/src/main/man
java=$NPBHQ_TEST_SOURCE/src/main/java/hookqueue
evidence() { :; }

# Whether a page that is referred to is installed depends on the machine.
lint() { ! mandoc -T lint "$1" | grep -v 'referenced manual not found'; }
# mentioned PAGE WORD…: each in the page as it is read.
mentioned() {
    # Bold is a letter, a backspace and the letter again.
    mandoc -T ascii "$1" 2>/dev/null | sed "s/.$(printf '\b')//g" >"$machine/page"
    shift
    [ $# -gt 0 ] || return 1
    missing=0
    for word; do grep -qw -e "$word" "$machine/page" || { echo "missing: $word"; missing=1; }; done
    return $missing
}
# The quoted names of the settings, without their prefix, as the worker reads them; not those that only programs set.
settings_of_worker() {
    tr '\n' ' ' <"$java/SettingsReader.java" | grep -oE '\<(or|orNull|rule)\( *"[A-Z_]+[A-Z]"' | sed 's/.*"\(.*\)"/NPBHQ_\1/'
    grep -o 'NPBHQ_[A-Z_]*[A-Z]' "$java/SettingsReader.java" |
        grep -v -e NPBHQ_CHILD -e NPBHQ_SETTINGS_FILES
}

for page in "$man"/*.[18]; do check "${page##*/} passes mandoc's lint" lint "$page"; done
# shellcheck disable=SC2046 # words
check "every setting is in section 8" mentioned "$man/nix-post-build-hook-queue.8" $(settings_of_worker)
# shellcheck disable=SC2046 # words
check "every exit status is in section 8" mentioned "$man/nix-post-build-hook-queue.8" \
    $(sed -n 's/^ *[A-Z_]*(\([0-9]*\))[,;].*/\1/p' "$java/Exit.java")
# shellcheck disable=SC2046 # words
check "every word is in section 1" mentioned "$man/nix-post-build-hook-queue.1" \
    backfill serve $(sed 's/^ *//; s/ .*//' "$NPBHQ_TEST_SOURCE/src/main/resources/hookqueue/protocol/help.txt")
