//! The CSI wire interface: protobuf definitions and their generated bindings.
