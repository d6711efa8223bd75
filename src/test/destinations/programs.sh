#!/bin/sh
# programs.sh DIR ROOT: puts nix, nix-store and nix-daemon into DIR. They run the programs of the Debian root ROOT on this
# machine, with the root's loader and libraries but this machine's ssh and files. They cannot build, because Nix executes
# itself for that.
set -eu

for loader in "$2"/lib64/ld-linux-*.so.* "$2"/lib/ld-linux-*.so.*; do
    [ ! -e "$loader" ] || break
done
libraries=$(echo "$2"/usr/lib/*-linux-gnu)
for program in nix nix-store nix-daemon; do
    cat >"$1/$program" <<END
#!/bin/sh
exec $loader --argv0 $program --library-path $libraries $2/usr/bin/nix "\$@"
END
    chmod +x "$1/$program"
done
