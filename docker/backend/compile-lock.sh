#!/bin/sh
# Compiles requirements.lock anew from requirements.in, for the interpreter of the image: Debian 12's Python 3.11.2 on Linux.
#
# The exact patch version matters: under 3.11.2 redis needs async-timeout, under 3.11.3 and later it does not.
# With --upgrade every version moves to the newest; otherwise only what requirements.in asks for does. Needs uv.
set -eu
cd "$(dirname "$0")"
exec uv pip compile requirements.in \
  --output-file requirements.lock \
  --generate-hashes \
  --python-version 3.11.2 \
  --python-platform linux \
  --no-emit-index-url \
  --no-emit-find-links \
  --custom-compile-command docker/backend/compile-lock.sh \
  --quiet "$@"
