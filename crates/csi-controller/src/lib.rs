//! The CSI controller services over the engine.
