#!/bin/sh
# Starts Redis as the environment asks. Everything goes through a file that only Redis can read: a command line shows in every process list.
#
#   REDIS_PASSWORD[_FILE]   empty: no password
#   REDIS_TLS               "required": TLS on 6379 and no plain port; "off" (as unset): plain TCP on 6379
#   REDIS_MAXMEMORY_MB      64 unless said otherwise
#   REDIS_DATABASES         16 unless said otherwise
#   /etc/envparity/tls/     server.crt, server.key and ca.crt, readable by uid 10004
#
# No data is written to disk, a restart begins empty; its configuration is below /tmp, so the root file system may be read-only.
set -eu
umask 077

refuse() {
    echo "entrypoint: $*" >&2
    exit 64
}

# Another command than the server (redis-cli, a shell) runs as it is.
[ "${1:-}" = redis-server ] || exec "$@"
shift

maxmemory_mb=${REDIS_MAXMEMORY_MB:-64}
case $maxmemory_mb in
    '' | *[!0-9]*) refuse "REDIS_MAXMEMORY_MB: expected a number, got '$maxmemory_mb'" ;;
esac
databases=${REDIS_DATABASES:-16}
case $databases in
    '' | *[!0-9]*) refuse "REDIS_DATABASES: expected a number, got '$databases'" ;;
esac

if [ -n "${REDIS_PASSWORD_FILE:-}" ]; then
    [ -r "$REDIS_PASSWORD_FILE" ] || refuse "REDIS_PASSWORD_FILE: not readable by uid $(id -u)"
    password=$(cat "$REDIS_PASSWORD_FILE")
else
    password=${REDIS_PASSWORD:-}
fi
case $password in
    *[![:graph:]]*) refuse "REDIS_PASSWORD: expected printable ASCII without spaces" ;;
esac

run=/tmp/redis
mkdir -p "$run"
cd "$run"
conf=$run/redis.conf
{
    echo 'bind * -::*'
    # Other containers reach it by the network; without a password only the environment's own network can.
    echo 'protected-mode no'
    echo 'daemonize no'
    echo 'save ""'
    echo 'appendonly no'
    echo "databases $databases"
    echo "maxmemory ${maxmemory_mb}mb"
    echo 'maxmemory-policy noeviction'
    case ${REDIS_TLS:-off} in
        required)
            for file in server.crt server.key ca.crt; do
                [ -r "/etc/envparity/tls/$file" ] || refuse "REDIS_TLS=required, but /etc/envparity/tls/$file is not readable by uid $(id -u)"
            done
            echo 'port 0'
            echo 'tls-port 6379'
            echo 'tls-cert-file /etc/envparity/tls/server.crt'
            echo 'tls-key-file /etc/envparity/tls/server.key'
            echo 'tls-ca-cert-file /etc/envparity/tls/ca.crt'
            echo 'tls-auth-clients no'
            echo 'tls-protocols "TLSv1.2 TLSv1.3"'
            ;;
        off) echo 'port 6379' ;;
        *) refuse "REDIS_TLS: expected required or off, got '${REDIS_TLS}'" ;;
    esac
    # Within double quotes Redis reads \ and " as C does.
    [ -z "$password" ] || printf 'requirepass "%s"\n' "$(printf '%s' "$password" | sed 's/[\\"]/\\&/g')"
} > "$conf"
chmod 600 "$conf"
unset REDIS_PASSWORD password

exec redis-server "$conf" "$@"
