#!/bin/sh
# Makes a cluster's passwords, once: one file each, in the directory given. What is there already stays.
set -eu
directory="${1:-secrets}"

umask 077
mkdir -p "$directory"
cd "$directory"
drawn() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
for name in kafka_admin kafka_intake kafka_routing kafka_notify kafka_audit mongo_password mongo_keyfile grafana_password; do
  [ -s "$name" ] || drawn > "$name"
done
[ -s mongo_url ] || printf 'mongodb://throughline:%s@mongo:27017/?replicaSet=rs0&authSource=admin' "$(cat mongo_password)" > mongo_url
chmod 0444 ./*  # containers read them as users of their own; who may enter the directory is told by its own mode
