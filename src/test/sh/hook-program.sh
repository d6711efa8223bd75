#!/bin/sh
# The C program of post-build-hook: compiler warnings, fuzzed replies, and a missing script.
# shellcheck disable=SC2154 # hook-lib.sh sets them
NPBHQ_TEST_HOOK=c
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=src/test/sh/hook-lib.sh
. "$here/hook-lib.sh"

source=$here/../../main/c/post-build-hook.c
fuzz_source=$here/../c/fuzz-post-build-hook.c

test_that "the program has at most 200 lines, and the script at most 250"
must at_most "$(wc -l <"$source")" 200
must at_most "$(wc -l <"$source_of_scripts/post-build-hook")" 250

# clean COMPILER OPTION…: the compiler has no warning about the program.
clean() {
    "$@" -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wcast-qual -Werror -c -o "$case_dir/object" "$source" \
        2>"$case_dir/err"
}
for compiler in gcc clang; do
    if command -v "$compiler" >/dev/null; then
        test_that "$compiler and its analyzer have no warning"
        must clean "$compiler"
        case $compiler in
            gcc) must clean gcc -fanalyzer ;;
            clang) must clean clang --analyze -Xclang -analyzer-werror ;;
        esac
    else
        echo "      left out: there is no $compiler"
    fi
done

# fuzz SEED [SED-EXPRESSION]: 1000 rounds, of a program that was changed so.
fuzz() {
    sed "${2-}" "$source" >"$case_dir/post-build-hook.c"
    if [ $# -gt 1 ] && cmp -s "$source" "$case_dir/post-build-hook.c"; then
        echo "nothing changed by $2" >"$case_dir/err"
        return 2
    fi
    sed "s|\"../../main/c/|\"$case_dir/|" "$fuzz_source" >"$case_dir/fuzz.c"
    cc -std=gnu11 -g -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=all -o "$case_dir/fuzz" \
        "$case_dir/fuzz.c" 2>"$case_dir/err" || return 2
    (cd "$case_dir" && rm -f fuzz-socket && exec ./fuzz 1000 "$1") >"$case_dir/out" 2>"$case_dir/err"
}
# finds SED-EXPRESSION: and not because it cannot be compiled.
finds() {
    fuzz 1 "$1"
    equal "$?" 1
}

for seed in 1 2; do
    test_that "no reply, path or setting of $seed,000 makes it fail, or acknowledge what the worker has not"
    must fuzz "$seed"
done

test_that "the fuzzed replies and paths find a mistake in the program"
must finds "s/ && (length == 2 || last\[2\] == ' ')//"
must finds "s/end == NULL ? reply : end + 1/reply/"
must finds "s/reply\[i\] == '.0' ? '?' : reply\[i\]/reply[i]/"
must finds "s/\*paths != '\/' ||//"
must finds "s/    shutdown(fd, SHUT_WR);//"

# without_script: a program whose script is not there.
without_script() {
    with_state
    mkdir -p "$case_dir/bin"
    ln "$program" "$case_dir/bin/post-build-hook"
    hook=$case_dir/bin/post-build-hook
}
usual=$hook

test_that "without its script it says that nothing is queued, and the build continues"
without_script
run_hook
must gives_0
must says "the hook's script cannot be executed (No such file or directory); NOT queued. By hand: nix-post-build-hook-queue $(path 1)"

test_that "without its script, malformed paths reach neither terminal nor shell"
without_script
# shellcheck disable=SC2016 # so it comes
run_hook OUT_PATHS="$(path 1) $(printf '/\033[2J') /\$(touch\${IFS}x)"
must gives_0
must says "NOT queued: what Nix has just built"

test_that "without its script and without a build log, the build continues"
without_script
# shellcheck disable=SC2016 # for a shell of its own
run_hook sh -c 'exec "$0" 2>&-'
must gives_0
must is_silent

test_that "without its script it is silent when the queue acknowledges"
without_script
server queue <<END
$takes
END
run_hook
must gives_0
must is_silent
must requests_are "$(path 1)"
hook=$usual

test_that "the worker is asked only once, for any answer"
with_state
server queue <<'END'
cat >>requests
echo error not queued: disk full
END
run_hook
must says "not queued: disk full; left in the spool: $(path 1)"
must requests_are "$(path 1)"

test_that "the socket's name may contain a comma"
with_state
server queue <<END
$takes
END
ln -s queue "$case_dir/a,type=2"
socket="$case_dir/a,type=2"
run_hook
must gives_0
must is_silent
must requests_are "$(path 1)"

test_that "a socket's name that is too long for the kernel makes it spool"
with_state
socket=$case_dir/$(printf '%0120d' 0)
run_hook
must gives_0
must says "nobody listens at $socket; left in the spool: $(path 1)"

finish
