#!/bin/sh
# Brings the whole stack up: ./start.sh [--mode http|event|hybrid] [--docker] [--demo small|large]
. "$(dirname "$0")/xtask/bootstrap.sh"
tool tributary release up "$@"
