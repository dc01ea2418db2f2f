//! Faults that a test orders: which call they strike and what happens to it.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::lock::hold;

/// One ordered fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method it strikes, `*` for any.
    pub method: String,
    /// The how-manieth such call from now on, counted from 1; every one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
    pub action: Action,
}

/// What happens to a call that a fault strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The connection is cut and the array has done nothing.
    DropBefore,
    /// The array acts, then cuts the connection: the answer is lost.
    DropAfter,
    /// The array acts at once and answers this many milliseconds later.
    Late(u64),
    /// The array acts and answers something that is no JSON.
    Garbage,
    /// The array does nothing and answers this error name.
    Error(String),
    /// The array does nothing and answers this HTTP status (401 as it does for a wrong password).
    Status(u16),
}

impl Fault {
    /// Strikes the `call`-th call of `method` from now on.
    pub fn nth(method: &str, call: u64, action: Action) -> Self {
        Self { method: method.to_owned(), call: Some(call), action }
    }

    /// Strikes every call of `method`.
    pub fn every(method: &str, action: Action) -> Self {
        Self { method: method.to_owned(), call: None, action }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Ordered>>);

#[derive(Debug)]
struct Ordered {
    fault: Fault,
    seen: u64,
}

impl Faults {
    pub(crate) fn order(&self, fault: Fault) {
        hold(&self.0).push(Ordered { fault, seen: 0 });
    }

    pub(crate) fn clear(&self) {
        hold(&self.0).clear();
    }

    pub(crate) fn pending(&self) -> Vec<Fault> {
        hold(&self.0).iter().map(|ordered| ordered.fault.clone()).collect()
    }

    /// What strikes this call. Every waiting fault counts it; the first that is due wins and, unless permanent, is spent.
    pub(crate) fn strike(&self, method: &str) -> Option<Action> {
        let mut waiting = hold(&self.0);
        let mut struck = None;
        waiting.retain_mut(|ordered| {
            if ordered.fault.method != "*" && ordered.fault.method != method {
                return true;
            }
            ordered.seen += 1;
            let due = ordered.fault.call.is_none_or(|call| call == ordered.seen);
            if due && struck.is_none() {
                struck = Some(ordered.fault.action.clone());
                return ordered.fault.call.is_none();
            }
            true
        });
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Fault, Faults};

    #[test]
    fn a_numbered_fault_strikes_once_and_only_its_call() {
        let faults = Faults::default();
        faults.order(Fault::nth("A", 2, Action::DropBefore));
        let struck: Vec<bool> = ["A", "B", "A", "A"].iter().map(|m| faults.strike(m).is_some()).collect();
        assert_eq!(struck, [false, false, true, false]);
        assert!(faults.pending().is_empty());
    }

    #[test]
    fn a_fault_without_number_strikes_until_cleared() {
        let faults = Faults::default();
        faults.order(Fault::every("*", Action::Error("xDBVersionMismatch".into())));
        assert!(faults.strike("A").is_some() && faults.strike("B").is_some());
        faults.clear();
        assert!(faults.strike("A").is_none());
    }
}
