#!/bin/sh
# Starts nginx as the TLS ingress that the environment describes. Every value is checked before it is written into nginx's configuration.
#
#   INGRESS_UPSTREAMS            host:port[,host:port...], required; several are replicas, taken in turn
#   INGRESS_IDLE_TIMEOUT_S       60: seconds of silence, in either direction, after which a connection is dropped
#   INGRESS_MAX_BODY_BYTES       1048576
#   INGRESS_MAX_HEADER_BYTES     8192: request line and headers together (and 1 KiB more, which nginx reads first)
#   INGRESS_HEADER_TIMEOUT_S     10: how long a client may take for its request line and headers
#   INGRESS_SHUTDOWN_TIMEOUT_S   5: how long a graceful stop (SIGQUIT) waits for open connections
#   INGRESS_TLS                  "required" (as unset): TLS on 8443 and nothing else; "off": plain HTTP on 8080 and nothing else
#   INGRESS_WATCHED_HEADERS      none: name[,name...] in lower case, of which the answer says whether they arrived at the replica
#   INGRESS_AFFINITY             "none" (as unset): replicas take turns; "address": each client address has its replica; "cookie": so has
#                                who brings back the cookie that is set, called INGRESS_AFFINITY_COOKIE (envparity_affinity)
#                                A request with X-Envparity-Replica, a number from 1, goes to that replica while it is there, and without that header;
#                                not with affinity by address, nor through INGRESS_CONFIG
#   INGRESS_PREFIX               none: the path below which clients ask, such as /chat; INGRESS_STRIP_PREFIX "on": replicas are asked without it
#   INGRESS_FORWARDED            for,proto,host,port,real-ip: which headers that tell of the client are set; of others its own are passed on
#   INGRESS_FORWARDED_FOR        "replace" (as unset) what the client says in X-Forwarded-For, or "append" to it
#   INGRESS_DROP_HEADERS         none: name[,name...] in lower case, of request headers that are not passed on
#   INGRESS_HOST_HEADER          the Host that replicas are asked for, where it is not the client's
#   INGRESS_CONFIG               none: a file that is put in place of the server in front, where {listen}, {upstream}, {certificate} and {key} are filled
#                                in; of the variables above it takes those of the upstreams, of TLS and the affinity by address
#   INGRESS_UPGRADE              "on" (as unset), or "off": an upgrade is passed on as a plain request
#   /etc/envparity/tls/          server.crt and server.key, readable by uid 10002
#
# It writes below /tmp only, so the root file system may be read-only with a tmpfs there.
#
# Outside a container the same script drives an installed nginx, told where things are (paths are absolute, and of plain characters):
#
#   INGRESS_TEMPLATE             /etc/envparity/nginx.conf.template
#   INGRESS_TLS_FOLDER           /etc/envparity/tls
#   INGRESS_RUN_FOLDER           /tmp/ingress: made anew, and all that it writes is below it
#   INGRESS_LISTEN               8443 or 8080, on every interface: a port, or address:port
#   INGRESS_RESOLVERS            those of /etc/resolv.conf: name servers that are asked where an upstream is no address
set -eu
umask 077

refuse() {
    echo "entrypoint: $*" >&2
    exit 64
}

# Another command than the server runs as it is.
[ "${1:-}" = nginx ] || exec "$@"
shift

number() { # variable, value, largest
    case $2 in
        '' | *[!0-9]* | ??????????*) refuse "$1: expected a whole number up to $3, got '$2'" ;;
    esac
    [ "$2" -ge 1 ] && [ "$2" -le "$3" ] || refuse "$1: expected a whole number from 1 to $3, got '$2'"
}

one_of() { # variable, value, words
    for word in $3; do [ "$2" != "$word" ] || return 0; done
    refuse "$1: expected one of $3, got '$2'"
}

names() { # variable, value
    case $2 in
        *[!a-z0-9_,-]* | ,* | *, | *,,*) refuse "$1: expected name[,name...] in lower case, got '$2'" ;;
    esac
}

words() { # name[,name...]
    echo "$1" | tr , ' '
}

idle_timeout_s=${INGRESS_IDLE_TIMEOUT_S:-60}
max_body_bytes=${INGRESS_MAX_BODY_BYTES:-1048576}
max_header_bytes=${INGRESS_MAX_HEADER_BYTES:-8192}
header_timeout_s=${INGRESS_HEADER_TIMEOUT_S:-10}
shutdown_timeout_s=${INGRESS_SHUTDOWN_TIMEOUT_S:-5}
number INGRESS_IDLE_TIMEOUT_S "$idle_timeout_s" 86400
number INGRESS_MAX_BODY_BYTES "$max_body_bytes" 999999999
number INGRESS_MAX_HEADER_BYTES "$max_header_bytes" 1048576
number INGRESS_HEADER_TIMEOUT_S "$header_timeout_s" 3600
number INGRESS_SHUTDOWN_TIMEOUT_S "$shutdown_timeout_s" 3600

template=${INGRESS_TEMPLATE:-/etc/envparity/nginx.conf.template}
tls_folder=${INGRESS_TLS_FOLDER:-/etc/envparity/tls}
run=${INGRESS_RUN_FOLDER:-/tmp/ingress}
for path in "$template" "$tls_folder" "$run"; do
    case $path in
        # They stand in nginx's configuration and in sed's commands.
        [!/]* | / | *[!A-Za-z0-9/._+=@~-]*) refuse "expected an absolute path of plain characters, got '$path'" ;;
    esac
done
case ${INGRESS_LISTEN:-} in
    *[!A-Za-z0-9.:]* | *[!0-9]) refuse "INGRESS_LISTEN: expected a port or address:port, got '$INGRESS_LISTEN'" ;;
esac
rm -rf "$run"
mkdir -p "$run"

case ${INGRESS_TLS:-required} in
    required)
        for file in server.crt server.key; do
            [ -r "$tls_folder/$file" ] || refuse "$tls_folder/$file is not readable by uid $(id -u)"
        done
        listen="${INGRESS_LISTEN:-8443} ssl"
        default_port=443
        cat > "$run/tls" <<TLS
        ssl_certificate $tls_folder/server.crt;
        ssl_certificate_key $tls_folder/server.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:tls:1m;
TLS
        ;;
    off)
        listen=${INGRESS_LISTEN:-8080}
        default_port=80
        : > "$run/tls"
        ;;
    *) refuse "INGRESS_TLS: expected required or off, got '${INGRESS_TLS}'" ;;
esac

# What arrived at a replica is said in the answer: the values of these, and of the watched ones that they were there.
: > "$run/arrived-maps"
arrived='
        add_header X-Envparity-Answered $replica_answered always;'
for name in Host Origin Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Proto X-Real-IP; do
    variable=$(echo "$name" | tr 'A-Z-' 'a-z_')
    arrived="$arrived
        add_header X-Envparity-Arrived-$name \$http_$variable always;"
done
names INGRESS_WATCHED_HEADERS "${INGRESS_WATCHED_HEADERS:-}"
for name in $(words "${INGRESS_WATCHED_HEADERS:-}"); do
    # nginx passes none on that has an underscore, and its variable would be that of the name with hyphens.
    case $name in *_*) continue ;; esac
    variable=$(echo "$name" | tr - _)
    echo "    map \$http_$variable \$arrived_$variable { default '$name'; '' ''; }" >> "$run/arrived-maps"
    arrived="$arrived
        add_header X-Envparity-Arrived \$arrived_$variable always;"
done

# One socket, and one server behind it, for every replica.
: > "$run/sockets"
: > "$run/servers"
replicas=0
rest=${INGRESS_UPSTREAMS:-},
while [ -n "$rest" ]; do
    upstream=${rest%%,*}
    rest=${rest#*,}
    host=${upstream%:*}
    port=${upstream##*:}
    case $host in
        '' | *[!A-Za-z0-9._-]*) refuse "INGRESS_UPSTREAMS: expected host:port[,host:port...], got '${INGRESS_UPSTREAMS:-}'" ;;
    esac
    number "INGRESS_UPSTREAMS, port of '$host'" "$port" 65535
    replicas=$((replicas + 1))
    # Never marked as failed: a replica that comes back is used by the next request, and one that is away costs a refused connection.
    echo "        server unix:$run/replica-$replicas.sock max_fails=0;" >> "$run/sockets"
    cat >> "$run/servers" <<SERVER
    server {
        listen unix:$run/replica-$replicas.sock;
        access_log off;
        client_max_body_size 0;
        large_client_header_buffers 4 $((max_header_bytes + 8192));
        add_header X-Envparity-Upstream \$upstream_addr always;$arrived
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_request_buffering off;
        location / {
            set \$replica $host;
            proxy_pass http://\$replica:$port;
            proxy_connect_timeout 1s;
            proxy_read_timeout 1d;
            proxy_send_timeout 1d;
            proxy_hide_header X-Envparity-Upstream;
            proxy_set_header Host \$http_host;
            proxy_set_header X-Envparity-Replica "";
            proxy_set_header Upgrade \$asked_upgrade;
            proxy_set_header Connection \$asked_connection;
        }
    }
SERVER
done

. "$(dirname "$0")/passing.sh"

# Comments with these words stand around the server in front.
: > "$run/own"
front=/@FRONT_BEGINS@/d
if [ -n "${INGRESS_CONFIG:-}" ]; then
    [ -r "$INGRESS_CONFIG" ] || refuse "$INGRESS_CONFIG is not readable by uid $(id -u)"
    sed -e "s|{listen}|$listen|g" -e "s|{upstream}|$group|g" \
        -e "s|{certificate}|$tls_folder/server.crt|g" -e "s|{key}|$tls_folder/server.key|g" "$INGRESS_CONFIG" > "$run/own"
    front=/@FRONT_BEGINS@/,/@FRONT_ENDS@/d
fi

resolvers=${INGRESS_RESOLVERS:-$(while read -r key value _; do
    case $key:$value in
        nameserver:*:*) printf '[%s] ' "$value" ;;
        nameserver:*) printf '%s ' "$value" ;;
    esac
done < /etc/resolv.conf)}
[ -n "$resolvers" ] || refuse "/etc/resolv.conf names no name server"

sed -e "$front" -e "/@FRONT_ENDS@/d" \
    -e "s|@RUN@|$run|" \
    -e "s/@HEADER_TIMEOUT_S@/$header_timeout_s/" \
    -e "s/@SHUTDOWN_TIMEOUT_S@/$shutdown_timeout_s/" \
    -e "s/@DEFAULT_PORT@/$default_port/" \
    -e "s/@LISTEN@/$listen/" \
    -e "s/@MAX_BODY_BYTES@/$max_body_bytes/" \
    -e "s/@MAX_HEADER_BYTES@/$max_header_bytes/" \
    -e "s/@IDLE_TIMEOUT_S@/$idle_timeout_s/" \
    -e "s/@REPLICAS@/$replicas/" \
    -e "s/@RESOLVERS@/$resolvers/" \
    -e "/@ARRIVED_MAPS@/r $run/arrived-maps" -e "/@ARRIVED_MAPS@/d" \
    -e "/@PASSING_MAPS@/r $run/passing-maps" -e "/@PASSING_MAPS@/d" \
    -e "/@BALANCING@/r $run/balancing" -e "/@BALANCING@/d" \
    -e "/@AFFINITY_GROUPS@/r $run/groups" -e "/@AFFINITY_GROUPS@/d" \
    -e "/@ANSWERING@/r $run/answering" -e "/@ANSWERING@/d" \
    -e "/@ASKING@/r $run/asking" -e "/@ASKING@/d" \
    -e "/@TOLD@/r $run/told" -e "/@TOLD@/d" \
    -e "/@OWN@/r $run/own" -e "/@OWN@/d" \
    -e "/@TLS@/r $run/tls" -e "/@TLS@/d" \
    -e "/@REPLICA_SOCKETS@/r $run/sockets" -e "/@REPLICA_SOCKETS@/d" \
    -e "/@REPLICA_SERVERS@/r $run/servers" -e "/@REPLICA_SERVERS@/d" \
    "$template" > "$run/nginx.conf"

# -e: before it has read its configuration nginx would look for its compiled-in log file.
exec nginx -e stderr -c "$run/nginx.conf" "$@"
