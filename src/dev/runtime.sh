#!/bin/sh
# runtime.sh TREE: puts a Java runtime into a tree that assemble.sh has put together, cut down to what the worker needs,
# for machines that have no Java 25. Made of the JDK in JAVA_HOME. The launcher takes it before any other; archive.sh
# comes after it, with this runtime as JAVA_HOME. The same JDK gives the same runtime, byte for byte.
set -eu

lib=$1/lib/nix-post-build-hook-queue

# java.sql brings java.logging and java.xml, for junixsocket and logback; nixos/package.nix has the same modules.
# Not compressed: a release is, and what is compressed already does not become smaller: 23 MB instead of 14.
rm -rf "$lib/runtime"
"${JAVA_HOME:?}/bin/jlink" --add-modules java.base,java.sql --strip-java-debug-attributes --no-header-files \
    --no-man-pages --compress zip-0 --output "$lib/runtime"
# The JDK's own archive of classes, if there is one, is of no use beside the tree's.
rm -f "$lib"/runtime/lib/server/classes*.jsa
# Symbols, a quarter of the JVM, where binutils is there.
! command -v strip >/dev/null ||
    find "$lib/runtime" \( -name '*.so' -o -path '*/bin/*' -o -name jspawnhelper -o -name jexec \) -type f \
        -exec strip --strip-unneeded {} +
