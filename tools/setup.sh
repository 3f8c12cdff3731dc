#!/bin/sh
# What sets everything up, for the Makefile: `setup.sh python` prints the Python that uv is given, `setup.sh uv FOLDER` puts uv into
# FOLDER/bin. PYTHON is the command to try first, CERTIFICATES the system's bundle, where it has one.
set -eu
PYTHON=${PYTHON:-python3}

choose_python() { # the user's own where the lock is made for it; else uv finds a 3.13 or downloads one
  case $("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true) in
    3.11 | 3.12 | 3.13) echo "$PYTHON" ;;
    *) echo 3.13 ;;
  esac
}

install_uv() { # pip trusts a list of its own: from 23.3 it can be made to ask the system, before that it is given the system's bundle
  echo "installing uv into $1"
  if "$1/bin/python" -c 'import pip._vendor.truststore' 2>/dev/null; then truststore=--use-feature=truststore; fi
  REQUESTS_CA_BUNDLE=${REQUESTS_CA_BUNDLE:-${CERTIFICATES:-}} \
    "$1/bin/pip" install --quiet --quiet --disable-pip-version-check ${truststore:+"$truststore"} \
    --require-hashes --requirement "$(dirname "$0")/uv.txt"
}

link_uv() { # one that the user has, if it reads our lock
  found=$(command -v uv) || return 1
  "$found" export --frozen --quiet >/dev/null 2>&1 || return 1
  echo "using $found"
  mkdir -p "$1/bin"
  ln -sf "$found" "$1/bin/uv"
}

bring_uv() {
  if ! "$PYTHON" -c '' 2>/dev/null; then
    link_uv "$1" || { echo "$PYTHON does not run and there is no uv: install Python 3.11, 3.12 or 3.13" >&2; exit 2; }
  elif "$PYTHON" -m venv --clear "$1" >/dev/null 2>&1; then
    install_uv "$1"
  else
    link_uv "$1" || { echo "$PYTHON -m venv does not work: install your system's python3-venv package" >&2; exit 2; }
  fi
}

case ${1:-} in
  python) choose_python ;;
  uv) bring_uv "$2" ;;
  *) echo "setup.sh python, or setup.sh uv FOLDER" >&2; exit 2 ;;
esac
