#!/bin/bash
# First start of the database: Ledgerdesk's login owns its database and may make roles, and nothing more. The superuser
# keeps no password, so it can be used inside the container only (`docker compose exec postgres psql -U postgres`).
set -euo pipefail
psql -v ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname postgres \
  --set=name="$POSTGRES_DB" --set=password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE ledgerdesk LOGIN CREATEROLE PASSWORD :'password';
ALTER DATABASE :"name" OWNER TO ledgerdesk;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
ALTER ROLE CURRENT_USER PASSWORD NULL;
SQL
