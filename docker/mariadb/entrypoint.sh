#!/bin/sh
# Starts MariaDB on the data in a folder, which is made where it is not there.
#
#   entrypoint.sh FOLDER prepare
#   entrypoint.sh FOLDER ADDRESS PORT [options of mariadbd]
#
# Durability is off, because the data never outlives its folder.
set -eu
umask 077

data=$1/data
shift
if [ ! -d "$data" ]; then
    mkdir -p "$data.making"
    mariadb-install-db --no-defaults --datadir="$data.making" --auth-root-authentication-method=socket --skip-test-db \
        --innodb-log-file-size=8M >&2
    mv "$data.making" "$data"
fi
[ "$1" != prepare ] || exit 0
address=$1 port=$2
shift 2
PATH=$PATH:/usr/sbin
exec mariadbd --no-defaults --datadir="$data" --bind-address="$address" --port="$port" --socket="$data/../mariadb.sock" \
    --pid-file="$data/../mariadb.pid" --tmpdir="${TMPDIR:-/tmp}" --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync \
    --innodb-buffer-pool-size=32M --innodb-log-file-size=8M --skip-name-resolve --skip-log-bin \
    --character-set-server=utf8mb4 --performance-schema=OFF "$@"
