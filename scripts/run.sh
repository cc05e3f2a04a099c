#!/bin/sh
# The whole application: the API, its page, and what they need. Ctrl-C ends it.
set -eu
cd "$(dirname "$0")/.."
exec make run
