//! Attach, mount, grow and detach SAN volumes on Linux.
