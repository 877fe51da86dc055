#!/bin/sh
# Formatting, lints and every test, with a database and a broker of their own: ./test.sh [crate] [test name]
. "$(dirname "$0")/xtask/bootstrap.sh"
tool xtask dev test "$@"
