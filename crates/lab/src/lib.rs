//! Starts what tests and the demo run against.
