//! The CSI node service and kubelet registration over the host.
