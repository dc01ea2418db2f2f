//! What both CSI plugins share: socket server, Identity, publish context, status.
