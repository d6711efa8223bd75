#!/bin/sh
# nix-post-build-hook-queue serve: the Java that it chooses, and the options.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"

# with_tree: an install tree of empty files.
with_tree() {
    tree=$case_dir/tree
    lib=$tree/lib/nix-post-build-hook-queue
    mkdir -p "$tree/bin" "$lib/native"
    for file in a.jar b.jar jvm.options native/libsqlitejdbc.so; do : >"$lib/$file"; done
    script_under_test nix-post-build-hook-queue "$tree/bin/nix-post-build-hook-queue"
    # The machine's own JDKs stay out of it.
    sed "s|/usr/lib/jvm|$case_dir/jvm|g" "$source_of_scripts/start-worker.sh" >"$lib/start-worker.sh"
}
# jdk HOME VERSION: a fake JDK that prints its home, its directory, the old directory and its arguments.
jdk() {
    mkdir -p "$1/bin"
    printf 'IMPLEMENTOR="x"\nJAVA_VERSION="%s"\nOS_NAME="Linux"\n' "$2" >"$1/release"
    cat >"$1/bin/java" <<END
#!/bin/sh
echo "$1"
pwd -P
tr '\\0' '\\n' </proc/\$\$/environ | grep '^PWD='
# bash passes a script's whole name, but not a program's.
printf '%s\n' "\${0#"$lib"/}" "\$@"
echo "key=\${NPBHQ_SIGNING_PRIVATE_KEY_PATH-}"
END
    chmod +x "$1/bin/java"
}
# serve [NAME=VALUE…]: runs the launcher with only these variables in the environment.
serve() {
    status=0
    env -i PATH=/usr/bin:/bin "$@" "$tree/bin/nix-post-build-hook-queue" serve >"$case_dir/out" 2>"$case_dir/err" || status=$?
}
takes() { equal "$status:$(head -n 1 "$case_dir/out")" "0:$1"; }

test_that "it starts java in its folder with the options, and the worker knows the old directory"
with_tree
jdk "$lib/runtime" 25.0.3
serve
must takes "$lib/runtime"
must equal "$(sed 1d "$case_dir/out")" "$lib
PWD=$work
runtime/bin/java
@jvm.options
hookqueue.Main
serve
key="

test_that "with a start-up archive all arguments are in a file, unless there are more options"
with_tree
jdk "$lib/runtime" 25
: >"$lib/startup-0123.aot"
: >"$lib/worker"
serve
must equal "$(sed 1,3d "$case_dir/out")" "runtime/bin/java
@worker
serve
key="
serve NPBHQ_JAVA_OPTIONS='-Da=1 -Db=2'
must equal "$(sed 1,3d "$case_dir/out")" "runtime/bin/java
@jvm.options
-XX:AOTCache=startup-0123.aot
-Da=1
-Db=2
hookqueue.Main
serve
key="
rm "$lib/worker"
serve
must has "$case_dir/out" @jvm.options
must has "$case_dir/out" -XX:AOTCache=startup-0123.aot

test_that "after an update of Java the worker makes a new archive, and the next worker uses it"
with_tree
jdk "$lib/runtime" 25.0.3
: >"$lib/startup-0123.aot"
echo 'IMPLEMENTOR="x"JAVA_VERSION="25.0.3"' >"$lib/startup-0123.java"
cache=$case_dir/cache
mkdir "$cache"
: >"$cache/startup-old.aot"
serve CACHE_DIRECTORY="$cache:/other"
must has "$case_dir/out" -XX:AOTCache=startup-0123.aot
must equal "$(cat "$case_dir/err")" ''
jdk "$lib/runtime" 25.0.4
serve CACHE_DIRECTORY="$cache:/other"
must has "$case_dir/out" "-XX:AOTCacheOutput=$cache/startup-0123.aot.new"
must not has_part "$case_dir/out" "-XX:AOTCache="
must equal "$(cat "$case_dir/err")" "nix-post-build-hook-queue: Java was updated; this worker makes a new start-up archive as it ends: $cache/startup-0123.aot"
must not [ -e "$cache/startup-old.aot" ]
# The worker was killed before it had made an archive: no retry, and no message.
serve CACHE_DIRECTORY="$cache"
must not has_part "$case_dir/out" "-XX:AOTCache"
must equal "$(cat "$case_dir/err")" ''
: >"$cache/startup-0123.aot.new"
serve CACHE_DIRECTORY="$cache"
must has "$case_dir/out" "-XX:AOTCache=$cache/startup-0123.aot"
must not [ -e "$cache/startup-0123.aot.new" ]
serve CACHE_DIRECTORY="$cache"
must has "$case_dir/out" "-XX:AOTCache=$cache/startup-0123.aot"

test_that "without a place for a new archive, an archive for another Java is not used, nor one that the JVM refuses"
with_tree
jdk "$lib/runtime" 25.0.4
: >"$lib/startup-0123.aot"
echo another >"$lib/startup-0123.java"
serve
must equal "$status" 0
must not has_part "$case_dir/out" "-XX:AOTCache"
serve CACHE_DIRECTORY=/nonexistent
must equal "$status" 0
must not has_part "$case_dir/out" "-XX:AOTCache"
mkdir "$case_dir/cache"
serve CACHE_DIRECTORY="$case_dir/cache"
: >"$case_dir/cache/startup-0123.aot.new"
sed -i '2i case "$*" in *-version*) exit 1 ;; esac' "$lib/runtime/bin/java"
serve CACHE_DIRECTORY="$case_dir/cache"
must not has_part "$case_dir/out" "-XX:AOTCache"
must not [ -e "$case_dir/cache/startup-0123.aot.new" ]

test_that "it finds its tree through links, by a relative name, and in a folder with blanks"
with_tree
jdk "$lib/runtime" 25
ln -s tree/bin/nix-post-build-hook-queue "$case_dir/link"
out=$("$case_dir/link" serve | sed -n 2p)
must equal "$out" "$lib"
out=$(cd "$tree" && bin/nix-post-build-hook-queue serve | sed -n 2,3p)
must equal "$out" "$lib
PWD=$tree"
out=$(cd "$tree/bin" && ./nix-post-build-hook-queue serve | sed -n 2p)
must equal "$out" "$lib"
out=$(cd "$case_dir" && NPBHQ_JAVA=tree/lib/nix-post-build-hook-queue/runtime/bin/java "$case_dir/link" serve | sed -n 4p)
must equal "$out" runtime/bin/java
mv "$tree" "$case_dir/a tree"
out=$("$case_dir/a tree/bin/nix-post-build-hook-queue" serve | sed -n 2p)
must equal "$out" "$case_dir/a tree/lib/nix-post-build-hook-queue"

test_that "NPBHQ_JAVA comes first, then the tree's own, JAVA_HOME, the newest of the machine, and PATH"
with_tree
jdk "$case_dir/chosen" 25.0.1
jdk "$lib/runtime" 25
jdk "$case_dir/home" 26-ea
jdk "$case_dir/jvm/a-25" 25.0.1
jdk "$case_dir/jvm/b-27" 27
jdk "$case_dir/jvm/c-26" 26
jdk "$case_dir/jvm/d-9" 9.0.4
jdk "$case_dir/path" 25
all="JAVA_HOME=$case_dir/home PATH=$case_dir/path/bin:/usr/bin:/bin"
# shellcheck disable=SC2086 # words
{
    serve $all NPBHQ_JAVA="$case_dir/chosen/bin/java"
    must takes "$case_dir/chosen"
    serve $all
    must takes "$lib/runtime"
    rm -r "$lib/runtime"
    serve $all
    must takes "$case_dir/home"
    jdk "$case_dir/home" 17.0.2
    serve $all
    must takes "$case_dir/jvm/b-27"
    rm -r "$case_dir/jvm"
    mkdir "$case_dir/linked"
    ln -s "$case_dir/path/bin/java" "$case_dir/linked/java"
    serve PATH="$case_dir/linked:/usr/bin:/bin"
    must takes "$case_dir/path"
}

test_that "without a Java that is new enough it says where it searched, with status 69"
with_tree
jdk "$case_dir/jvm/old" 24.0.2
jdk "$case_dir/path" 1.8.0_392
serve PATH="$case_dir/path/bin:/usr/bin:/bin"
must equal "$status" 69
must equal "$(cat "$case_dir/err")" "nix-post-build-hook-queue: no java of version 25 or newer: set NPBHQ_JAVA, or install one (there is none in $lib/runtime, JAVA_HOME, $case_dir/jvm or PATH)"
must equal "$(cat "$case_dir/out")" ''

test_that "a wrong NPBHQ_JAVA is an error, not ignored"
with_tree
jdk "$lib/runtime" 25
jdk "$case_dir/old" 21
for java in "$case_dir/old/bin/java" /nonexistent "$case_dir"; do
    serve NPBHQ_JAVA="$java"
    must equal "$status" 69
    must equal "$(cat "$case_dir/err")" "nix-post-build-hook-queue: NPBHQ_JAVA is not a java of version 25 or newer: $java"
done

test_that "an incomplete tree is an error"
for missing in jvm.options start-worker.sh; do
    with_tree
    rm "$lib/$missing"
    serve
    must equal "$status" 69
    must has_part "$case_dir/err" "not installed completely: there is no $lib/$missing"
done

test_that "the credential is the signing key unless another is set"
with_tree
jdk "$lib/runtime" 25
mkdir "$case_dir/credentials"
serve CREDENTIALS_DIRECTORY="$case_dir/credentials"
must has "$case_dir/out" key=
: >"$case_dir/credentials/nix-post-build-hook-queue.signing-key"
serve CREDENTIALS_DIRECTORY="$case_dir/credentials"
must has "$case_dir/out" "key=$case_dir/credentials/nix-post-build-hook-queue.signing-key"
serve CREDENTIALS_DIRECTORY="$case_dir/credentials" NPBHQ_SIGNING_PRIVATE_KEY_PATH=/other
must has "$case_dir/out" key=/other

test_that "it starts no other process before java"
if strace -o /dev/null true 2>/dev/null; then
    with_tree
    jdk "$lib/runtime" 25
    env -i PATH=/usr/bin:/bin strace -f -qq -z -e trace=execve,clone,clone3,fork,vfork -o "$case_dir/trace" \
        "$tree/bin/nix-post-build-hook-queue" serve >"$case_dir/out" 2>"$case_dir/err"
    # Until java (here a script) is started: the launcher itself, then java, without a fork.
    sed '/runtime\/bin\/java/q' "$case_dir/trace" >"$case_dir/before"
    must equal "$(wc -l <"$case_dir/before")" 2
    must not grep -q 'fork\|clone' "$case_dir/before"
else
    echo "      left out: no strace, or none that may"
fi

finish
