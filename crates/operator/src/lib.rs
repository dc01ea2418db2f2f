//! Reconcilers and the Kubernetes side of ledger and lease.
