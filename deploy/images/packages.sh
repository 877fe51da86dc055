#!/bin/sh
# What compiling needs beside the official Rust image: `protoc` for the Pulsar client; `make` for the allocator; certificates, which the images carry on.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o DPkg::Lock::Timeout=120 update
apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends ca-certificates make protobuf-compiler
