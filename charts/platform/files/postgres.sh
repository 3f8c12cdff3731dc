# Starts PostgreSQL on any image that has its programs; the first time it makes the cluster, the roles and the databases.
set -eu
data=$PGDATA
if [ ! -s "$data/PG_VERSION" ]; then
  new=$data.new # whole or not at all: a killed first start begins anew
  rm -rf "$new" "$data"
  printf %s "$POSTGRES_PASSWORD" > /tmp/password
  initdb --pgdata "$new" --username postgres --pwfile /tmp/password --auth-local trust --auth-host scram-sha-256 \
    --encoding UTF8 --locale C.UTF-8
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$new/pg_hba.conf"
  for role in mlflow ratchet; do
    case $role in mlflow) password=$MLFLOW_PASSWORD ;; *) password=$RATCHET_PASSWORD ;; esac
    quoted=$(printf %s "$password" | sed "s/'/''/g")
    printf '%s\n' "CREATE ROLE $role LOGIN PASSWORD '$quoted'" "CREATE DATABASE $role OWNER $role" "REVOKE ALL ON DATABASE $role FROM PUBLIC" |
      postgres --single -D "$new" -c log_min_messages=warning postgres > /dev/null
  done
  mv "$new" "$data"
fi
if [ -n "${TLS:-}" ]; then # a folder with certificate and key: who asks for TLS gets it
  set -- -c ssl=on -c ssl_cert_file="$TLS/tls.crt" -c ssl_key_file="$TLS/tls.key" -c ssl_min_protocol_version=TLSv1.2
fi
# Kubernetes ends a container by SIGTERM, for which PostgreSQL waits until every client has left; SIGINT ends them in order
postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp -c shared_buffers=64MB -c max_connections=100 "$@" &
server=$!
trap 'kill -INT $server' TERM INT
wait $server || true
wait $server
