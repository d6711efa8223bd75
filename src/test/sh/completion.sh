#!/bin/sh
# Completions: the tests type keys into a real shell at a terminal and check the resulting command.
# shellcheck source=src/test/sh/lib.sh
. "$(dirname -- "$0")/lib.sh"

completions=$here/../../main/completions

# A fake command: has the client's usage, records other arguments, and offers a path, and a text that a shell might evaluate.
mkdir "$work/bin"
script_under_test nix-post-build-hook-queue "$work/client"
cat >"$work/bin/nix-post-build-hook-queue" <<END
#!/bin/sh
if [ "\$*" = list ]; then
    echo "$(path 1)  sign  queued"
    echo "$(path 1)  ssh://cache  failed: no"
    printf '%s\n' '/nix/\$(touch\${IFS}$work/evaluated)  sign  queued' '/nix/\`touch\${IFS}$work/evaluated\`  sign  queued'
    exit
fi
[ "\$*" != --help ] || exec "$work/client" --help
printf '%s\n' "\$*" >>"$work/called"
END
chmod +x "$work/bin/nix-post-build-hook-queue"
mkdir "$work/files"
: >"$work/files/some-file"

# in_bash KEYS: typed at its prompt, after the name of the command; sets called.
in_bash() {
    : >"$work/called"
    cat >"$work/bashrc" <<END
PATH=$work/bin:\$PATH
PS1=
PROMPT_COMMAND=': >$work/ready'
unset HISTFILE
bind 'set bell-style none' 'set enable-bracketed-paste off'
. "$completions/nix-post-build-hook-queue.bash"
END
    rm -f "$work/ready"
    {
        eventually [ -e "$work/ready" ]
        printf 'nix-post-build-hook-queue %b\n' "$1"
        eventually [ -s "$work/called" ]
        printf '\025\004' # what may be left of the line, and the end
    } | TERM=dumb timeout 10 socat - "EXEC:bash --rcfile $work/bashrc -i,pty,setsid,ctty,stderr" >"$case_dir/out" 2>&1
    called=$(cat "$work/called")
}

while IFS='|' read -r keys words; do
    test_that "bash makes '$words' of '$keys'"
    in_bash "$keys"
    must equal "$called" "$words"
done <<END
sta\\t|status
sta\\tj\\t|status json
fai\\t\\t|failed json
ba\\t--d\\t|backfill --dry-run
ch\\t--u\\t|check --upload
wat\\t|watch
wai\\tti\\t5s|wait timeout=5s
q\\tta\\tjob $work/files/so\\t|queue tag=job $work/files/some-file
$work/files/so\\t|$work/files/some-file
exp\\t/n\\t|explain $(path 1)
dr\\t\\t|drop $(path 1)
ret\\t/nix\\t|retry $(path 1)
--v\\t|--version
pau\\t--\\t|pause --help
pau\\t1h\\t|pause 1h
watch j\\t|watch json
END

test_that "no word of the queue's answer was evaluated by bash"
must not [ -e "$work/evaluated" ]

test_that "zsh completes"
if command -v zsh >/dev/null 2>&1; then
    in_zsh() {
        : >"$work/called"
        mkdir -p "$work/zdot"
        cat >"$work/zdot/.zshrc" <<END
PATH=$work/bin:\$PATH
PS1=
fpath=($completions \$fpath)
autoload -U compinit && compinit -u -d $work/zcompdump
unsetopt beep prompt_cr
precmd() { : >"$work/ready"; }
END
        rm -f "$work/ready"
        {
            eventually [ -e "$work/ready" ]
            printf 'nix-post-build-hook-queue %b\n' "$1"
            eventually [ -s "$work/called" ]
            printf '\025\004'
        } | ZDOTDIR=$work/zdot TERM=xterm timeout 15 socat - 'EXEC:zsh -i,pty,setsid,ctty,stderr' >"$case_dir/out" 2>&1
        called=$(cat "$work/called")
    }
    in_zsh 'sta\tj\t'
    must equal "$called" 'status json'
    in_zsh 'backf\t'
    must equal "$called" backfill
    in_zsh 'exp\t/n\t'
    must equal "$called" "explain $(path 1)"
else
    echo "      left out: no zsh"
fi

test_that "fish completes"
if command -v fish >/dev/null 2>&1; then
    in_fish() {
        HOME=$work PATH=$work/bin:$PATH fish --no-config -c "source $completions/nix-post-build-hook-queue.fish; complete -C 'nix-post-build-hook-queue $1'" 2>"$case_dir/err" | cut -f 1
    }
    must equal "$(in_fish sta)" status
    must equal "$(in_fish '' | grep -c '^[a-z]')" "$("$work/client" --help | grep -E '^  [a-z]' | cut -d ' ' -f 3 | uniq | wc -l)"
    must equal "$(in_fish 'status j')" json
    must equal "$(in_fish 'pause 1h')" 1h
    must equal "$(in_fish 'explain /')" "$(path 1)"
else
    echo "      left out: no fish"
fi

finish
