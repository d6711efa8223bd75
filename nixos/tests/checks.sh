# shellcheck shell=sh
# Checks that evaluate a copy of the project (cd into it first) with the Nix in PATH. A failed check prints the reason and
# returns 1. Reads $work, a scratch folder.

# shellcheck disable=SC2016 # ${…} in what Nix evaluates is for Nix

: "${work:?a scratch folder}"
units=nix-post-build-hook-queue

# Every expression, undefined variables included.
check_parse() {
    for file in flake.nix nixos/*.nix nixos/tests/*.nix nixos/tests/stand-in/*.nix; do
        nix-instantiate --parse "$file" >/dev/null || return 1
    done
}

# The flake itself, with the stand-in for nixpkgs.
in_flake() {
    verb=$1
    shift
    nix flake "$verb" --no-write-lock-file --override-input nixpkgs "path:$PWD/nixos/tests/stand-in" "$@" "path:$PWD"
}

check_flake() {
    in_flake check --no-build >"$work/flake" 2>&1 || { cat "$work/flake"; return 1; }
    in_flake show --json 2>/dev/null >"$work/flake" || return 1
    for output in packages overlays nixosModules checks devShells formatter apps; do
        grep -q "\"$output\"" "$work/flake" || { echo "the flake has no $output"; return 1; }
    done
    for output in default demo package startupArchive vm; do
        grep -q "\"$output\":" "$work/flake" || { echo "the flake has no $output"; return 1; }
    done
}

# The usage that the Rust original documents: a flake with `follows` for inputs, one of which does not exist here.
check_usage() {
    mkdir -p "$work/usage"
    sed "s,@FLAKE@,$PWD,g" nixos/tests/usage.nix >"$work/usage/flake.nix"
    nix eval --no-write-lock-file --raw "path:$work/usage#units" >"$work/usage/units" 2>"$work/usage/log" || {
        cat "$work/usage/log"
        return 1
    }
    grep -q '^ExecStart=.*/bin/nix-post-build-hook-queue serve$' "$work/usage/units"
}

# The package's description, and its options'.
check_words() {
    nix eval --impure --raw --expr '
        let
          e = import ./nixos/tests/evaluate.nix { user.uploadTo = "file:///srv/cache"; };
          meta = (builtins.head e.packages).meta;
          without = names: set: builtins.filter (n: !(set ? ${n}) || set.${n} == [ ] || set.${n} == "") names;
          missing = without [ "description" "longDescription" "homepage" "changelog" "license" "mainProgram" "platforms" "sourceProvenance" ] meta;
          # mkPackageOption generates an example.
          options = removeAttrs e.options [ "package" ];
          mute = builtins.filter (n: options.${n} != [ ]) (builtins.attrNames options);
        in
        builtins.concatStringsSep "" (map (m: "the package has no meta.${m}\n") missing ++ map (o: "the option ${o} has no ${toString options.${o}}\n") mute)' \
        >"$work/words" || return 1
    cat "$work/words"
    [ ! -s "$work/words" ]
}

configurations() {
    nix eval --impure --raw --expr \
        'builtins.concatStringsSep "\n" (builtins.attrNames (import ./nixos/tests/configurations.nix))'
}

# Leaves $work/rendered/NAME for the checks below.
check_configurations() {
    rm -rf "$work/rendered"
    for name in $(configurations); do
        nixos/tests/render "$work/rendered/$name" /usr/local "$name" || return 1
    done
}

check_expected() {
    status=0
    while read -r name file line; do
        not=
        if [ "$file" = no ]; then
            not=no
            read -r file line <<END
$line
END
        fi
        case $name in '#' | '') continue ;; esac
        case $file in service | socket) file=$units.$file ;; switch) file=$units-switch.service ;; esac
        pattern="^$line"
        if [ -z "$not" ]; then
            grep -q "$pattern\$" "$work/rendered/$name/$file" || { echo "$name: $file lacks $line"; status=1; }
        elif grep "$pattern" "$work/rendered/$name/$file"; then
            echo "$name: $file must not have $line"
            status=1
        fi
    done <nixos/tests/expected
    return "$status"
}

# Against systemd/, with both keys and a destination over the network.
check_drift() {
    ours=$work/rendered/original
    nixos/tests/compare-units systemd/$units.service "$ours/$units.service" &&
        nixos/tests/compare-units systemd/$units.socket "$ours/$units.socket" || return 1
    for unit in "$units-verify.service" "$units-verify.timer"; do
        nixos/tests/compare-units "systemd/$unit" "$work/rendered/everything/$unit" &&
            [ ! -e "$ours/$unit" ] || return 1
    done
    grep -v '^#' systemd/tmpfiles.d/$units.conf | tr -s ' ' | sort >"$work/tmpfiles"
    sed "/^\$/d; s/'//g; s/ *\$//" "$ours/tmpfiles.conf" | sort | diff -u "$work/tmpfiles" -
}

# Every setting of the worker is an option.
check_settings() {
    {
        tr '\n' ' ' <src/main/java/hookqueue/SettingsReader.java |
            grep -oE '\<(or|orNull|rule)\( *"[A-Z_]+[A-Z]"' | sed 's/.*"\(.*\)"/NPBHQ_\1/'
        echo NPBHQ_UPLOAD_TO
        echo NPBHQ_SOCKET
        echo NPBHQ_SETTINGS_FILES
    } | sort -u >"$work/settings"
    sed -n 's/^Environment="\(NPBHQ_[A-Z_]*\)=.*/\1/p' "$work/rendered/everything/$units.service" | sort -u |
        diff -u "$work/settings" -
}

# systemd-analyze verify. It exits with 0 despite unknown lines, so this checks its output: it may only name directives that
# an older systemd does not know, and programs that are not installed.
check_systemd() {
    for name in $(configurations); do
        dir=$work/rendered/$name
        (cd "$dir" && SYSTEMD_UNIT_PATH="$dir:" systemd-analyze verify "./$units.service" "./$units.socket" "./$units-switch.service" 2>&1) |
            grep -v -e "Unknown key '\(RestartMaxDelaySec\|RestartSteps\|PollLimitBurst\|PollLimitIntervalSec\)'" \
                -e 'Failed to parse boolean value, ignoring: strict' -e "Command 'man " -e 'is not executable' |
            grep -e "$units" >"$work/verify" || true
        if [ -s "$work/verify" ]; then
            cat "$work/verify"
            return 1
        fi
        # In tenths.
        systemd-analyze security --offline=true --threshold=15 "$dir/$units.service" >"$work/security" 2>&1 || {
            tail -n 1 "$work/security"
            return 1
        }
    done
}

# Each refusal has a message that names option and remedy.
check_refused() {
    nix eval --impure --raw --expr '
        let all = import ./nixos/tests/refused.nix;
        in builtins.concatStringsSep "" (map (n: "${n} ${all.${n}.says}\n") (builtins.attrNames all))' >"$work/refused" || return 1
    status=0
    refused=0
    while read -r name says; do
        case="(import ./nixos/tests/refused.nix).\"$name\""
        if nix-instantiate --eval --strict nixos/tests/evaluate.nix -A files --arg user "$case.user" \
            --arg machine "$case.machine or { }" >/dev/null 2>"$work/message"; then
            echo "$name: not refused"
            status=1
        elif ! tr '\n' ' ' <"$work/message" | grep -Eq "$says"; then
            echo "$name: the message does not say $says:"
            cat "$work/message"
            status=1
        fi
        refused=$((refused + 1))
    done <"$work/refused"
    [ "$refused" -ge 10 ] || { echo "only $refused configurations"; return 1; }
    return "$status"
}

# The checks of NixOS's driver before it runs a script: mypy and pyflakes, with the names that a script may use. And the
# builder's settings exist.
check_vm() {
    rm -rf "$work/script"
    mkdir "$work/script"
    cp nixos/tests/driver.py "$work/script/"
    {
        cat <<'END'
from collections.abc import Callable
from contextlib import AbstractContextManager
from driver import Machine
start_all: Callable[[], None]
subtest: Callable[[str], AbstractContextManager[None]]
builder: Machine
cache: Machine
END
        nix eval --impure --raw --expr '(import ./nixos/tests/vm.nix { module = { }; }).testScript'
    } >"$work/script/script.py" || return 1
    (
        cd "$work/script" || exit 1
        mypy --strict --cache-dir=/dev/null script.py driver.py >"$work/mypy" 2>&1 || { cat "$work/mypy"; exit 1; }
        PYFLAKES_BUILTINS=start_all,subtest,builder,cache pyflakes3 script.py driver.py
    ) &&
        nix eval --impure --raw --expr '
            let
              lib = import ./nixos/tests/stand-in/lib.nix;
              pkgs = import ./nixos/tests/stand-in/pkgs.nix { inherit lib; system = builtins.currentSystem; };
              builder = (import ./nixos/tests/vm.nix { module = { }; }).nodes.builder { inherit pkgs; };
              user = builder.services.nix-post-build-hook-queue;
              other = user // builder.specialisation.other.configuration.services.nix-post-build-hook-queue;
              text = user: unit: (import ./nixos/tests/evaluate.nix { inherit user; }).files.${unit};
              differs = unit: text user unit != text other unit;
            in
            # The second by its trigger.
            assert differs "nix-post-build-hook-queue.service" && differs "nix-post-build-hook-queue-switch.service";
            text user "nix-post-build-hook-queue.service"' >/dev/null
}

# The quick checks first: for a broken copy the first failure is enough.
# shellcheck disable=SC2034 # run uses it
CHECKS='parse configurations drift expected settings words flake usage refused'
