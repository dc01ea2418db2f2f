//! Converge use cases over the port: guard, disposition, ledger, fleet.
