#!/bin/sh
# The protocol's words: hookqueue.protocol.Help is the one list. The client's usage and the completions must have its
# words and its texts, and the manual page and docs/protocol.md its words.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"

main=$here/../../main
list=$main/java/hookqueue/protocol/Help.java

# "status [json]|lanes, running copies …", a line for each entry.
tr -s '\n ' ' ' <"$list" | grep -oE 'new Entry\( ?"[^"]*", ?"[^"]*"' | sed 's/^new Entry( *"//; s/", *"/|/; s/"$//' >entries
sed 's/[ |].*//' entries | grep -v '^PATH$' | sort -u >words
"$source_of_scripts/nix-post-build-hook-queue" --help | sed -n 's/^  \([^ -].*[^ ]\)   *\([^ ].*\)$/\1|\2/p' >usage
printf '%s\n' backfill serve | sort >of-the-client

test_that "there is a list to compare with"
must at_least "$(wc -l <words)" 14
must has entries 'status [json]|lanes, running copies, problems and what to do'

test_that "the client's usage says what the worker's help says, and has two words of its own"
must equal "$(grep -vE '^(backfill|serve)' usage)" "$(cat entries)"
must equal "$(grep -cE '^(backfill|serve)' usage)" 2

test_that "the client knows every word"
must equal "$(sed -n "s/^words='PATH \(.*\)'$/\1/p" "$source_of_scripts/nix-post-build-hook-queue" | tr ' ' '\n' | sort)" \
    "$(sort words of-the-client)"

test_that "zsh and fish describe each word as the help does, with the first form of those that have two"
grep -v '^PATH' entries | sed 's/^\([a-z]*\).*|/\1|/' | awk -F '|' '!seen[$1]++' | sort >described
for file in _nix-post-build-hook-queue nix-post-build-hook-queue.fish; do
    sed -n "s/^        '\([a-z]*\)[:\/]\([^']*\)'.*/\1|\2/p" "$main/completions/$file" |
        grep -vE '^(backfill|serve)' | sort >said
    must equal "$(cat said)" "$(cat described)"
done

test_that "the manual page and docs/protocol.md have every word"
grep -oE '^\.It Cm [a-z]+' "$main/man/nix-post-build-hook-queue.1" | sed 's/.* //' | sort -u >in-manual
must equal "$(cat in-manual)" "$(sort words of-the-client)"
while IFS= read -r word; do
    must grep -qE "^\|.*\`${word}[ \`]" "$here/../../../docs/protocol.md"
done <words

finish
