# Starts PostgreSQL on any image that has its programs; the first time it makes the cluster, the roles and the databases. The roles
# of those who run are made at each start, where there is a password for them: a release of before had none.
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
for role in promoter reader serving; do
  case $role in promoter) password=${PROMOTER_PASSWORD:-} ;; reader) password=${READER_PASSWORD:-} ;; *) password=${SERVING_PASSWORD:-} ;; esac
  [ -n "$password" ] || continue
  quoted=$(printf %s "$password" | sed "s/'/''/g")
  printf '%s\n' "DO \$\$ BEGIN CREATE ROLE ratchet_$role; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$" \
    "ALTER ROLE ratchet_$role LOGIN PASSWORD '$quoted'"
  # so that the tables' owner may give it what was loaded before, and says what others may do with what it will load
  if [ $role = promoter ]; then echo "GRANT ratchet_promoter TO ratchet"; fi
done > /tmp/roles.sql
if [ -s /tmp/roles.sql ]; then
  postgres --single -D "$data" -c log_min_messages=warning -c log_min_error_statement=panic postgres < /tmp/roles.sql > /dev/null
fi
rm /tmp/roles.sql
if [ -n "${TLS:-}" ]; then # a folder with certificate and key: who asks for TLS gets it
  set -- -c ssl=on -c ssl_cert_file="$TLS/tls.crt" -c ssl_key_file="$TLS/tls.key" -c ssl_min_protocol_version=TLSv1.2
fi
# Kubernetes ends a container by SIGTERM, for which PostgreSQL waits until every client has left; SIGINT ends them in order
postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp -c shared_buffers=64MB -c max_connections=100 "$@" &
server=$!
trap 'kill -INT $server' TERM INT
wait $server || true
wait $server
