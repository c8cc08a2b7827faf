#!/bin/sh
# Starts Apache Kafka's image with a cluster id of this volume's own.
#
# The image's default id is the same everywhere. Ledgerdesk's readers tell by the cluster id whether the log that they have
# checkpoints of is still the same; with a fixed one, a lost volume would look like the old log and new events be skipped.
set -eu
kept=/var/lib/kafka/data/meta.properties
CLUSTER_ID=$(sed -n 's/^cluster.id=//p' "$kept" 2>/dev/null || true)
# 16 random bytes in the alphabet of base64url, without - and _: an id must not look like an option
[ -n "$CLUSTER_ID" ] || CLUSTER_ID=$(head -c 16 /dev/urandom | base64 | tr '+/' 'xy' | cut -c1-22)
export CLUSTER_ID
exec /etc/kafka/docker/run
