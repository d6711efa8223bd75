# shellcheck shell=sh
# The stage "vm" of run: the script of the VM test on two booted Debian roots. The builder has the module's rendered
# units, the cache a store behind sshd; both share a private network. Stand-ins replace the parts that only NixOS has:
# switch-to-configuration, the specialisations, nix.sshServe.

: "${work:?a scratch folder}" "${tree:?a copy of the project}"

# cannot WHAT: reports a skipped test with the reason in $work/cannot; with CI=true it is a failure.
cannot() {
    if [ "${CI-}" = true ]; then
        report 1 "$1" "$work/cannot"
    else
        echo "NOT TRIED: $1: $(tail -n 1 "$work/cannot")"
    fi
}

# A tmpfs and a network for machines; 1 with the reason in $work/cannot.
vms_begin() {
    {
        [ "$(id -u)" = 0 ] || { echo "it needs root"; return 1; }
        [ -e /etc/debian_version ] || { echo "it needs Debian"; return 1; }
        need_apt mmdebstrap systemd-container util-linux procps iproute2 || { echo "packages are missing"; return 1; }
        NPBHQ_TEST_SOURCE=$ROOT
        NPBHQ_TEST_JDK=$(find_jdk) || return 1
        network=npbhq-vm-$$
        NPBHQ_TEST_NETWORK=--network-namespace-path=/run/netns/$network
        export NPBHQ_TEST_SOURCE NPBHQ_TEST_JDK NPBHQ_TEST_NETWORK
        debian=$(sh "$tree/src/test/system/root.sh" /var/cache/nix-post-build-hook-queue-test) || {
            echo "the Debian root cannot be made"
            return 1
        }
        vms=$(mktemp -d /var/tmp/npbhq-vm.XXXXXX)
        if ! { mount -t tmpfs -o mode=755 tmpfs "$vms" && ip netns add "$network" && ip -n "$network" link set lo up; }; then
            echo "no tmpfs or network namespace can be made"
            return 1
        fi
        # shellcheck source=src/test/system/machine.sh
        . "$tree/src/test/system/machine.sh"
    } >"$work/cannot" 2>&1
}

stage_vm() {
    dist_is_fresh || "$ROOT/dev" build
    if vms_begin; then
        vm_run >"$work/log" 2>&1
        report $? "the script of the VM test runs to its end on two booted Debian roots" "$work/log"
        # Each subtest.
        grep -a '^ *ok: ' "$work/log" | sed 's/^/    /'
    else
        cannot "the script of the VM test on booted Debian roots"
    fi
    vm_end
}

vm_run() {
    vm_render base "$vms/base" && vm_render other "$vms/other" || return 1
    for name in builder cache; do
        machine=$vms/$name
        machine_mount "$debian"
        printf '127.0.0.1 localhost builder cache\n' >"$machine/root/etc/hosts"
        printf '%s\n' 'sandbox = false' 'substituters =' >"$machine/root/etc/nix/nix.conf"
        "vm_$name" "$machine/root"
    done
    python3 "$tree/nixos/tests/driver.py" "$tree/nixos/tests/vm.py" "$vms" builder cache
}

# vm_render base|other DIR: a configuration of the builder's in vm.nix.
vm_render() {
    case $1 in
        base) more= ;;
        other) more='// builder.specialisation.other.configuration.services.nix-post-build-hook-queue' ;;
    esac
    "$tree/nixos/tests/render" "$2" /usr/local "(
        let
          lib = import $tree/nixos/tests/stand-in/lib.nix;
          pkgs = import $tree/nixos/tests/stand-in/pkgs.nix { inherit lib; system = builtins.currentSystem; };
          builder = (import $tree/nixos/tests/vm.nix { module = { }; }).nodes.builder { inherit pkgs; };
        in
        builder.services.nix-post-build-hook-queue $more)"
}

# vm_configuration DIR RENDERED
vm_configuration() {
    install -D -m 755 "$tree/nixos/tests/switch-to-configuration" "$1/bin/switch-to-configuration"
    mkdir -p "$1/units"
    cp "$2"/*.socket "$2"/*.service "$1/units/"
    { printf '%s\n' 'sandbox = false' 'substituters =' 'experimental-features = nix-command'; cat "$2/nix.conf"; } >"$1/units/nix.conf"
}

vm_builder() {
    unit=nix-post-build-hook-queue
    cp -a "$ROOT/target/dist/." "$1/usr/local/"
    # The module's units are the only ones.
    rm -r "$1/usr/local/lib/systemd" "$1/usr/local/lib/tmpfiles.d"
    install -m 644 "$tree/nixos/switch.sh" "$1/usr/local/lib/$unit/"
    chroot "$1" useradd -r -G nix-users -d /var/lib/$unit $unit
    chroot "$1" systemctl -q disable ssh.service
    cp "$vms/base/tmpfiles.conf" "$1/etc/tmpfiles.d/$unit.conf"
    # /run is empty at every boot.
    echo 'L+ /run/current-system - - - - /srv/system' >>"$1/etc/tmpfiles.d/$unit.conf"
    vm_configuration "$1/srv/system" "$vms/base"
    vm_configuration "$1/srv/system/specialisation/other" "$vms/other"
    # The units of the original, as vm.nix has them.
    mkdir "$vms/original"
    printf '[Socket]\nListenDatagram=/run/%s.sock\n[Install]\nWantedBy=sockets.target\n' $unit >"$vms/original/$unit.socket"
    printf "[Service]\nExecStart=/bin/sh -c 'exec cat <&3 >/dev/null'\nDynamicUser=yes\n" >"$vms/original/$unit.service"
    : >"$vms/original/nix.conf"
    vm_configuration "$1/srv/system/specialisation/original" "$vms/original"
    # Booted into.
    cp "$1/srv/system/units/"*.socket "$1/srv/system/units/"*.service "$1/etc/systemd/system/"
    cp "$1/srv/system/units/nix.conf" "$1/etc/nix/"
    chroot "$1" systemctl -q enable $unit.socket $unit.service $unit-switch.service
}

# Like nix.sshServe of NixOS.
vm_cache() {
    chroot "$1" useradd -r -G nix-users -d /var/empty -s /bin/sh nix-ssh
    echo 'trusted-users = root nix-ssh' >>"$1/etc/nix/nix.conf"
    cat >"$1/etc/ssh/sshd_config.d/test.conf" <<END
AuthorizedKeysFile /var/authorized/%u
Match User nix-ssh
    ForceCommand nix-store --serve --write
END
}

# Also when run is interrupted.
vm_end() {
    [ -n "${vms-}" ] || return 0
    for machine in "$vms"/*; do
        [ ! -e "$machine/pid" ] || sh "$tree/nixos/tests/vm-machine" cut "$vms" "${machine##*/}"
        [ ! -d "$machine/root" ] || umount -R "$machine/root" 2>/dev/null
    done
    ip netns delete "$network" 2>/dev/null
    umount "$vms" 2>/dev/null
    rmdir "$vms" 2>/dev/null
    vms=
}
