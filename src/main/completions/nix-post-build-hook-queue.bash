# shellcheck shell=bash disable=SC2207 # completions are words
# bash completion for nix-post-build-hook-queue

# The queued paths, or the failed ones; nothing when the queue does not answer at once, or one may not ask. What is no
# path is left out: compgen expands its words, and would run a command that is in one.
_nix_post_build_hook_queue_paths() {
    timeout 1 "$1" "$2" 2>/dev/null </dev/null | while read -r path _ && [[ $path ]]; do
        [[ $path == *[!0-9A-Za-z+._?=/-]* ]] || echo "$path"
    done | sort -u
}

_nix_post_build_hook_queue() {
    local current=${COMP_WORDS[COMP_CWORD]} word=${COMP_WORDS[1]} choices=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        choices="$("${COMP_WORDS[0]}" --help | sed -n 's/^  \([a-z]*\) .*/\1/p') --help --version"
        if [[ $current == /* ]]; then
            compopt -o filenames
            COMPREPLY=($(compgen -f -- "$current"))
            return
        fi
    elif [[ $current == -* ]]; then
        choices=--help
        if [[ $word == backfill || $word == serve ]]; then choices='--help --dry-run'; fi
        if [[ $word == check ]]; then choices='--help --upload'; fi
    else
        case $word in
            status | list | failed | watch) ((COMP_CWORD > 2)) || choices=json ;;
            backfill | serve) choices=--dry-run ;;
            check) choices=--upload ;;
            pause) ((COMP_CWORD > 2)) || choices='10min 1h 8h' ;;
            wait)
                # "=" is a word of its own to bash.
                if [[ $current != /* ]]; then
                    choices='timeout= tag='
                    compopt -o nospace
                else
                    choices=$(_nix_post_build_hook_queue_paths "${COMP_WORDS[0]}" list)
                fi
                ;;
            retry | explain) choices=$(_nix_post_build_hook_queue_paths "${COMP_WORDS[0]}" list) ;;
            drop)
                if [[ $current == d* ]]; then
                    choices=destination=
                    compopt -o nospace
                else
                    choices=$(_nix_post_build_hook_queue_paths "${COMP_WORDS[0]}" list)
                fi
                ;;
            queue | verify | history | /*)
                if [[ $word == queue && $COMP_CWORD == 2 && $current != /* ]]; then
                    choices=tag=
                    compopt -o nospace
                elif [[ $word == history && $COMP_CWORD == 2 && $current != [/.]* ]]; then
                    choices=json
                else
                    compopt -o filenames
                    COMPREPLY=($(compgen -f -- "$current"))
                    return
                fi
                ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$choices" -- "$current"))
}

complete -F _nix_post_build_hook_queue nix-post-build-hook-queue
