# Makes the databases anew from a backup; S3 was restored before, so that no row names what is not there yet.
set -eu
from=$BACKUPS/$BACKUP/postgres
[ -d "$from" ] || { echo "there is no backup $BACKUP: $(ls "$BACKUPS")" >&2; exit 2; }
psql --quiet --dbname postgres --file "$from/roles.sql" 2>&1 | grep -v 'already exists' || true # of a new cluster all but the roles of later are there
for dump in "$from"/*.dump; do
  database=$(basename "$dump" .dump)
  dropdb --force --if-exists "$database"
  pg_restore --create --exit-on-error --dbname postgres "$dump"
  echo "$database: restored"
done
