#!/bin/sh
# Starts PostgreSQL as the environment asks, and before anyone can connect sets the role, its password and the database.
#
#   POSTGRES_USER, POSTGRES_DB           lower-case names, "app" unless said otherwise
#   POSTGRES_PASSWORD[_FILE]             required on the first start; kept afterwards
#   POSTGRES_MAX_CONNECTIONS             counts the three that PostgreSQL reserves for superusers
#   POSTGRES_TLS                         "required" refuses plain TCP; "optional" (as unset) offers TLS where a certificate is there; "off"
#   POSTGRES_POOLER                      "transaction": PgBouncer listens in its place, and lends a client a connection for a transaction
#   /etc/envparity/tls/server.{crt,key}  readable by uid 10003
#
# The superuser "postgres" can come in by the socket inside the container only.
set -eu
umask 077

refuse() {
    echo "entrypoint: $*" >&2
    exit 64
}

name_of() { # variable, value
    case $2 in
        '' | [!a-z_]* | *[!a-z0-9_]*) refuse "$1: expected a lower-case name, letters, digits and underscores" ;;
        postgres | pg_* | template*) refuse "$1: this name belongs to PostgreSQL itself" ;;
    esac
    [ ${#2} -le 63 ] || refuse "$1: expected at most 63 characters, got ${#2}"
}

# Another command than the server (a shell, pg_dump) runs as it is.
[ "${1:-}" = postgres ] || exec "$@"
shift

user=${POSTGRES_USER:-app}
database=${POSTGRES_DB:-app}
name_of POSTGRES_USER "$user"
name_of POSTGRES_DB "$database"

max_connections=${POSTGRES_MAX_CONNECTIONS:-100}
case $max_connections in
    '' | *[!0-9]*) refuse "POSTGRES_MAX_CONNECTIONS: expected a number, got '$max_connections'" ;;
esac
[ "$max_connections" -ge 5 ] || refuse "POSTGRES_MAX_CONNECTIONS: expected at least 5 (three are the superuser's), got $max_connections"

tls=${POSTGRES_TLS:-optional}
given=/etc/envparity/tls
kept=/var/lib/postgresql/tls
case $tls in
    required | optional)
        if [ -e "$given/server.crt" ] && [ -e "$given/server.key" ]; then
            [ -r "$given/server.crt" ] && [ -r "$given/server.key" ] || refuse "$given: not readable by uid $(id -u)"
            # PostgreSQL refuses a key that anybody else may read, and a mounted one rarely has the right owner.
            mkdir -p "$kept"
            cat "$given/server.crt" > "$kept/server.crt"
            cat "$given/server.key" > "$kept/server.key"
            set -- "$@" -c ssl=on -c "ssl_cert_file=$kept/server.crt" -c "ssl_key_file=$kept/server.key"
        elif [ "$tls" = required ]; then
            refuse "POSTGRES_TLS=required, but $given/server.crt and server.key are not both there"
        fi
        ;;
    off) ;;
    *) refuse "POSTGRES_TLS: expected required, optional or off, got '$tls'" ;;
esac
pooler=${POSTGRES_POOLER:-none}
case $pooler in
    none | transaction) ;;
    *) refuse "POSTGRES_POOLER: expected transaction or none, got '$pooler'" ;;
esac

host_type=host
[ "$tls" != required ] || host_type=hostssl
printf '%s\n' 'local all postgres peer' "$host_type all postgres all reject" "$host_type all all all scram-sha-256" > "$PGDATA/pg_hba.conf"
[ "$pooler" = none ] || printf '%s\n' 'local all all scram-sha-256' >> "$PGDATA/pg_hba.conf"

provisioned=$PGDATA/provisioned
if [ ! -e "$provisioned" ]; then
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        [ -r "$POSTGRES_PASSWORD_FILE" ] || refuse "POSTGRES_PASSWORD_FILE: not readable by uid $(id -u)"
        password=$(cat "$POSTGRES_PASSWORD_FILE")
    else
        password=${POSTGRES_PASSWORD:-}
    fi
    [ -n "$password" ] || refuse "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE is required"
    case $password in
        *[![:print:]]*) refuse "POSTGRES_PASSWORD: expected printable ASCII on one line" ;;
    esac
    quoted=$(printf '%s' "$password" | sed "s/'/''/g")
    # Single-user mode listens nowhere: nobody can come in before the password is set.
    {
        [ "$user" = app ] || printf 'ALTER ROLE app RENAME TO "%s";\n' "$user"
        printf "ALTER ROLE \"%s\" PASSWORD '%s';\n" "$user" "$quoted"
        [ "$database" = app ] || printf 'ALTER DATABASE app RENAME TO "%s";\n' "$database"
    } | postgres --single -D "$PGDATA" -c exit_on_error=on postgres > /dev/null || refuse "the role and the database could not be set"
    [ "$pooler" = none ] || {
        mkdir -p /var/lib/postgresql/pooler
        printf '"%s" "%s"\n' "$user" "$(printf '%s' "$password" | sed 's/"/""/g')" > /var/lib/postgresql/pooler/users.txt
    }
    : > "$provisioned"
fi
unset POSTGRES_PASSWORD password quoted

# PgBouncer has connections of the Unix socket, as many as the server leaves to others than superusers, and no more than it has by itself.
# It comes when the server is ready, so that who is answered can also ask something.
if [ "$pooler" != none ]; then
    others=$((max_connections - 3))
    {
        printf '%s\n' '[databases]' '* = host=/run/postgresql port=5432' '[pgbouncer]' "pool_mode = $pooler" 'listen_addr = *' 'listen_port = 5432' \
            'unix_socket_dir =' 'auth_type = scram-sha-256' 'auth_file = /var/lib/postgresql/pooler/users.txt' 'max_client_conn = 1000' \
            "default_pool_size = $((others < 20 ? others : 20))" "max_user_connections = $others" \
            'ignore_startup_parameters = extra_float_digits' 'server_login_retry = 1' 'log_connections = 0' 'log_disconnections = 0' 'log_stats = 0'
        if [ -e "$kept/server.key" ]; then
            [ "$tls" = required ] && printf '%s\n' 'client_tls_sslmode = require' || printf '%s\n' 'client_tls_sslmode = allow'
            printf '%s\n' "client_tls_cert_file = $kept/server.crt" "client_tls_key_file = $kept/server.key"
        fi
    } > /var/lib/postgresql/pooler/pgbouncer.ini
    (until pg_isready -q -h /run/postgresql; do sleep 0.05; done && exec pgbouncer /var/lib/postgresql/pooler/pgbouncer.ini) &
    set -- "$@" -c listen_addresses=
fi

exec postgres -D "$PGDATA" -c "max_connections=$max_connections" "$@"
