#!/bin/sh
# switch.sh mend | hand-over CLIENT: what switch-to-configuration leaves undone for the queue. It never restarts a
# socket, and would restart a worker in the middle of an upload (the module tells it not to). Run as root by
# nix-post-build-hook-queue-switch.service, at boot and whenever the queue's units have changed.
#
#   mend        Restarts the socket unit if the kernel's socket is not what the unit says: a datagram socket of the
#               original program under the same name, another path, group or mode. Ends at once.
#   hand-over   Has a worker that was started with older units restart when its running uploads are done. Does not
#               wait for that. The next worker is new in any case.
#
# Needs systemctl, socat, stat and timeout, and CLIENT, the program nix-post-build-hook-queue.
set -eu

name=nix-post-build-hook-queue

show() { systemctl show -P "$1" "$name.$2"; }

# listens PATH: whether a stream socket does. Not from /proc/net/unix: while sockets come and go, a reader misses some.
listens() {
    status=0
    timeout 5 socat -u OPEN:/dev/null "UNIX-CONNECT:$1" 2>/dev/null || status=$?
    # One that does not answer in time is there.
    [ "$status" != 1 ]
}

# What is wrong with the socket, in words; nothing if it is as its unit says.
trouble() {
    mode=$(show SocketMode socket)
    owner="$(show SocketUser socket):$(show SocketGroup socket)"
    show Listen socket | while read -r path kind; do
        case $path in /*) ;; *) continue ;; esac
        if [ "$kind" != "(Stream)" ]; then
            echo "$path is not a stream socket in the unit: $kind"
        elif ! listens "$path"; then
            echo "nothing listens at $path"
        else
            is=$(stat -c %a "$path")
            [ "$is" = "${mode#0}" ] || echo "$path has mode $is instead of $mode"
            case $owner in :) owner=root:root ;; *:) owner=${owner}root ;; :*) owner=root$owner ;; esac
            is=$(stat -c %U:%G "$path")
            [ "$is" = "$owner" ] || echo "$path belongs to $is instead of $owner"
        fi
    done
}

mend() {
    # One that is stopped, or has failed, is started like every unit.
    [ "$(show ActiveState socket)" = active ] || return 0
    why=$(trouble)
    [ -n "$why" ] || return 0
    echo "$why: restarting $name.socket" | tr '\n' ' '
    echo
    # The worker, or the original program, has the old socket.
    [ "$(show MainPID service)" = 0 ] || systemctl stop "$name.service"
    # However many switches there have been just now.
    systemctl reset-failed "$name.socket" 2>/dev/null || true
    systemctl restart "$name.socket"
    why=$(trouble)
    [ -z "$why" ] || {
        echo "after a restart of $name.socket: $why" >&2
        exit 1
    }
    # Not waited for: it starts after this has ended.
    systemctl start --no-block "$name.service"
}

# Whether the worker that runs was started before systemd read the units as they are now.
is_outdated() {
    [ "$(show MainPID service)" != 0 ] && [ "$(show ExecMainStartTimestampMonotonic service)" -lt "$read_at" ]
}

hand_over() {
    client=$1
    read_at=$(systemctl show -P UnitsLoadTimestampMonotonic)
    if ! is_outdated; then
        echo "the worker is as its unit says, or does not run"
    elif answer=$("$client" reload 2>&1); then
        echo "the worker restarts by itself: $answer"
    else
        # Of a version that does not know the word, or it does not answer: then it uploads nothing either.
        echo "the worker does not restart by itself, so it is restarted: $answer"
        systemctl restart "$name.service"
    fi
}

case ${1-} in
    mend) mend ;;
    hand-over) hand_over "$2" ;;
    *) echo "usage: switch.sh mend | hand-over CLIENT" >&2; exit 64 ;;
esac
