#!/bin/sh
# First process of the guest in which the kernel test runs: the machine's own tree under an overlay in memory, udev,
# iscsid, multipathd and a kernel SCSI target; then the test binary itself. What the test needs comes in the
# environment: GUEST_MODULES, the kernel's, GUEST_TEST, the binary, GUEST_NAME, the test in it, and for Fibre Channel
# GUEST_FCOE, the kernel module.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
V=$(uname -r)
if [ "${1:-}" != inside ]; then
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /mnt
  insmod "$GUEST_MODULES/$V"/kernel/fs/overlayfs/overlay.ko
  mkdir -p /mnt/up /mnt/work /mnt/root
  mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work /mnt/root
  mount -t proc proc /mnt/root/proc
  mount -t sysfs sysfs /mnt/root/sys
  mount -t devtmpfs devtmpfs /mnt/root/dev
  mount -t tmpfs tmpfs /mnt/root/run
  # no tmpfs on /tmp: the checkout may lie there, and the overlay is memory anyway
  exec chroot /mnt/root "$0" inside
fi
export SYSTEMD_IGNORE_CHROOT=1
mkdir -p /lib/modules && ln -sfn "$GUEST_MODULES/$V" /lib/modules/"$V"
ip link set lo up
modprobe -a configfs target_core_mod target_core_iblock iscsi_target_mod sd_mod sg iscsi_tcp dm-thin-pool loop dm-multipath dm-service-time ext4 xfs
mount -t configfs configfs /sys/kernel/config

mkdir -p /run/lock/iscsi /etc/iscsi /var/lib/iscsi
echo InitiatorName=iqn.2026-01.test:node >/etc/iscsi/initiatorname.iscsi
# defaults as some hosts have them: what matters must be set by the plugin itself
printf 'node.startup = automatic\n' >/etc/iscsi/iscsid.conf
printf 'defaults {\n  user_friendly_names no\n  find_multipaths %s\n  polling_interval 1\n  max_polling_interval 2\n  skip_kpartx yes\n}\noverrides {\n  no_path_retry 5\n  fast_io_fail_tmo 3\n}\n' "${GUEST_FIND_MULTIPATHS:-no}" >/etc/multipath.conf
# six processes for each disk, which a guest with one slow processor feels; the identity comes from scsi_id as well
mkdir -p /etc/udev/rules.d
for rule in 55-scsi-sg3_id 58-scsi-sg3_symlink; do ln -sf /dev/null /etc/udev/rules.d/$rule.rules; done
/lib/systemd/systemd-udevd --daemon
udevadm trigger
udevadm settle -t 10
iscsid -f >/run/iscsid.log 2>&1 &
multipathd -d -s >/run/multipathd.log 2>&1 &

# two cables, each from a port of the node to a port of the array; both ends are ports of this one kernel
if [ -n "${GUEST_FCOE:-}" ]; then
  modprobe -a libfcoe tcm_fc veth && insmod "$GUEST_FCOE"
  for i in 1 2; do
    ip link add ini$i address 02:fc:00:00:0a:0$i mtu 2500 type veth peer name tgt$i address 02:fc:00:00:0b:0$i mtu 2500
    for end in ini$i tgt$i; do
      ip link set $end up
      echo $end >/sys/bus/fcoe/ctlr_create
    done
  done
fi

# the host's root as the plugin's container has it
mkdir -p /host
mount --make-rshared /
mount --rbind / /host
mount --make-rslave /host

GUEST_TEST_INSIDE=1 "$GUEST_TEST" --exact "$GUEST_NAME" --nocapture 2>&1
code=$?
if [ $code != 0 ]; then
  echo "--- iscsid"; tail -n 20 /run/iscsid.log
  echo "--- multipathd"; tail -n ${GUEST_LINES:-60} /run/multipathd.log
  echo "--- kernel"; dmesg | tail -n 60
fi
echo "guest ended with $code"
echo o >/proc/sysrq-trigger
sleep 5
