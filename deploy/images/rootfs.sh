#!/bin/sh
# The whole file system of each image, one folder an image: its programs, the libraries that they load, certificates, the name
# of their user, and nothing else. deploy/images/rootfs.sh PROGRAMS FOLDER: PROGRAMS is where cargo put them.
set -eu
programs=$1
folder=$2

# image NAME PROGRAM...
image() {
  root=$folder/$1
  shift
  mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  echo 'tributary:x:10001:10001:Tributary:/:/none' >"$root/etc/passwd"
  echo 'tributary:x:10001:' >"$root/etc/group"
  echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
  for program; do
    # Without line numbers, which are more than half of it; functions keep their names in backtraces.
    strip --strip-debug -o "$root/usr/local/bin/$program" "$programs/$program"
    # "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)", and the loader without an arrow
    ldd "$programs/$program" | sed -n 's|^[^/]*\(/[^ ]*\) (0x.*|\1|p' | while read -r library; do
      mkdir -p "$root$(dirname "$library")"
      cp -L "$library" "$root$library"
    done
  done
}

rm -rf "$folder"
# Those that the Dockerfile copies, each with the program of its name, and the bff with what makes tokens.
sed -n 's|^COPY --from=build /images/\([a-z-]*\) /$|\1|p' "$(dirname "$0")/Dockerfile" | while read -r name; do
  case $name in
  bff) image bff bff generate-jwt ;;
  *) image "$name" "$name" ;;
  esac
done
# What volumes are mounted over: theirs is the owner of these.
mkdir -p "$folder/state/archive" "$folder/state/simulator"
# Secrets: what a container reads, and where the one that makes them puts those of each.
for name in own kept postgres provision bff campaign tracking commission payment notify; do
  mkdir -p "$folder/state/secrets/$name"
done
