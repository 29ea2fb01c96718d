#!/bin/sh
# Puts together the whole file system of the image: root.sh BINARY FOLDER
#
# The gateway, the libraries that it is linked to, the authorities of public certificates, and a user: no shell, no package
# manager, nothing else. The Dockerfile copies the folder into an empty image.
set -eu

binary=$1 root=$2
[ ! -e "$root" ] || { echo "root.sh: $root exists" >&2; exit 1; }
mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/etc/netweave" "$root/tmp"
install -m 755 "$binary" "$root/usr/bin/netweave"

# Each library where the loader looks for it; the loader itself is the one with a path of its own.
ldd "$binary" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  install -m 755 "$(readlink -f "$library")" "$root$library"
done

install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
echo 'netweave:x:65532:65532::/nonexistent:/nonexistent' >"$root/etc/passwd"
echo 'netweave:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
chmod 1777 "$root/tmp"
