#!/bin/sh
# Everything that must be there before the first start: the virtual environment and what goes into it, and the migrated database.
set -eu
cd "$(dirname "$0")/.."
exec make setup database
