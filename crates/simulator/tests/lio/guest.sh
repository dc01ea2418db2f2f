#!/bin/bash
# First process of the guest that tests/lio boots: the host's tree read-only under an overlay in memory, the kernel's
# SCSI target and initiator, udev and iscsid; then a script, whose lines are the result. Nothing here can touch the host.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
said() { sed -n "s/.*$1=\\([^ ]*\\).*/\\1/p" /proc/cmdline; }
if [ "${1:-}" != inside ]; then
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /mnt
  # the modules are where modprobe does not look
  mkdir -p /mnt/modules/lib/modules && ln -s "$(said modules)/$(uname -r)" /mnt/modules/lib/modules/
  modprobe -d /mnt/modules overlay
  mkdir -p /mnt/up /mnt/work /mnt/root
  mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work /mnt/root
  mount -t proc proc /mnt/root/proc; mount -t sysfs sysfs /mnt/root/sys; mount -t devtmpfs devtmpfs /mnt/root/dev
  mount -t tmpfs tmpfs /mnt/root/run
  # no tmpfs on /tmp: the checkout may lie there, and the overlay is memory anyway
  exec chroot /mnt/root "$0" inside
fi
export SYSTEMD_IGNORE_CHROOT=1
ip link set lo up
mkdir -p /lib/modules && ln -sfn "$(said modules)/$(uname -r)" "/lib/modules/$(uname -r)"
modprobe -a configfs target_core_mod target_core_iblock iscsi_target_mod sd_mod sg iscsi_tcp dm-thin-pool loop
mount -t configfs configfs /sys/kernel/config
/lib/systemd/systemd-udevd --daemon; udevadm trigger; udevadm settle -t 10
mkdir -p /run/lock/iscsi /etc/iscsi /var/lib/iscsi
echo InitiatorName=iqn.2026-01.test:node >/etc/iscsi/initiatorname.iscsi
printf 'node.startup = manual\nnode.session.scan = manual\nnode.session.initial_login_retry_max = 1\nnode.conn[0].timeo.login_timeout = 5\n' >/etc/iscsi/iscsid.conf
iscsid -f >/run/iscsid.log 2>&1 &
sleep 1
SIMULATOR=$(said simulator) timeout 850 python3 "${0%/*}/$(said script)" 2>&1
echo o >/proc/sysrq-trigger; sleep 5
