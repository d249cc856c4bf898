#!/bin/sh
# What is passed on to the replicas, and to which: read by entrypoint.sh, which knows the variables and has checked what it is told.
# Writes pieces of nginx's configuration below $run, each for its place in the template.
set -eu
affinity=${INGRESS_AFFINITY:-none}
cookie=${INGRESS_AFFINITY_COOKIE:-envparity_affinity}
prefix=${INGRESS_PREFIX:-}
forwarded=${INGRESS_FORWARDED-for,proto,host,port,real-ip}
names INGRESS_DROP_HEADERS "${INGRESS_DROP_HEADERS:-}"
for name in $(words "$forwarded"); do one_of INGRESS_FORWARDED "$name" 'for proto host port real-ip'; done
one_of INGRESS_AFFINITY "$affinity" 'none cookie address'
one_of INGRESS_STRIP_PREFIX "${INGRESS_STRIP_PREFIX:-off}" 'on off'
one_of INGRESS_FORWARDED_FOR "${INGRESS_FORWARDED_FOR:-replace}" 'replace append'
one_of INGRESS_UPGRADE "${INGRESS_UPGRADE:-on}" 'on off'
case $cookie in
    '' | *[!a-z0-9_]*) refuse "INGRESS_AFFINITY_COOKIE: expected a name of a-z, 0-9 and _, got '$cookie'" ;;
esac
case $prefix in
    '') ;;
    [!/]* | */ | *[!A-Za-z0-9/._~-]*) refuse "INGRESS_PREFIX: expected a path of plain characters without / at its end, got '$prefix'" ;;
esac
case ${INGRESS_HOST_HEADER:-} in
    *[!a-z0-9.-]*) refuse "INGRESS_HOST_HEADER: expected a host name, got '$INGRESS_HOST_HEADER'" ;;
esac
: > "$run/passing-maps"
: > "$run/balancing"
: > "$run/groups"
: > "$run/answering"
group=backend
groups='' # as the lines of a map: a number, and those who answer where that replica is asked first
number=1
while [ "$replicas" -gt 1 ] && [ "$number" -le "$replicas" ]; do
    groups="$groups
        '$number' replica_$number;"
    sed -e "/replica-$number\.sock/!s/;\$/ backup;/" -e "1i\\    upstream replica_$number {" "$run/sockets" >> "$run/groups"
    echo '    }' >> "$run/groups"
    number=$((number + 1))
done
case $affinity in
    address) echo '        hash $remote_addr;' > "$run/balancing" ;;
    cookie)
        # Who brings no good cookie has whoever's turn it is; the cookie is set anew where another replica has answered.
        group='$affinity_group'
        echo "    map \$cookie_$cookie \$affinity_group {
        default backend;$groups" >> "$run/passing-maps"
        secure=
        [ "${INGRESS_TLS:-required}" = off ] || secure='; Secure'
        cat >> "$run/passing-maps" <<MAPS
    }
    map "\$cookie_$cookie:\$upstream_http_x_envparity_answered:\$upstream_addr" \$affinity_cookie {
        default '';
        '~^(?<had>[0-9]+):yes:(.*[, ])?unix:[^ ,]*/replica-\k<had>\.sock\$' '';
        '~:yes:.*/replica-(?<has>[0-9]+)\.sock\$' '$cookie=\$has; Path=/; HttpOnly$secure';
    }
MAPS
        echo '        add_header Set-Cookie $affinity_cookie always;' > "$run/answering"
        ;;
esac
# A client that says which replica it wants comes to that one, while it is there. A team's own servers pass on to whoever's turn it is.
if [ -n "$groups" ] && [ "$affinity" != address ] && [ -z "${INGRESS_CONFIG:-}" ]; then
    echo "    map \$http_x_envparity_replica \$wanted_group {
        default $group;$groups
    }" >> "$run/passing-maps"
    group='$wanted_group'
fi
if [ -n "$prefix" ]; then
    quoted=$(echo "$prefix" | sed 's/\./\\./g')
    echo '    map $request_uri $asked_uri {
        default "";' >> "$run/passing-maps"
    if [ "${INGRESS_STRIP_PREFIX:-off}" = on ]; then
        echo "        '~^$quoted(?<below>/.*)\$' \$below;
        '~^$quoted(?<query>\?.*)?\$' /\$query;" >> "$run/passing-maps"
    else
        echo "        '~^$quoted([/?]|\$)' \$request_uri;" >> "$run/passing-maps"
    fi
    echo '    }' >> "$run/passing-maps"
    echo "            if (\$asked_uri = '') { return 404; }
            proxy_pass http://$group\$asked_uri;" > "$run/asking"
else
    echo "            proxy_pass http://$group;" > "$run/asking"
fi
host=\$http_host
[ -z "${INGRESS_HOST_HEADER:-}" ] || host=$INGRESS_HOST_HEADER
upgrade='$http_upgrade' connection='$connection_upgrade'
[ "${INGRESS_UPGRADE:-on}" = on ] || upgrade='""' connection='""'
address=\$remote_addr
[ "${INGRESS_FORWARDED_FOR:-replace}" = replace ] || address=\$proxy_add_x_forwarded_for
{
    echo "Host $host"
    echo "Upgrade $upgrade"
    echo "Connection $connection"
    # No hop before this one is believed: unless it is appended to, what the client claims is replaced.
    for name in $(words "$forwarded"); do
        case $name in
            for) echo "X-Forwarded-For $address" ;;
            proto) echo 'X-Forwarded-Proto $scheme' ;;
            host) echo 'X-Forwarded-Host $http_host' ;;
            port) echo 'X-Forwarded-Port $public_port' ;;
            real-ip) echo 'X-Real-IP $remote_addr' ;;
        esac
    done
    for name in $(words "${INGRESS_DROP_HEADERS:-}"); do echo "$name \"\""; done
} | sed -e 's/^/            proxy_set_header /' -e 's/$/;/' > "$run/told"
