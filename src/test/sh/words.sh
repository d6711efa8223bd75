#!/bin/sh
# The protocol's words: help.txt is the one list. The manual page and docs/protocol.md must have them.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"

main=$here/../../main
sed 's/^ *//; s/ .*//' "$source_of_help" | grep -v '^PATH$' | sort -u >words

test_that "the list has every word, in the form that the client's usage needs"
must at_least "$(wc -l <words)" 14
must not grep -vE '^  ([a-z]+|PATH)( [^ ]+)*  +[^ ]+( [^ ]+)*$' "$source_of_help"
must not grep -n '["$`\\]' "$source_of_help"

test_that "the manual page and docs/protocol.md have every word"
grep -oE '^\.It Cm [a-z]+' "$main/man/nix-post-build-hook-queue.1" | sed 's/.* //' | sort -u >in-manual
must equal "$(cat in-manual)" "$(printf '%s\n' backfill serve | sort - words)"
while IFS= read -r word; do
    must grep -qE "^\|.*\`${word}[ \`]" "$here/../../../docs/protocol.md"
done <words

finish
