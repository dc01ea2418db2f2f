//! The port's contract as a test suite.
