#!/bin/bash
# Process 1 of a guest. The kernel's command line gives MODULES, the folder of its modules, and LAB, this guest's folder,
# whose file `settings` gives the rest.
# The host's tree is the root, read-only, under an overlay in memory: nothing that runs here can touch the host, the
# lab's state folder apart.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
kernel=$(uname -r) modules=$MODULES

if [ "${1:-}" != inside ]; then
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /mnt
  insmod "$modules/$kernel/kernel/fs/overlayfs/overlay.ko"
  mkdir -p /mnt/up /mnt/work /mnt/root /mnt/lab
  mount -t hostfs hostfs /mnt/lab -o "$LAB"
  . /mnt/lab/settings
  mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/up,workdir=/mnt/work /mnt/root
  cd /mnt/root || exit
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t devtmpfs devtmpfs dev
  mkdir -p dev/pts dev/shm
  mount -t devpts devpts dev/pts
  mount -t tmpfs tmpfs dev/shm
  mount -t tmpfs tmpfs run
  mount -t tmpfs tmpfs tmp
  if [ -b /dev/ubda ] && ! mount -t ext4 -o noinit_itable /dev/ubda var/lib; then
    echo "the guest's disk does not mount; see the kernel's words above"
    echo o >/proc/sysrq-trigger; sleep 10
  fi
  # the same paths as outside, also where the mounts above have just hidden them
  for share in "$BINARIES" $SHARES; do mkdir -p ".$share"; mount -rt hostfs hostfs ".$share" -o "$share"; done
  mkdir -p ".$STATE"; mount -t hostfs hostfs ".$STATE" -o "$STATE"
  mkdir -p run/old
  pivot_root . run/old
  LAB=$LAB MODULES=$MODULES exec chroot . /bin/bash "$LAB/init" inside </dev/console >/dev/console 2>&1
fi

. "$LAB/settings"
say() { echo "$(cut -d' ' -f1 /proc/uptime) $*"; }
umount -l /run/old
mount --make-rshared /
# logs reach the host within 2 s
echo 100 >/proc/sys/vm/dirty_writeback_centisecs
echo 100 >/proc/sys/vm/dirty_expire_centisecs

containerd_settings() {
  mkdir -p /etc/containerd
  cat >/etc/containerd/config.toml <<E2
version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/busybox:1"
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
E2
}

start_containerd() {
  containerd >>"$LAB/containerd.log" 2>&1 &
  containerd=$!
  until [ -S /run/containerd/containerd.sock ]; do sleep 0.1; done
  say containerd
}

import_images() {
  local image failed=0
  for image in $IMAGES; do
    ctr -n k8s.io images import "$image" >/dev/null || { say "import of $image failed"; failed=1; }
  done
  say "images imported"
  return $failed
}

network() {
  local address
  ip link set lo up
  for address in $ADDRESSES; do ip addr add "$address/24" dev vec0; done
  ip link set vec0 up
  ip route add default via "${ADDRESSES%%.*}.250.0.1"
  echo 1 >/proc/sys/net/ipv4/ip_forward
}

# a storage host as its vendors' guides have it: nothing logs in or scans by itself, every path becomes part of a map
storage_host() {
  modprobe -a iscsi_tcp dm-multipath dm-service-time
  mkdir -p /run/lock/iscsi /etc/iscsi /var/lib/iscsi /etc/multipath
  echo "InitiatorName=iqn.2026-01.dev.perilune.lab:$NAME" >/etc/iscsi/initiatorname.iscsi
  printf 'node.startup = manual\nnode.session.scan = manual\n' >/etc/iscsi/iscsid.conf
  printf 'defaults {\n  user_friendly_names no\n  find_multipaths no\n  no_path_retry 12\n  skip_kpartx yes\n  recheck_wwid yes\n}\n' \
    >/etc/multipath.conf
  iscsid -f >>"$LAB/iscsid.log" 2>&1 &
  multipathd -d -s >>"$LAB/multipathd.log" 2>&1 &
}

kubelet_forever() {
  cat >/etc/kubelet.yaml <<E2
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $STATE/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
enforceNodeAllocatable: [none]
failSwapOn: false
makeIPTablesUtilChains: false
resolvConf: /etc/resolv.conf
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
imageGCHighThresholdPercent: 100
# how often a pod is looked at again, among others for a volume that has grown
syncFrequency: 5s
nodeStatusReportFrequency: 10s
E2
  while :; do
    "$BINARIES/kubelet" --config /etc/kubelet.yaml --kubeconfig "$STATE/$NAME.kubeconfig" --hostname-override "$NAME" \
      --node-ip "${ADDRESSES%% *}" -v 2 >>"$LAB/kubelet.log" 2>&1
    say "kubelet ended with $?"
    sleep 1
  done
}

mkdir -p /lib/modules
ln -sfn "$modules/$kernel" "/lib/modules/$kernel"
if [ "$TASK" = unpack ]; then
  ip link set lo up
  containerd_settings
  start_containerd
  import_images && touch "$LAB/done"
  kill $containerd; wait $containerd
  sync; umount /var/lib
  echo o >/proc/sysrq-trigger
  sleep 60
fi

hostname "$NAME"
echo "$NAME" >/etc/hostname
echo "127.0.0.1 localhost" >/etc/hosts
: >/etc/resolv.conf
echo "$NAME" | md5sum | cut -c1-32 >/etc/machine-id
network
# restarted if it dies: without it the lab is blind
while :; do "$STATE/perilune-lab" agent; sleep 1; done &
say agent

export SYSTEMD_IGNORE_CHROOT=1
modprobe -a sd_mod sg loop
/lib/systemd/systemd-udevd --daemon
# not for every terminal: each event costs a process or two, and those are slow here
udevadm trigger --subsystem-match=block --subsystem-match=scsi --subsystem-match=scsi_generic

if [ "$ROLE" != node ]; then
  if [ "$ROLE" = host ]; then
    storage_host
  else
    mkdir -p /etc/target
    modprobe -a configfs target_core_mod target_core_file target_core_iblock iscsi_target_mod dm-thin-pool
    mount -t configfs configfs /sys/kernel/config
  fi
  udevadm settle -t 20
  touch /run/lab-settled
  say settled
  while :; do sleep 3600; done
fi

modprobe -a bridge veth
storage_host
# kubelet does not start without a clock speed
{ sed '/^$/d' /proc/cpuinfo; printf 'cpu MHz\t\t: 1000.000\n\n'; } >/run/cpuinfo
mount --bind /run/cpuinfo /proc/cpuinfo
rm -rf /etc/cni/net.d
mkdir -p /etc/cni/net.d
cat >/etc/cni/net.d/10-lab.conflist <<E2
{"cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
 "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "$PODS"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
E2
containerd_settings
start_containerd
touch /run/lab-settled
kubelet_forever
