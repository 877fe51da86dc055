#!/bin/sh
# Brings the whole stack up: ./start.sh [--mode http|event|hybrid] [--docker] [--demo small|large] [--databases-elsewhere]
. "$(dirname "$0")/xtask/bootstrap.sh"
# What it builds next, so that no core is idle while it is compiled: the services.
case " $* " in
  *' --docker '*) ;;
  *) beside=$(for it in */migrations; do printf ' --bin %s' "${it%/*}"; done) ;;
esac
tool tributary release up "$@"
