#!/bin/sh
# Runs once after installation: the pinned Node needs libatomic, which a minimal Debian does not have.
set -eu
root=$(dirname "$(dirname "$(readlink -f "$0")")")
for node in "$root"/node_modules/node-*/bin/node; do
  if [ ! -x "$node" ] || "$node" --version >/dev/null 2>&1; then continue; fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo 'Node 26 does not start on this machine. On Debian: sudo apt-get install libatomic1' >&2
    exit 1
  fi
  apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends libatomic1 >/dev/null
  "$node" --version >/dev/null
done
