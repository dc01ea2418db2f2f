//! What happened on the system: told by clients, and by the system itself.

use jiff::Timestamp;

use super::System;
use crate::kernel::clock;
use crate::xiv::arguments::Arguments;
use crate::xiv::codes;
use crate::xiv::document::{Answer, Row};

/// The oldest give way beyond this many.
const KEPT: usize = 1000;

#[derive(Clone, Debug)]
pub(crate) struct Happening {
    index: u64,
    at: Timestamp,
    code: String,
    severity: String,
    description: String,
}

const SEVERITIES: &[&str] = &["informational", "warning", "minor", "major", "critical"];

impl System {
    pub(crate) fn note(&mut self, code: &str, severity: &str, description: String) {
        let index = self.fresh_object();
        let (code, severity) = (code.to_owned(), severity.to_owned());
        self.happenings.push_back(Happening { index, at: self.clock.now(), code, severity, description });
        if self.happenings.len() > KEPT {
            self.happenings.pop_front();
        }
    }

    pub(crate) fn custom_event(&mut self, arguments: &Arguments) -> Answer {
        let description = arguments.needed("description")?.to_owned();
        let severity = arguments.text("severity").unwrap_or("Informational").to_ascii_lowercase();
        if !SEVERITIES.contains(&severity.as_str()) {
            return Err(codes::bad_value("severity", &severity));
        }
        self.note("CUSTOM_EVENT", &severity, description);
        Ok(Vec::new())
    }

    /// Events of at least a severity, the oldest first.
    pub(crate) fn event_list(&mut self, arguments: &Arguments) -> Answer {
        let rank = |severity: &str| SEVERITIES.iter().position(|known| *known == severity);
        let least = match arguments.text("min_severity").map(str::to_ascii_lowercase) {
            None => 0,
            Some(severity) => rank(&severity).ok_or_else(|| codes::bad_value("min_severity", &severity))?,
        };
        let most = arguments.number("max_events")?.map_or(usize::MAX, |most| most as usize);
        let found = self.happenings.iter().filter(|event| rank(&event.severity) >= Some(least));
        let show = |event: &Happening| {
            Row::new("event", event.index)
                .with("index", event.index)
                .with("code", &event.code)
                .with("severity", &event.severity)
                .with("time", clock::seconds(event.at))
                .with("alerting", "no")
                .with("cleared", "yes")
                .with("description", &event.description)
        };
        let rows: Vec<Row> = found.map(show).collect();
        Ok(rows.into_iter().rev().take(most).rev().collect())
    }

    pub(crate) fn state_list(&mut self, _: &Arguments) -> Answer {
        let redundancy = if self.fullness >= 3 { "Redistributing" } else { "Full Redundancy" };
        let states = [
            ("target_state", "on"),
            ("shutdown_reason", "No Shutdown"),
            ("off_type", "off"),
            ("redundancy_status", redundancy),
            ("system_state", "on"),
        ];
        let row = |(at, (category, value)): (usize, (&str, &str))| {
            Row::new("state", at).with("category", category).with("value", value)
        };
        Ok(states.into_iter().enumerate().map(row).collect())
    }
}
