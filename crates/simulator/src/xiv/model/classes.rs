//! Performance classes: limits that the volumes in one share, or that each of them has.

use super::System;
use crate::xiv::arguments::{Arguments, new_name};
use crate::xiv::codes::{self, Refusal};
use crate::xiv::document::{Answer, Row};

#[derive(Clone, Debug)]
pub(crate) struct Class {
    id: u64,
    kind: String,
    /// Zero: no limit.
    iops: u64,
    bandwidth: u64,
}

impl System {
    pub(crate) fn perf_class_list(&mut self, arguments: &Arguments) -> Answer {
        let wanted = arguments.text("perf_class");
        let found = self.classes.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
        let show = |(name, class): (&String, &Class)| {
            Row::new("perf_class", class.id)
                .with("id", class.id)
                .with("name", name)
                .with("max_iops", class.iops)
                .with("max_bw", class.bandwidth)
                .with("type", &class.kind)
        };
        Ok(found.map(show).collect())
    }

    pub(crate) fn perf_class_create(&mut self, arguments: &Arguments) -> Answer {
        let name = new_name(arguments.needed("perf_class")?)?;
        let kind = arguments.text("type").unwrap_or("shared").to_ascii_lowercase();
        if kind != "shared" && kind != "independent" {
            return Err(codes::bad_value("type", &kind));
        }
        if self.classes.contains_key(&name) {
            return Err(Refusal::new("PERF_CLASS_EXISTS", "Performance class already exists"));
        }
        let id = self.fresh_object();
        self.classes.insert(name, Class { id, kind, iops: 0, bandwidth: 0 });
        Ok(Vec::new())
    }

    pub(crate) fn perf_class_set_rate(&mut self, arguments: &Arguments) -> Answer {
        let (iops, bandwidth) = (arguments.number("max_io_rate")?, arguments.number("max_bw_rate")?);
        let class = self.classes.get_mut(arguments.needed("perf_class")?).ok_or_else(codes::no_class)?;
        class.iops = iops.unwrap_or(class.iops);
        class.bandwidth = bandwidth.unwrap_or(class.bandwidth);
        Ok(Vec::new())
    }

    pub(crate) fn perf_class_delete(&mut self, arguments: &Arguments) -> Answer {
        let name = arguments.needed("perf_class")?;
        let class = self.classes.get(name).ok_or_else(codes::no_class)?.id;
        if self.volumes.values().any(|volume| volume.class.as_deref() == Some(name)) {
            return Err(Refusal::new(
                "PERF_CLASS_ASSOCIATED_WITH_VOLUMES",
                "Performance class is associated with volumes",
            ));
        }
        self.classes.remove(name);
        self.forget_metadata("perf_class", class);
        Ok(Vec::new())
    }

    /// Takes the volume out of the class that it was in.
    pub(crate) fn perf_class_add_vol(&mut self, arguments: &Arguments) -> Answer {
        let name = arguments.needed("perf_class")?;
        if !self.classes.contains_key(name) {
            return Err(codes::no_class());
        }
        let number = self.number(arguments.needed("vol")?)?;
        if let Some(volume) = self.volumes.get_mut(&number) {
            if volume.class.as_deref() == Some(name) {
                return Err(Refusal::new(
                    "VOLUME_ALREADY_IN_PERF_CLASS",
                    "Volume is already in the performance class",
                ));
            }
            volume.class = Some(name.to_owned());
        }
        Ok(Vec::new())
    }

    pub(crate) fn perf_class_remove_vol(&mut self, arguments: &Arguments) -> Answer {
        let number = self.number(arguments.needed("vol")?)?;
        match self.volumes.get_mut(&number).and_then(|volume| volume.class.take()) {
            Some(_) => Ok(Vec::new()),
            None => Err(Refusal::new(
                "VOLUME_NOT_CONNECTED_TO_ANY_PERF_CLASS",
                "Volume is not connected to any performance class",
            )),
        }
    }
}
