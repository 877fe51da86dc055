#!/bin/sh
# Stops what start.sh started; data stays unless: ./stop.sh --wipe
. "$(dirname "$0")/xtask/bootstrap.sh"
xtask release down "$@"
