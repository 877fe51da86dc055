#!/bin/sh
# Formatting, lints and every test, with a database and a broker of their own: ./test.sh [crate] [test name]
# Everything is compiled by the linter: it is the compiler with lints, and both at once take less than one after the other.
[ $# -gt 0 ] || export RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings
. "$(dirname "$0")/xtask/bootstrap.sh"
# Where nothing was built before, all of it is built at once: nothing is compiled with two sets of features, and no core waits.
[ $# -gt 0 ] || beside='--bins --tests'
tool xtask dev test "$@"
