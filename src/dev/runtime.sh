#!/bin/sh
# runtime.sh TREE: adds a Java runtime to a tree from assemble.sh, for machines without Java 25. It makes the runtime from
# the JDK in JAVA_HOME, with only the modules that the worker needs. The launcher prefers this runtime. Run archive.sh
# after it, with this runtime as JAVA_HOME. The runtime is reproducible, byte for byte, from the same JDK.
set -eu

lib=$1/lib/nix-post-build-hook-queue

# java.sql requires java.logging and java.xml, for junixsocket and logback; nixos/package.nix has the same modules.
# zip-0, because the release is compressed as a whole: with compressed modules it has 23 MB instead of 14 MB.
rm -rf "$lib/runtime"
"${JAVA_HOME:?}/bin/jlink" --add-modules java.base,java.sql --strip-java-debug-attributes --no-header-files \
    --no-man-pages --compress zip-0 --output "$lib/runtime"
# The tree's start-up archive replaces the JDK's class archive.
rm -f "$lib"/runtime/lib/server/classes*.jsa
# Strip symbols, a quarter of the JVM's size, if binutils is installed.
! command -v strip >/dev/null ||
    find "$lib/runtime" \( -name '*.so' -o -path '*/bin/*' -o -name jspawnhelper -o -name jexec \) -type f \
        -exec strip --strip-unneeded {} +
