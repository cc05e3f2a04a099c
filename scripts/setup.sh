#!/bin/sh
# Prepares the first start: creates the virtual environment, installs packages, and creates and migrates the database.
set -eu
cd "$(dirname "$0")/.."
exec make setup database
