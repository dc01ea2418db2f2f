//! One measured budget.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// The most that it may be.
    pub(crate) budget: Option<f64>,
    /// What the driver that exists spends on the same work, where that is known.
    pub(crate) peer: Option<f64>,
    pub(crate) runs: usize,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str, budget: f64) -> Self {
        let value = (value * 100.0).round() / 100.0;
        Self { name: name.into(), value, unit, budget: Some(budget), peer: None, runs: 1 }
    }

    pub(crate) fn runs(self, runs: usize) -> Self {
        Self { runs, ..self }
    }
}
