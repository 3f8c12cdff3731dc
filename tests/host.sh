#!/bin/sh
# Installs the programs of other people that tests run beside ours: Prometheus and Alertmanager, Chromium, wrk. For root on Debian.
# Tests that miss one of them are skipped and say so.
set -eu
[ "$(id -u)" = 0 ] || { echo "test-host installs packages: run it as root" >&2; exit 2; }
missing=
for pair in promtool:prometheus amtool:prometheus-alertmanager chromium:chromium wrk:wrk; do
  command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || { echo "install$missing with your system's package manager" >&2; exit 2; }
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
if [ -d /run/systemd/system ]; then
  systemctl disable --now prometheus prometheus-alertmanager # tests start their own
fi
