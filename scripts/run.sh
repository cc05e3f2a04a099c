#!/bin/sh
# Starts the whole application: the API, the page, and what they need. Ctrl-C ends it.
set -eu
cd "$(dirname "$0")/.."
exec make run
