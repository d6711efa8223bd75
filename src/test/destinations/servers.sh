# shellcheck shell=sh
# The servers that all versions of Nix share, on free ports of the loopback: nginx ($http_port), s3proxy ($s3_port).
# Expects scratch, JAVA_HOME and here. What they serve is below $scratch/www and $scratch/s3, a folder for each version.

# shellcheck disable=SC2154 # scratch, here: set by run
pids=

free_port() {
    "$JAVA_HOME/bin/java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "$here/FreePorts.java" "$1"
}

# reachable PORT: within a minute, on a machine that does much else.
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
error_log $scratch/nginx/error.log;
pid $scratch/nginx/pid;
events {}
http {
    access_log $scratch/nginx/access.log;
    client_body_temp_path $scratch/nginx/body;
    proxy_temp_path $scratch/nginx/t1; fastcgi_temp_path $scratch/nginx/t2; uwsgi_temp_path $scratch/nginx/t3;
    scgi_temp_path $scratch/nginx/t4;
    client_max_body_size 0;
    server {
        listen 127.0.0.1:$http_port;
        root $scratch/www;
        create_full_put_path on;
        location /open/ { dav_methods PUT; }
        location /login/ { dav_methods PUT; auth_basic cache; auth_basic_user_file $scratch/nginx/users; }
        location /forbidden/ { dav_methods PUT; $1 limit_except GET { deny all; } }
        location /small/ { dav_methods PUT; $1 client_max_body_size 1k; }
        location /full/ { dav_methods PUT; }
        location /busy/ { dav_methods PUT; $1 return 503; }
    }
}
END
}
nginx_start() { nginx -c "$scratch/nginx/conf" -e "$scratch/nginx/error.log" 2>"$scratch/nginx/said" && reachable "$http_port"; }
# nginx_open: the locations that refuse do so no longer.
nginx_open() {
    nginx_config '#' | sed 's/#.* }$/}/' >"$scratch/nginx/conf"
    nginx -c "$scratch/nginx/conf" -e "$scratch/nginx/error.log" -s reload
}
nginx_refuse() {
    nginx_config '' >"$scratch/nginx/conf"
    nginx -c "$scratch/nginx/conf" -e "$scratch/nginx/error.log" -s reload
}
# nginx_kill: all its processes, at once.
nginx_kill() {
    read -r master <"$scratch/nginx/pid"
    # shellcheck disable=SC2046 # process ids
    kill -KILL "$master" $(pgrep -P "$master")
    rm -f "$scratch/nginx/pid"
}

# fill_disks: leaves no room in the two small file systems.
fill_disks() {
    for place in "$scratch/www/full" "$scratch/full"; do cat /dev/zero >"$place/filler" 2>/dev/null || true; done
}

start_servers() {
    # shellcheck disable=SC2046 # numbers
    set -- $(free_port 4)
    http_port=$1
    s3_port=$2
    export http_port s3_port
    export ssh_port="$3" other_port="$4"

    mkdir -p "$scratch/nginx" "$scratch/www/full" "$scratch/full" "$scratch/s3"
    mount -t tmpfs -o size=1m tmpfs "$scratch/www/full" && mount -t tmpfs -o size=1m tmpfs "$scratch/full" || return 1
    printf 'builder:{PLAIN}secret\n' >"$scratch/nginx/users"
    nginx_config '' >"$scratch/nginx/conf"
    nginx_start || { cat "$scratch/nginx/said"; return 1; }

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

stop_servers() {
    [ ! -e "$scratch/nginx/pid" ] || nginx_kill
    for process in $pids; do kill "$process" 2>/dev/null; done
    wait
}
