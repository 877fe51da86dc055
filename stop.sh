#!/bin/sh
# Stops what start.sh started; data stays unless: ./stop.sh --wipe; containers by: ./stop.sh --docker
. "$(dirname "$0")/xtask/bootstrap.sh"
tool tributary release down "$@"
