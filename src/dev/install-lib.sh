# shellcheck shell=sh
# What install.sh and uninstall.sh share. Read in with `. "$here/install-lib.sh"`; expects name, prefix and destdir.
#
# The manifest, in PREFIX/lib/nix-post-build-hook-queue, is what tells the project's files from everybody else's: one
# path a line, without DESTDIR. Nothing that is not in it is overwritten or removed.

# shellcheck disable=SC2154 # name, prefix, destdir: set by whoever reads this in
tree=$prefix/lib/$name
hook=$prefix/bin/post-build-hook

# Where Nix' own installers put it; root's PATH often lacks it.
PATH=$PATH:/nix/var/nix/profiles/default/bin

# manifest: every path that an install to PREFIX has put there. One that died in the middle has left the tree aside.
manifest() {
    cat "$destdir$tree/manifest" "$destdir$tree.old/manifest" "$destdir$tree.new/manifest" 2>/dev/null | sort -u
}

# take_away FILE: and its directory, if that is of the project alone and empty.
take_away() {
    rm -f "$destdir$1"
    case ${1%/*} in */"$name" | */"$name".*.d) rmdir "$destdir${1%/*}" 2>/dev/null || true ;; esac
}

# Of several units of a name systemd takes that of the first of these.
unit_places='/etc /run /usr/local/lib /usr/lib /lib'

# others_unit: prints the first unit of the service that does not run PREFIX's program; 1 when there is none.
others_unit() {
    for place in $unit_places; do
        unit=$destdir$place/systemd/system/$name.service
        [ -f "$unit" ] || continue
        case $(grep '^ExecStart=' "$unit") in
        *[!A-Za-z0-9/._+]"$prefix/bin/$name "*) ;;
        *) printf '%s\n' "$unit"; return 0 ;;
        esac
    done
    return 1
}

# any_unit: prints a unit of the queue, whatever it runs; 1 when there is none.
any_unit() {
    for place in $unit_places; do
        for unit in "$destdir$place/systemd/system/$name".service "$destdir$place/systemd/system/$name".socket; do
            [ ! -f "$unit" ] || { printf '%s\n' "$unit"; return 0; }
        done
    done
    return 1
}

# nix_says: the settings as Nix reads them, where it is there: files may include others, from anywhere. The first form
# is of 2.20 and newer.
nix_says() {
    command -v nix >/dev/null || return 0
    for words in 'config show' show-config; do
        # shellcheck disable=SC2086 # words
        timeout 10 nix --extra-experimental-features nix-command $words 2>/dev/null </dev/null && return 0
    done
    return 0
}

# who_names_the_hook: prints a file of /etc/nix, or the command that says it, that names PREFIX's hook; 1 when none
# does. Some installers of Nix have the administrator's settings in a file of their own.
who_names_the_hook() {
    pattern="^[[:blank:]]*post-build-hook[[:blank:]]*=[[:blank:]]*$(printf '%s\n' "$hook" | sed 's/[.+]/\\&/g')([[:blank:]]|\$)"
    grep -Els "$pattern" /etc/nix/*.conf | head -n 1 | grep . && return 0
    nix_says | grep -Eq "$pattern" && echo "nix config show"
}

# nix_conf: where the administrator's settings belong. Determinate Nix writes nix.conf anew, and reads the other.
nix_conf() {
    if [ -e /etc/nix/nix.custom.conf ]; then echo /etc/nix/nix.custom.conf; else echo /etc/nix/nix.conf; fi
}
