#!/bin/sh
# Starts the identity provider, whose program and configuration are put into the container before it starts.
#
#   /srv/identity/identity_server.py     the program, envparity/dependencies/identity_server.py
#   /srv/identity/configuration.json     its keys, its client, and what its tokens say
#   /srv/identity/state.json             what was rotated, for a restart
#
# The folder is a volume, so the root file system may be read-only.
set -eu
umask 077

refuse() {
    echo "entrypoint: $*" >&2
    exit 64
}

# Another command than the server (a shell) runs as it is.
[ "${1:-}" = identity-provider ] || exec "$@"

cd /srv/identity
for file in identity_server.py configuration.json; do
    [ -r "$file" ] || refuse "/srv/identity/$file: not readable by uid $(id -u)"
done
exec python3 identity_server.py configuration.json state.json 0.0.0.0 8080
