# shellcheck shell=sh
# The servers, on free ports of the loopback: s3proxy ($s3_port), which all versions of Nix share, with what it serves in
# $scratch/s3, a bucket for each version; and an nginx ($http_port) for each version, since it is reconfigured and killed in the
# middle, with its files below $site. Expects scratch, JAVA_HOME and here.

# shellcheck disable=SC2154 # scratch, here: set by run; site, http_port: set by machine.sh
pids=

free_port() {
    "$JAVA_HOME/bin/java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "$here/FreePorts.java" "$1"
}

# reachable PORT: whether it accepts connections within a minute, on a busy machine.
reachable() {
    tries=0
    until socat -u OPEN:/dev/null "TCP4:127.0.0.1:$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || return 1
        sleep 0.1
    done
}

# The workers run as root: they write where the tests mount.
nginx_config() {
    cat <<END
user root;
daemon on;
worker_processes 1;
error_log $site/nginx/error.log;
pid $site/nginx/pid;
events {}
http {
    access_log $site/nginx/access.log;
    client_body_temp_path $site/nginx/body;
    proxy_temp_path $site/nginx/t1; fastcgi_temp_path $site/nginx/t2; uwsgi_temp_path $site/nginx/t3;
    scgi_temp_path $site/nginx/t4;
    client_max_body_size 0;
    server {
        listen 127.0.0.1:$http_port;
        root $site/www;
        create_full_put_path on;
        location /open/ { dav_methods PUT; }
        location /login/ { dav_methods PUT; auth_basic cache; auth_basic_user_file $site/nginx/users; }
        location /forbidden/ { dav_methods PUT; $1 limit_except GET { deny all; } }
        location /small/ { dav_methods PUT; $1 client_max_body_size 1k; }
        location /full/ { dav_methods PUT; }
        location /busy/ { dav_methods PUT; $1 return 503; }
    }
}
END
}
nginx_start() { nginx -c "$site/nginx/conf" -e "$site/nginx/error.log" 2>"$site/nginx/said" && reachable "$http_port"; }
# nginx_open: ends the refusals of all locations.
nginx_open() {
    nginx_config '#' | sed 's/#.* }$/}/' >"$site/nginx/conf"
    nginx -c "$site/nginx/conf" -e "$site/nginx/error.log" -s reload
}
nginx_refuse() {
    nginx_config '' >"$site/nginx/conf"
    nginx -c "$site/nginx/conf" -e "$site/nginx/error.log" -s reload
}
# nginx_kill: kills all its processes at once.
nginx_kill() {
    read -r master <"$site/nginx/pid"
    # shellcheck disable=SC2046 # process ids
    kill -KILL "$master" $(pgrep -P "$master")
    rm -f "$site/nginx/pid"
}

# fill_disks: fills the two small file systems.
fill_disks() {
    for place in "$site/www/full" "$site/full"; do cat /dev/zero >"$place/filler" 2>/dev/null || true; done
}

# start_nginx: also makes what it serves, and the two small disks; expects a mount namespace of its own.
start_nginx() {
    mkdir -p "$site/nginx" "$site/www/full" "$site/full"
    mount -t tmpfs -o size=1m tmpfs "$site/www/full" && mount -t tmpfs -o size=1m tmpfs "$site/full" || return 1
    printf 'builder:{PLAIN}secret\n' >"$site/nginx/users"
    nginx_config '' >"$site/nginx/conf"
    nginx_start || { cat "$site/nginx/said"; return 1; }
}
stop_nginx() {
    [ ! -e "$site/nginx/pid" ] || nginx_kill
    umount "$site/www/full" "$site/full" 2>/dev/null || true
}

start_s3() {
    mkdir -p "$scratch/s3"
    maven -q -f "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath \
        -Dmdep.outputFile="$scratch/s3-classpath" -Dmdep.includeScope=runtime || return 1
    cat >"$scratch/s3.conf" <<END
s3proxy.endpoint=http://127.0.0.1:$s3_port
s3proxy.authorization=none
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir=$scratch/s3
jclouds.identity=none
jclouds.credential=none
END
    "$JAVA_HOME/bin/java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$(cat "$scratch/s3-classpath")" \
        org.gaul.s3proxy.Main --properties "$scratch/s3.conf" >"$scratch/s3.log" 2>&1 </dev/null &
    pids="$pids $!"
    reachable "$s3_port" || { cat "$scratch/s3.log"; return 1; }
}

stop_s3() {
    for process in $pids; do kill "$process" 2>/dev/null; done
    wait
}
