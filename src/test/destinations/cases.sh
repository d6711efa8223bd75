# shellcheck shell=sh
# The destinations of the test, for machine.sh. Each case has a URL, a text for docs/destinations.md, and, if the
# destination refuses at first, a repair.

# shellcheck disable=SC2154 # dir, site, version and the ports: set by machine.sh and run

# url CASE: prints the URL that the queue uploads to.
url() {
    case $1 in
        file) echo "file://$dir/file" ;;
        zstd) echo "file://$dir/zstd?compression=zstd" ;;
        chroot) echo "local://?root=$dir/chroot" ;;
        http) echo "http://localhost:$http_port/open/$version" ;;
        http-login) echo "http://localhost:$http_port/login/$version" ;;
        s3) echo "s3://cache$version?endpoint=127.0.0.1:$s3_port&scheme=http&region=us-east-1" ;;
        ssh) echo "ssh://root@localhost" ;;
        ssh-port) echo "ssh://root@127.0.0.1:$other_port" ;;
        ssh-ng) echo "ssh-ng://root@localhost" ;;
        ssh-ng-port) echo "ssh-ng://root@127.0.0.1:$other_port" ;;
        exec) echo "exec:$dir/upload" ;;
        # netrc has a password for localhost on any port, but none for this name.
        http-401) echo "http://127.0.0.1:$http_port/login/$version" ;;
        http-403) echo "http://localhost:$http_port/forbidden/$version" ;;
        http-413) echo "http://localhost:$http_port/small/$version" ;;
        http-500) echo "http://localhost:$http_port/full/$version" ;;
        http-503) echo "http://localhost:$http_port/busy/$version" ;;
        http-down) echo "http://localhost:1/" ;;
        s3-no-bucket) echo "s3://missing?endpoint=127.0.0.1:$s3_port&scheme=http&region=us-east-1" ;;
        ssh-unknown-key) echo "ssh://root@127.0.0.3" ;;
        ssh-changed-key) echo "ssh://root@127.0.0.2" ;;
        ssh-login) echo "ssh://nobody@localhost" ;;
        ssh-ng-unknown-key) echo "ssh-ng://root@127.0.0.3" ;;
        ssh-ng-changed-key) echo "ssh-ng://root@127.0.0.2" ;;
        ssh-ng-login) echo "ssh-ng://nobody@localhost" ;;
        file-read-only) echo "file://$dir/read-only/cache" ;;
        file-full) echo "file://$site/full/$version" ;;
        exec-fails) echo "exec:$dir/fails" ;;
        *) return 1 ;;
    esac
}

# from CASE: prints the URL that another machine fetches from.
from() {
    case $1 in
        exec) echo "file://$dir/uploaded" ;;
        *) url "$1" ;;
    esac
}

# words CASE: for docs/destinations.md.
# shellcheck disable=SC2016 # Markdown
words() {
    case $1 in
        file) echo '`file:///srv/cache`' ;;
        zstd) echo '`…?compression=zstd`' ;;
        chroot) echo '`local://?root=/srv/store`, a chroot store' ;;
        http) echo '`http://`, nginx with `dav_methods PUT`' ;;
        http-login) echo '… with a password in netrc' ;;
        s3) echo '`s3://bucket?endpoint=…`, s3proxy, anonymous' ;;
        ssh) echo '`ssh://`, `nix-store --serve`' ;;
        ssh-port) echo '`ssh://host:port`' ;;
        ssh-ng) echo '`ssh-ng://`, nix-daemon' ;;
        ssh-ng-port) echo '`ssh-ng://host:port`' ;;
        exec) echo '`exec:`, a program that calls `nix copy`' ;;
        http-401) echo 'no password' ;;
        http-403) echo 'PUT forbidden' ;;
        http-413) echo 'path too large for the server' ;;
        http-500) echo "the server's disk is full" ;;
        http-503) echo 'the server is busy' ;;
        http-down) echo 'nobody listens' ;;
        s3-no-bucket) echo '`s3://`, no such bucket' ;;
        ssh-unknown-key) echo 'unknown host key' ;;
        ssh-changed-key) echo 'changed host key' ;;
        ssh-login) echo 'key not accepted' ;;
        ssh-ng-unknown-key) echo 'unknown host key, `ssh-ng://`' ;;
        ssh-ng-changed-key) echo 'changed host key, `ssh-ng://`' ;;
        ssh-ng-login) echo 'key not accepted, `ssh-ng://`' ;;
        file-read-only) echo '`file://` where the service cannot write' ;;
        file-full) echo '`file://` on a full disk' ;;
        exec-fails) echo '`exec:`, the program fails' ;;
        *) return 1 ;;
    esac
}

# fix CASE PHRASE: prints the fix that check --upload has for a refusal with this phrase.
fix() {
    destination=$(url "$1")
    host=${destination#*@}
    case $2 in
        "don't know how to open"*) echo 'use a newer Nix (NPBHQ_NIX), or another kind of destination' ;;
        'Could not resolve hostname') echo "this Nix takes no port in the URL: put -p $other_port into NIX_SSHOPTS" ;;
        401 | 'does not appear to be a binary cache')
            echo "put the password into netrc-file of nix.conf, readable for the"
            echo "service's user; the server must permit GET and PUT below the URL"
            ;;
        403)
            echo 'permit this login GET and PUT below the URL (nginx: dav_methods PUT);'
            echo 'the login is in netrc-file of nix.conf, for s3:// in ~/.aws/credentials'
            ;;
        404) echo 'create the bucket, or correct its name and endpoint in NPBHQ_UPLOAD_TO' ;;
        500)
            echo "read the server's error log (nginx answers 500 when its disk is full:"
            echo 'then make room there)'
            ;;
        503)
            echo 'wait: the queue tries again by itself; if the server stays busy, read'
            echo 'its error log, and lower NPBHQ_PARALLEL'
            ;;
        'connect to server') echo "start the server, or open the way to it: curl -I $destination" ;;
        'Host key verification failed: changed key')
            echo "this may be an attack; if the host's administrator has changed the key:"
            echo "ssh-keygen -R '[$host]:$ssh_port' -f ~/.ssh/known_hosts"
            ;;
        'Host key verification failed')
            echo "compare the host's key with what its administrator says, then:"
            printf '%s\n' "ssh-keyscan $host \\" '    >>~/.ssh/known_hosts'
            ;;
        'Permission denied')
            echo 'put the public half of the SSH key, see above, into'
            echo "authorized_keys of nobody at $host"
            ;;
        'Read-only file system')
            echo "create ${destination#file://} for the user nix-post-build-hook-queue, then"
            echo 'systemctl edit nix-post-build-hook-queue.service'
            printf '%s\n' '    [Service]' "    ReadWritePaths=${destination#file://}"
            ;;
        'No space left on device') echo 'make room at the destination' ;;
        'no such bucket')
            echo 'the journal has the command, to be repeated by hand:'
            echo 'journalctl -u nix-post-build-hook-queue -n 20'
            ;;
        *) return 1 ;;
    esac
}

# repair: removes the cause of every refusal that has one.
repair() {
    nginx_open
    printf 'machine 127.0.0.1 login builder password secret\n' >>"$dir/conf/netrc"
    rm -f "$site/www/full/filler" "$site/full/filler"
    mount -o remount,bind,rw "$dir/read-only"
    known_hosts 127.0.0.1 127.0.0.2 127.0.0.3
    : >"$dir/bucket"
}
