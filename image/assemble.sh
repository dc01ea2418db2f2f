#!/bin/sh
# Makes the root file system of the product image: assemble.sh FILES BINARIES DEST
#   FILES     list of files of this machine, one a line, # for comments
#   BINARIES  folder with perilune-controller and perilune-node
#   DEST      new folder
# Each program comes with the shared libraries that it is linked to and their loader. The Dockerfile runs this on its
# Debian stage, the test lab on the machine it stands on, so both images hold the same things.
set -eu
files=$1 binaries=$2 dest=$3

# one folder for programs and one for libraries, with the usual links to them
mkdir -p "$dest/usr/bin" "$dest/usr/lib" "$dest/etc" "$dest/tmp"
chmod 1777 "$dest/tmp"
ln -s usr/bin "$dest/bin"
ln -s usr/bin "$dest/sbin"
ln -s usr/lib "$dest/lib"
ln -s usr/lib "$dest/lib64"
ln -s bin "$dest/usr/sbin"

libraries() { # of a program, loader included, as the loader itself finds them
  ldd "$1" | sed -n 's/^[[:space:]]*\(.* => \)\{0,1\}\(\/[^ ]*\) (0x.*$/\2/p'
}

place() { # program, name in the image
  cp -L "$1" "$dest/usr/bin/$2"
  for library in $(libraries "$1"); do
    [ -e "$dest/usr/lib/${library##*/}" ] || cp -L "$library" "$dest/usr/lib/"
  done
}

place "$binaries/perilune-controller" perilune-controller
place "$binaries/perilune-node" perilune-node
grep -v '^#' "$files" | while read -r file; do
  case $file in
  /etc/*)
    mkdir -p "$dest${file%/*}"
    cp -L "$file" "$dest$file"
    ;;
  *) place "$file" "${file##*/}" ;;
  esac
done
