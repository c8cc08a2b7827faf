#!/bin/sh
# Starts nginx in its container: it asks the name servers that the engine gave it, whichever engine that is.
set -eu
mkdir -p /tmp/nginx
servers=$(awk '$1 == "nameserver" { print ($2 ~ /:/ ? "[" $2 "]" : $2) }' /etc/resolv.conf | tr '\n' ' ')
printf 'resolver %s valid=2s;\nresolver_timeout 2s;\n' "${servers:-127.0.0.11}" > /tmp/nginx/resolver.conf
exec nginx -e stderr -c /etc/ledgerdesk/nginx.conf -g 'daemon off;'
