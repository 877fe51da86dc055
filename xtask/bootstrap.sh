# Sourced by start.sh, stop.sh, test.sh and tributary: brings what must be there before any Rust can be built, then
# builds the tool that does the rest. POSIX sh.
set -eu
TRIBUTARY_ROOT=$(cd "$(dirname "$0")" && pwd)
export TRIBUTARY_ROOT
cd "$TRIBUTARY_ROOT"

die() { printf '%s\n' "$*" >&2; exit 1; }

# need COMMAND DEBIAN_PACKAGE BREW_FORMULA
need() {
  command -v "$1" >/dev/null 2>&1 && return 0
  command -v apt-get >/dev/null 2>&1 || die "$1 is missing. Run: brew install $3"
  if [ "$(id -u)" = 0 ]; then as=''
  elif sudo -n true 2>/dev/null; then as=sudo
  else die "$1 is missing. Run: sudo apt-get install -y $2"; fi
  echo "installing $2 (for $1)" >&2
  $as apt-get update -qq && $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2" >/dev/null ||
    die "could not install $2. Try: apt-get install $2"
}

rust() {
  wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
  command -v rustup >/dev/null 2>&1 || command -v cargo >/dev/null 2>&1 || ! [ -f "$HOME/.cargo/env" ] || . "$HOME/.cargo/env"
  if command -v rustup >/dev/null 2>&1; then
    rustup run "$wanted" cargo clippy --version >/dev/null 2>&1 && rustup run "$wanted" cargo fmt --version >/dev/null 2>&1 ||
      rustup toolchain install "$wanted" --profile minimal -c rustfmt -c clippy
  fi
  found=$(rustc --version 2>/dev/null | cut -d' ' -f2) || true
  [ "$found" = "$wanted" ] || die "Rust $wanted is needed (found: ${found:-none}). Run:
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain $wanted"
}

need cc build-essential gcc
need make build-essential make
need curl curl curl
need protoc protobuf-compiler protobuf
rust

# What is built together with a tool that was not built before.
beside=''

# tool NAME PROFILE ARGUMENTS...: PROFILE is the one whose other artefacts the command will build anyway.
tool() {
  name=$1 profile=$2; shift 2
  folder=$profile; [ "$profile" != dev ] || folder=debug
  program=${CARGO_TARGET_DIR:-target}/$folder/$name
  quiet=--quiet
  if [ -x "$program" ]; then beside=''; else quiet=''; echo "==> Building $name (some minutes the first time)" >&2; fi
  # What --version says. Not in tests: each commit would link every program again.
  if [ "$profile" = release ]; then
    : "${TRIBUTARY_COMMIT=$(git rev-parse --short=12 HEAD 2>/dev/null || :)}"
    export TRIBUTARY_COMMIT
  fi
  # A quiet cargo waits without a word while another builds here.
  teller=''
  if [ -n "$quiet" ] && [ -t 2 ]; then
    # The sleep outlives what is killed below: it must not hold the pipe of whoever reads what the program prints.
    (sleep 2; echo "==> $name is not up to date, or another cargo builds here: building it, or waiting for that") >&2 &
    teller=$!
  fi
  built=yes
  cargo build $quiet --locked --profile "$profile" --bin "$name" $beside || built=''
  [ -z "$teller" ] || kill "$teller" 2>/dev/null || :
  # The one of before still stops a stack and looks at it; what starts something builds by itself.
  if [ -z "$built" ]; then
    [ -n "$quiet" ] && [ -x "$program" ] || die "$name does not build: see above"
    echo "==> $name does not build: see above; going on with the one that was built before" >&2
  fi
  exec "$program" "$@"
}
