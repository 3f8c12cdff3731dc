# Starts MLflow's server with the arguments given; with a login where $AUTH_USER names its account, which is made at the first start.
set -eu
if [ -n "${AUTH_USER:-}" ]; then
  # the accounts lie in MLflow's own database; a percent sign means something to who reads the file
  {
    printf '[mlflow]\ndefault_permission = READ\nadmin_username = %s\n' "$AUTH_USER"
    printf 'database_uri = %s\n' "$(printf %s "$MLFLOW_BACKEND_STORE_URI" | sed 's/%/%%/g')"
    printf 'authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n'
    printf 'auth_cache_ttl_seconds = 60\n' # a password is 0.1 s of work
  } > /tmp/auth.ini
  export MLFLOW_AUTH_CONFIG_PATH=/tmp/auth.ini
  set -- --app-name basic-auth "$@"
fi
exec mlflow server "$@"
