//! Simulated arrays on real sockets.
