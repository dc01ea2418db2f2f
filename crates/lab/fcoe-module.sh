#!/bin/bash
# Builds the one module that Debian's User Mode Linux kernel lacks for Fibre Channel in a guest: fcoe-module.sh FOLDER
# Needs user-mode-linux gcc make flex bison m4 bc python3 xz-utils; a minute, and 1.6 GB for a while under TMPDIR (/dev/shm).
#
# Nothing checks symbols or layouts when the module is loaded, so the source must be the very version that the kernel was
# built from. The package's Built-Using field names it, and apt still has it when linux-source has moved on.
set -eu
out=$(readlink -f "${1:?folder to put fcoe.ko into}")
work=$(mktemp -d "${TMPDIR:-/dev/shm}/fcoe.XXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

version=$(linux.uml --version)
package=linux-source-${version%.*}
installed=$(dpkg-query -Wf '${Version}' user-mode-linux)
source=$(apt-cache show "user-mode-linux=$installed" | sed -n 's/^Built-Using:.*linux (= \([^)]*\)).*/\1/p')
apt-get -qq download "$package=${source:?the package user-mode-linux does not say what it was built from}" 2>&1 | grep -v unsandboxed || true
mkdir src mod
dpkg-deb --fsys-tarfile "$package"_*.deb | tar xO "./usr/src/$package.tar.xz" | tar xJ --strip-components=1 -C src

linux.uml --showconfig >src/.config
make -s -C src ARCH=um olddefconfig >/dev/null
linux.uml --showconfig | diff - src/.config || echo "warning: this is not the kernel's configuration; another compiler?" >&2
make -s -j"$(nproc)" -C src ARCH=um modules_prepare >prepare.log

cp src/drivers/scsi/fcoe/{fcoe.c,fcoe.h,libfcoe.h} mod/
echo 'obj-m := fcoe.o' >mod/Makefile
# without CONFIG_FCOE, which wants PCI, the kernel has no hooks for offload; neither has a veth, so their callers go
python3 - mod/fcoe.c <<'PYTHON'
import re, sys
path = sys.argv[1]
text = open(path).read()
text = re.sub(r'\tif \(ops->ndo_fcoe_(enable|disable)\) \{.*?\n\t\}\n', '', text, flags=re.S)
text = re.sub(r'\tif \(netdev->netdev_ops->ndo_fcoe_ddp_(setup|target|done)\)\n\t\treturn .*?;\n', '', text, flags=re.S)
text = text.replace('if (netdev->fcoe_ddp_xid) {', 'if (0) {')
text = text.replace('lport->lro_xid = netdev->fcoe_ddp_xid;', 'lport->lro_xid = 0;')
body = r'(static void fcoe_fdmi_info\(struct fc_lport \*lport, struct net_device \*netdev\)\n\{\n).*?\n\}\n'
text = re.sub(body, r'\1}\n', text, flags=re.S)
assert 'ndo_fcoe' not in text
open(path, 'w').write(text)
PYTHON
make -s -C src ARCH=um M="$work/mod" KBUILD_MODPOST_WARN=1 KCFLAGS=-Wno-unused-variable modules >build.log 2>&1 || {
  cat build.log
  exit 1
}
mkdir -p "$out"
cp mod/fcoe.ko "$out/"
