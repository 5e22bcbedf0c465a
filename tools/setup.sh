#!/usr/bin/env bash
# What Dogwatch needs from the operating system.
#   setup.sh python   to run it: Python 3.11 or newer, able to make a virtual environment
#   setup.sh tests    to test it as well: the real servers and tools that the tests drive
# As root on a system with apt, installs what is missing; elsewhere names it and stops.
set -euo pipefail

PYTHON=${PYTHON:-python3}
missing=()

has() { command -v "$1" >/dev/null; }
need() { # need PACKAGE CHECK...: remember the package unless the check succeeds
  local package=$1
  shift
  "$@" || missing+=("$package")
}

python_can_venv() { "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; }
python_is_new() { "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has_postgresql() { has postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; }
has_libfaketime() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null; }
php_has_curl() { has php && php -m | grep -qx curl; }
has_chromium() { has chromium || has chromium-browser || has google-chrome; }

needed_for_python() {
  need python3 has "$PYTHON"
  need python3-venv python_can_venv
}

needed_for_tests() {
  need postgresql has_postgresql
  need chromium has_chromium
  need bubblewrap has bwrap
  need curl has curl
  need git has git
  need strace has strace
  need libfaketime has_libfaketime
  need nodejs has node
  need npm has npm
  need jq has jq
  need borgbackup has borg
  need php-cli has php
  need php-curl php_has_curl
  need cron test -e /etc/crontab
  need sysstat test -e /etc/cron.d/sysstat
}

prefer_postgresql_15() {
  if apt-cache show postgresql-15 >/dev/null 2>&1; then
    missing=("${missing[@]/%postgresql/postgresql-15}")
  fi
}

install_missing() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q || { sleep 5 && apt-get update -q; }
  prefer_postgresql_15
  echo "installing: ${missing[*]}"
  apt-get install -q -y --no-install-recommends "${missing[@]}"
}

"needed_for_${1:?say python or tests}"
if ((${#missing[@]})); then
  if [[ $(id -u) == 0 ]] && has apt-get; then
    install_missing </dev/null
  else
    echo "Missing on this machine, by the names of their Debian packages: ${missing[*]}" >&2
    echo "On Debian or Ubuntu: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
fi
if [[ $1 == python ]] && ! python_is_new; then
  echo "Dogwatch needs Python 3.11 or newer; say where it is: make run PYTHON=/path/to/python3" >&2
  exit 1
fi
