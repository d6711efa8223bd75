# shellcheck shell=sh
# Functions that install.sh, uninstall.sh and the maintainer scripts of the .deb share; release.sh copies this file into
# the maintainer scripts. Expects name, prefix, destdir and the function say. Sourcing it changes nothing.
#
# The manifest in PREFIX/lib/nix-post-build-hook-queue lists the project's files: one path a line, without DESTDIR. The
# scripts overwrite and remove only files in the manifest.

# shellcheck disable=SC2154 # name, prefix, destdir: set by the script that reads this in
tree=$prefix/lib/$name
hook=$prefix/bin/post-build-hook

# Nix's own installers use this folder; root's PATH often lacks it.
PATH=$PATH:/nix/var/nix/profiles/default/bin

# manifest: prints every path that an install to PREFIX wrote. An interrupted install leaves its tree at .old or .new.
manifest() {
    cat "$destdir$tree/manifest" "$destdir$tree.old/manifest" "$destdir$tree.new/manifest" 2>/dev/null | sort -u
}

# take_away FILE: removes the file, and its directory if that belongs to the project and is empty.
take_away() {
    rm -f "$destdir$1"
    case ${1%/*} in */"$name" | */"$name".*.d) rmdir "$destdir${1%/*}" 2>/dev/null || true ;; esac
}

# systemd's search order: the first unit file of a name wins.
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

# any_unit: prints a unit of the queue from any installation; 1 when there is none.
any_unit() {
    for place in $unit_places; do
        for unit in "$destdir$place/systemd/system/$name".service "$destdir$place/systemd/system/$name".socket; do
            [ ! -f "$unit" ] || { printf '%s\n' "$unit"; return 0; }
        done
    done
    return 1
}

# nix_says: prints the effective settings if Nix is installed: its files may include others. Nix 2.20 and newer have the
# first form of the command.
nix_says() {
    command -v nix >/dev/null || return 0
    for words in 'config show' show-config; do
        # shellcheck disable=SC2086 # words
        timeout 10 nix --extra-experimental-features nix-command $words 2>/dev/null </dev/null && return 0
    done
    return 0
}

# who_names_the_hook: prints the file in /etc/nix that names PREFIX's hook, or "nix config show"; 1 when none does. Some
# Nix installers keep the administrator's settings in a separate file.
who_names_the_hook() {
    pattern="^[[:blank:]]*post-build-hook[[:blank:]]*=[[:blank:]]*$(printf '%s\n' "$hook" | sed 's/[.+]/\\&/g')([[:blank:]]|\$)"
    grep -Els "$pattern" /etc/nix/*.conf | head -n 1 | grep . && return 0
    nix_says | grep -Eq "$pattern" && echo "nix config show"
}

# nix_conf: prints the file for the administrator's settings. Determinate Nix overwrites nix.conf but also reads the other.
nix_conf() {
    if [ -e /etc/nix/nix.custom.conf ]; then echo /etc/nix/nix.custom.conf; else echo /etc/nix/nix.conf; fi
}

# machine_dropins DIR: writes the service's machine-dependent drop-ins into DIR, and removes the previous ones.
machine_dropins() {
    rm -f "$1/10-nix-group.conf" "$1/10-credentials.conf"
    # Debian's nix-daemon admits only a group to its socket, and the worker needs the daemon.
    door=/nix/var/nix/daemon-socket
    case $(stat -c %a "$door" 2>/dev/null) in
    '' | *[1357]) ;;
    *)
        printf '# The Nix daemon of this machine admits only this group: %s\n[Service]\nSupplementaryGroups=%s\n' \
            "$door" "$(stat -c %G "$door")" >"$1/10-nix-group.conf"
        ;;
    esac
    # ImportCredential= is new in systemd 254.
    if [ "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -lt 254 ]; then
        printf '[Service]\nLoadCredential=%s.signing-key\nLoadCredential=%s.ssh-key\n' "$name" "$name" \
            >"$1/10-credentials.conf"
    fi
}

# make_settings: writes a settings file to fill in, unless there is one. Only root can read it: it may hold secrets.
make_settings() {
    settings=/etc/$name/environment
    [ ! -e "$settings" ] || return 0
    (umask 077 && cat >"$settings") <<END
# Settings of $name, see $name(8). At least one of:
#
#   where to: any Nix store URL, several separated by blanks
#NPBHQ_UPLOAD_TO=ssh://nix-ssh@cache.example.org
#
#   a signing key: put it into /etc/credstore/$name.signing-key (mode 0600), or
#NPBHQ_SIGNING_PRIVATE_KEY_PATH=/path/to/key
END
}

# is_configured: whether there are settings. Without them the worker would fail to start.
is_configured() {
    grep -Eqs '^[[:blank:]]*NPBHQ_(UPLOAD_TO|SIGNING_PRIVATE_KEY_PATH)=.' "/etc/$name/environment" ||
        [ -e "/etc/credstore/$name.signing-key" ] || [ -e "/etc/credstore.encrypted/$name.signing-key" ] ||
        systemctl cat "$name.service" 2>/dev/null | grep -Eq '^Environment=.*NPBHQ_(UPLOAD_TO|SIGNING)'
}

# nix_has PATTERN: whether a line of Nix's settings matches, in any file.
nix_has() { { cat /etc/nix/*.conf 2>/dev/null; nix_says; } | grep -E "^[[:blank:]]*$1" >/dev/null; }

# say_next_steps: prints the administrator's remaining steps before the first upload.
say_next_steps() {
    for program in nix socat; do
        command -v "$program" >/dev/null || say "next: install $program; it is not in PATH, and $name needs it"
    done
    is_configured || say "next: set the upload destination in /etc/$name/environment"
    conf=$(nix_conf)
    if named=$(who_names_the_hook); then
        say "$named already has the hook"
    else
        say "next: put this line into $conf, and restart nix-daemon:"
        say "    post-build-hook = $hook"
    fi
    if nix_has 'allowed-users[[:blank:]]*=' && ! nix_has "(extra-)?allowed-users[[:blank:]]*=.*([*]|$name)"; then
        say "next: the Nix daemon must admit the worker; add to $conf: extra-allowed-users = $name"
    fi
    # Since 2.17 the daemon accepts a signature from any user, if it trusts the key.
    version=$(nix --version 2>/dev/null | sed -n 's/^nix (Nix) \([0-9]*[.][0-9]*\).*/\1/p')
    if [ -n "$version" ] && [ "$(printf '%s\n' "$version" 2.17 | sort -V | head -n 1)" != 2.17 ] &&
        ! nix_has "(extra-)?trusted-users[[:blank:]]*=.*([*]|$name)"; then
        say "next, to sign: the daemon of Nix $version accepts signatures only from trusted users, and those have root's"
        say "    rights. Use Nix 2.17 or newer, or, if you accept that, add to $conf: extra-trusted-users = $name"
    fi
    is_configured || say "when that is done: systemctl restart $name; $name check"
}

# purge_queue: removes the queue, its settings and its user. It removes only files that the queue makes, by name, and never
# a key. It prints the files that it leaves.
purge_queue() {
    state=/var/lib/$name
    # The service's user may have put symlinks in here: find does not follow them.
    [ ! -d "$state" ] || find "$state" -xdev -depth \( -path "$state/queue.sqlite*" -o -path "$state/spool" \
        -o -path "$state/spool/*" -o -path "$state/cache" -o -path "$state/cache/*" -o -path "$state/.cache" \
        -o -path "$state/.cache/*" \) -delete || true
    rm -rf "/var/cache/$name" "/nix/var/nix/gcroots/$name"
    rm -f "/etc/$name/environment" "/etc/$name/known_hosts"
    # Old versions of Nix make these folders for every user.
    rmdir "$state" "/etc/$name" "/nix/var/nix/gcroots/per-user/$name" "/nix/var/nix/profiles/per-user/$name" 2>/dev/null || true
    if [ -e "$state" ] || [ -L "$state" ]; then
        # Do not free the user ID: the next user with this number would own these files.
        say "left, with its owner, the user $name: $state"
    else
        if getent passwd "$name" >/dev/null; then userdel "$name" 2>/dev/null || say "the user $name could not be removed"; fi
        if getent group "$name" >/dev/null; then groupdel "$name" 2>/dev/null || true; fi
    fi
    for place in "$state" "/etc/$name" "/etc/systemd/system/$name.service.d" "/etc/systemd/system/$name.socket.d" \
        /etc/credstore/"$name".* /etc/credstore.encrypted/"$name".*; do
        if [ -e "$place" ] || [ -L "$place" ]; then find "$place" ! -type d; fi
    done | LC_ALL=C tr '\000-\011\013-\037\177' '?' | sed 's/^/left, because it is yours: /'
    say "purged: the queue and its settings are gone"
}
