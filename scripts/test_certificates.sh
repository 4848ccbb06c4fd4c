#!/bin/sh
# For tests only: a certificate authority, a server pair for localhost and 127.0.0.1, and a client pair, valid for a year.
#   scripts/test_certificates.sh DIRECTORY
set -eu
umask 077
[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
mkdir -p "$1"
cd "$1"
openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=msgkit test CA" -keyout ca.key -out ca.crt 2>/dev/null
leaf() { # name, extensions
  openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf '%s\n' "$2" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
  rm "$1.csr" "$1.ext"
}
leaf server "subjectAltName=DNS:localhost,IP:127.0.0.1"
leaf client "extendedKeyUsage=clientAuth"
