//! End-to-end tests over the lab, and the demo.
