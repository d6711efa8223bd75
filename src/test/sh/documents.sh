#!/bin/sh
# The documents against the sources: every message at warning and above, every message of the hook and every metric is
# in docs/operating.md, every test that docs/reliability.md and docs/security.md name exists, and every relative link
# leads to a file.
. "$(dirname -- "$0")/lib.sh"

top=$(CDPATH='' cd -- "$here/../../.." && pwd -P)
operating=$top/docs/operating.md

# sources: all of the worker in one line.
sources() { find "$top/src/main/java" -name '*.java' -exec cat {} + | tr -s '\n\t ' '   '; }
# calls: each call that logs a warning or an error; messages: the texts of those that have one.
calls() { sources | grep -oE 'LOG\.(warn|error)\('; }
messages() { sources | grep -oE 'LOG\.(warn|error)\( *"[^"]*"' | sed 's/^[^"]*"//; s/"$//'; }

# named FILE: each line of standard input is in FILE, in backquotes.
named() {
    missing=0
    while IFS= read -r text; do
        grep -qF -e "\`$text\`" -- "$1" || { printf '      not in %s: %s\n' "$1" "$text"; missing=1; }
    done
    [ "$missing" = 0 ]
}

# The fixed parts, 6 characters at least, of what the hook says.
hook_parts() {
    {
        grep -E '(^|[^a-z])(say|sift|why=|hint=)' "$top/src/main/sh/post-build-hook" | grep -v '^ *#' | grep -oE '"[^"]*"'
        grep -F 'nix-post-build-hook-queue: ' -A 2 "$top/src/main/c/post-build-hook.c" | grep -oE '"[^"]*"'
    } | tr -d '"' | sed 's/\$[{a-zA-Z_][a-zA-Z_#}]*/\n/g; s/%[a-z.*]*\|\\n/\n/g; s/nix-post-build-hook-queue: //; s/; NOT/\n&/' |
        sed 's/^[ ()]*//; s/[ (]*$//' | grep -E '[a-z].{5}'
}

metrics() {
    sources | grep -oE '(byLane|gauge|head|one|histograms)\( ?(totals, )?"[a-z_]*"' | sed 's/^[^"]*"//; s/"$//' | sort -u
}

parts_named() {
    missing=0
    while IFS= read -r part; do
        grep -qF -e "$part" -- "$1" || { printf '      not in %s: %s\n' "$1" "$part"; missing=1; }
    done
    [ "$missing" = 0 ]
}

links_lead_somewhere() {
    broken=0
    for document in "$top"/*.md "$top"/docs/*.md; do
        grep -oE '\]\([^)# ]+' "$document" | sed 's/^](//' >links
        while IFS= read -r link; do
            case $link in
                *://* | mailto:*) ;;
                *) [ -e "${document%/*}/$link" ] || { printf '      %s: %s\n' "$document" "$link"; broken=1; } ;;
            esac
        done <links
    done
    [ "$broken" = 0 ]
}

# Each test that docs/reliability.md names, as `Class.method` or `sh/file.sh`.
# shellcheck disable=SC2016 # backquotes, as Markdown has them
promised() { grep -oE '`[A-Za-z]+(Test|IT)\.[A-Za-z]+`|`(sh|system)/[a-z0-9-]+\.sh`' "$1" | tr -d '`'; }
tests_exist() {
    missing=0
    while IFS= read -r test; do
        case $test in
            */*) [ -e "$top/src/test/$test" ] ;;
            *) find "$top/src/test/java" -name "${test%.*}.java" -exec grep -q -e " ${test#*.}(" {} \; -print | grep -q . ;;
        esac || { printf '      no such test: %s\n' "$test"; missing=1; }
    done
    [ "$missing" = 0 ]
}

# untested FILE: rows of its tables whose last column names no test.
untested() { awk -F '|' '/^\| / && $2 !~ /^ (threat|---) $/ && $4 !~ /`/' "$1" | grep .; }

# What of pom.xml is in the install tree, as rows of docs/dependencies.md begin; provided and test are not.
components() {
    awk '
        function text() { sub(/^[^>]*>/, ""); sub(/<.*/, ""); return $0 }
        /<[a-z0-9.-]+\.version>/ { name = $0; gsub(/^ *<|>.*/, "", name); version[name] = text() }
        /<dependencies>/ { inside = 1 }
        /<\/dependencies>/ { exit }
        /<exclusions>/, /<\/exclusions>/ { next }
        inside && /<groupId>/ { group = text() }
        inside && /<artifactId>/ { artifact = text() }
        inside && /<version>/ { name = text(); gsub(/[${}]/, "", name) }
        inside && /<scope>/ { scope = text() }
        inside && /<\/dependency>/ {
            if (scope == "" || scope == "runtime") printf "| `%s:%s` | %s |\n", group, artifact, version[name]
            scope = ""
        }' "$top/pom.xml" | sort
}
# shellcheck disable=SC2016 # backquotes
rows() { grep -oE '^\| `[^`]*:[^`]*` \| [^|]* \|' "$top/docs/dependencies.md" | sort; }

messages >logged
hook_parts >hook-says
metrics >measured

test_that "each call that logs a warning or an error begins with a text that can be looked up"
must equal "$(calls | wc -l)" "$(wc -l <logged)"

test_that "there are messages and metrics to compare, so that an empty list cannot pass"
must at_least "$(wc -l <logged)" 20
must at_least "$(wc -l <hook-says)" 16
must at_least "$(wc -l <measured)" 16

test_that "each message of the worker at warning and above is in docs/operating.md"
must named "$operating" <logged

test_that "each message of the hook is in docs/operating.md"
must parts_named "$operating" <hook-says

test_that "each metric is in docs/operating.md"
must named "$operating" <measured

test_that "a message that is not in docs/operating.md is found"
echo 'never said by anybody' >unknown
must not named "$operating" <unknown >/dev/null

promised "$top/docs/reliability.md" >relied
test_that "each test that docs/reliability.md names exists"
must at_least "$(wc -l <relied)" 30
must tests_exist <relied

promised "$top/docs/security.md" >defended
test_that "each test that docs/security.md names exists, and each threat has one"
must at_least "$(wc -l <defended)" 30
must tests_exist <defended
must not untested "$top/docs/security.md"

test_that "a test that does not exist is found"
echo 'QueueTest.neverWritten' >invented
must not tests_exist <invented >/dev/null

components >shipped
test_that "docs/dependencies.md has the dependencies of pom.xml, with their versions"
must at_least "$(wc -l <shipped)" 5
must equal "$(rows)" "$(cat shipped)"

test_that "each relative link of a Markdown file leads to a file"
must links_lead_somewhere

finish
