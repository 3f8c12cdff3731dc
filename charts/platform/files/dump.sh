# Writes what PostgreSQL holds into $BACKUPS/.new: each database, and the roles without their passwords, which are the Secret's.
# $DATABASES begins with the ledger's, and S3 comes last: whatever a row names was stored before the row, so it is in a copy made later.
set -eu
new=$BACKUPS/.new # a backup that was killed begins anew
rm -rf "$new"
mkdir -p "$new/postgres"
pg_dumpall --globals-only --no-role-passwords > "$new/postgres/roles.sql"
for database in $DATABASES; do
  pg_dump --format custom --file "$new/postgres/$database.dump" "$database"
  echo "$database: $(stat -c %s "$new/postgres/$database.dump") bytes"
done
