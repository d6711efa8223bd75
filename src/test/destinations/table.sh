#!/bin/sh
# table.sh EXPECTED OUTCOMES…: the table of docs/destinations.md, from what machine.sh has written for each version of Nix:
# a first line with the version, then CASE and "works" or the text of the refusal.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source=src/test/destinations/cases.sh
. "$here/cases.sh"
expected=$1
shift

versions=$(for file; do sed 1q "$file"; done | sort -V)
printf '| destination |'
for version in $versions; do printf ' Nix %s |' "$version"; done
printf '\n| --- |'
for version in $versions; do printf ' --- |'; done
echo
# shellcheck disable=SC2013 # words
for case in $(sed -n 's/^\([a-z][a-z0-9-]*\) .*/\1/p' "$expected" | awk '!seen[$0]++'); do
    printf '| %s |' "$(words "$case")"
    for version in $versions; do
        for file; do
            [ "$(sed 1q "$file")" = "$version" ] || continue
            printf ' %s |' "$(sed -n "s/^$case //p" "$file" | sed 's/|/\\|/g')"
        done
    done
    echo
done
