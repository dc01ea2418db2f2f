//! Schedules that asynchronous mirrors follow.

use std::time::Duration;

use super::System;
use crate::xiv::arguments::{Arguments, new_name};
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::{Answer, Row};

/// There from the beginning, and the shortest.
pub(crate) const SHORTEST: &str = "min_interval";

#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) id: u64,
    /// None: a client says each time.
    pub(crate) interval: Option<Duration>,
}

fn read(text: &str) -> Option<Duration> {
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [hours, minutes, seconds] if *hours <= 12 && *minutes < 60 && *seconds < 60 => {
            Some(Duration::from_secs(hours * 3600 + minutes * 60 + seconds))
        }
        _ => None,
    }
}

fn written(interval: Option<Duration>) -> String {
    let seconds = interval.unwrap_or_default().as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

impl System {
    pub(crate) fn predefine_schedules(&mut self) {
        let id = self.fresh_object();
        let interval = Some(Duration::from_secs(20));
        self.schedules.insert(SHORTEST.to_owned(), Schedule { id, interval });
    }

    pub(crate) fn schedule_list(&mut self, arguments: &Arguments) -> Answer {
        let wanted = arguments.text("schedule");
        let found = self.schedules.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
        let show = |(name, schedule): (&String, &Schedule)| {
            Row::new("schedule", schedule.id)
                .with("name", name)
                .with("type", if schedule.interval.is_some() { "interval" } else { "manual" })
                .with("interval", written(schedule.interval))
        };
        Ok(found.map(show).collect())
    }

    pub(crate) fn schedule_create(&mut self, arguments: &Arguments) -> Answer {
        let name = new_name(arguments.needed("schedule")?)?;
        let interval =
            match (arguments.needed("type")?.to_ascii_lowercase().as_str(), arguments.text("interval")) {
                ("manual", _) => None,
                ("interval", Some(text)) => {
                    Some(read(text).ok_or_else(|| codes::bad_value("interval", text))?)
                }
                (kind, _) => return Err(codes::bad_value("type", kind)),
            };
        if self.schedules.contains_key(&name) {
            return Err(Refusal::new("SCHEDULE_NAME_EXISTS", "Schedule name already exists"));
        }
        let id = self.fresh_object();
        self.schedules.insert(name, Schedule { id, interval });
        Ok(Vec::new())
    }

    pub(crate) fn schedule(&self, name: &str) -> Result<&Schedule, Refusal> {
        self.schedules
            .get(name)
            .ok_or_else(|| Refusal::new("SCHEDULE_DOES_NOT_EXIST", "Schedule does not exist"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{read, written};

    #[test]
    fn an_interval_reads_as_it_is_written() {
        let interval = read("00:02:05");
        assert_eq!(interval, Some(Duration::from_secs(125)));
        assert_eq!(written(interval), "00:02:05");
        assert_eq!((read("2"), read("00:60:00"), read("a:b:c")), (None, None, None));
    }
}
