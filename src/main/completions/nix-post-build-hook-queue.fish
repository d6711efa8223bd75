# fish completion for nix-post-build-hook-queue

# Queued and failed paths; none when the worker does not answer within a second, or refuses.
function __nix_post_build_hook_queue_paths
    timeout 1 nix-post-build-hook-queue list 2>/dev/null </dev/null | string match -r '^/[0-9A-Za-z+._?=/-]+(?= |$)' | sort -u
end

function __nix_post_build_hook_queue_words
    nix-post-build-hook-queue --help | awk '/^  [a-z]/ && !seen[$1]++ { word = $1; sub(/.*  +/, ""); print word "\t" $0 }'
end

function __nix_post_build_hook_queue_add
    complete -c nix-post-build-hook-queue $argv
end

__nix_post_build_hook_queue_add -f
__nix_post_build_hook_queue_add -l help -d 'Say what there is, or about one word'
__nix_post_build_hook_queue_add -n __fish_use_subcommand -l version -d 'The version of this program'
__nix_post_build_hook_queue_add -n __fish_use_subcommand -a '(__nix_post_build_hook_queue_words)'
__nix_post_build_hook_queue_add -n '__fish_seen_subcommand_from status list failed watch history' -a json -d 'For programs'
__nix_post_build_hook_queue_add -n '__fish_seen_subcommand_from backfill' -l dry-run -d 'Only list them'
__nix_post_build_hook_queue_add -n '__fish_seen_subcommand_from serve' -l dry-run -d 'Only check the settings'
__nix_post_build_hook_queue_add -n '__fish_seen_subcommand_from check' -l upload -d 'Upload a tiny path as well'
__nix_post_build_hook_queue_add -n '__fish_seen_subcommand_from pause' -a '10min 1h 8h' -d 'For so long'
__nix_post_build_hook_queue_add -n '__fish_seen_subcommand_from wait' -a 'timeout=' -d 'Not longer than this'
__nix_post_build_hook_queue_add -n '__fish_seen_subcommand_from wait queue' -a 'tag=' -d 'A name'
__nix_post_build_hook_queue_add -n '__fish_seen_subcommand_from queue verify history' -F
__nix_post_build_hook_queue_add -n '__fish_seen_subcommand_from wait retry drop explain' -a '(__nix_post_build_hook_queue_paths)'
__nix_post_build_hook_queue_add -n '__fish_seen_subcommand_from drop' -a 'destination=' -d 'all that a destination still has to get'
functions -e __nix_post_build_hook_queue_add
