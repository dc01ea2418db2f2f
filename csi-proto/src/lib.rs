//! The CSI wire interface: protobuf definitions and their generated bindings.
//!
//! `csi::v1` is the union of CSI 1.12 and 1.13, `registration::v1` is kubelet's plugin registration. Everything here
//! is generated from `proto/` and committed; `tests/bootstrap.rs` compares, and rewrites when asked. No logic lives
//! here. A message that carries secrets has no `Debug`, so that it cannot reach a log by accident.

/// The Container Storage Interface.
pub mod csi {
    /// CSI 1.12 and 1.13 in one. A call that a server does not define answers UNIMPLEMENTED, as CSI wants it.
    #[expect(
        missing_debug_implementations,
        unused_qualifications,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        clippy::too_many_lines,
        reason = "generated; and a message with secrets must not be printable"
    )]
    pub mod v1 {
        include!("generated/csi.v1.rs");
    }
}

/// Kubelet's plugin registration.
pub mod registration {
    /// The only version there is; its protobuf package has no version in its name.
    #[expect(
        unused_qualifications,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        clippy::too_many_lines,
        reason = "generated"
    )]
    pub mod v1 {
        include!("generated/pluginregistration.rs");
    }
}
