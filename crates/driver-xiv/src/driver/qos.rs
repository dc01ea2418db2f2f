//! Limits by performance classes: a class for each limit that anybody asked for, in which every volume has it for itself;
//! and those that administrators made, as tiers.

use perilune_array::{Error, ErrorKind, Qos, QosWish, Result, Throughput, VolumeId};

use super::volumes::Shown;
use super::{Xiv, invalid, not_found};
use crate::protocol::{Command, Row};

/// What names of our classes begin with; the limit follows.
const OURS: &str = "perilune-iops-";

/// Classes that are not of our making.
pub(super) fn tiers(rows: &[Row]) -> Vec<String> {
    let names = rows.iter().filter_map(|row| row.text("name"));
    names.filter(|name| !name.starts_with(OURS)).map(str::to_owned).collect()
}

fn limit(row: &Row) -> Option<u32> {
    row.text("max_iops").and_then(|text| text.parse().ok()).filter(|iops| *iops > 0)
}

impl Xiv {
    pub(super) fn admit_qos(&self, wish: &QosWish) -> Result<()> {
        let Some(limits) = self.profile.qos.and_then(|limits| limits.max_iops) else {
            return Err(invalid("limits for single volumes need a FlashSystem A9000 or A9000R"));
        };
        match wish {
            QosWish::Tier(name) if self.profile.qos_tiers.contains(name) => Ok(()),
            QosWish::Tier(name) => Err(invalid(format!("there is no performance class {name}"))),
            QosWish::Limits(wanted) if wanted.min_iops.is_some() || wanted.burst_iops.is_some() => {
                Err(invalid("this array limits the most operations a second, and nothing else"))
            }
            QosWish::Limits(wanted) => match wanted.max_iops {
                Some(iops) if !(limits.min..=limits.max).contains(&iops) => {
                    let text = format!(
                        "{iops} operations a second are not between {} and {}",
                        limits.min, limits.max
                    );
                    Err(Error::new(ErrorKind::OutOfRange, text))
                }
                _ => Ok(()),
            },
        }
    }

    /// Puts the volume into the class that the wish means, or takes it out of any. Gives the class.
    pub(super) async fn set_class(&self, shown: &Shown, wish: &QosWish) -> Result<Option<String>> {
        let wanted = match wish {
            QosWish::Tier(name) => Some(name.clone()),
            QosWish::Limits(limits) => match limits.max_iops {
                Some(iops) => Some(self.class_of(iops).await?),
                None => None,
            },
        };
        if wanted == shown.class {
            return Ok(wanted);
        }
        let Some(class) = wanted else {
            let remove = Command::new("perf_class_remove_vol").with("vol", shown.name.clone());
            self.act_unless(remove, "VOLUME_NOT_CONNECTED_TO_ANY_PERF_CLASS").await?;
            return Ok(None);
        };
        self.put_in_class(&shown.name, &class).await.map(|()| Some(class))
    }

    pub(super) async fn put_in_class(&self, volume: &str, class: &str) -> Result<()> {
        let add = Command::new("perf_class_add_vol").with("perf_class", class).with("vol", volume);
        let added = self.act_unless(add, "VOLUME_ALREADY_IN_PERF_CLASS").await;
        if added.is_err() {
            // somebody may have deleted it
            self.known().classes.retain(|known| known != class);
        }
        added
    }

    /// The class of a limit, made if it is not there.
    async fn class_of(&self, iops: u32) -> Result<String> {
        let name = format!("{OURS}{iops}");
        if self.known().classes.contains(&name) {
            return Ok(name);
        }
        let rows = self.call(Command::new("perf_class_list").with("perf_class", name.clone())).await?;
        if rows.is_empty() {
            let create = Command::new("perf_class_create").with("perf_class", name.clone());
            self.act_unless(create.with("type", "independent"), "PERF_CLASS_EXISTS").await?;
        }
        if rows.first().and_then(limit) != Some(iops) {
            let rate = Command::new("perf_class_set_rate").with("perf_class", name.clone());
            self.act(rate.with("max_io_rate", iops.to_string())).await?;
        }
        self.known().classes.push(name.clone());
        Ok(name)
    }
}

#[async_trait::async_trait]
impl Qos for Xiv {
    async fn get(&self, volume: &VolumeId) -> Result<Throughput> {
        let Some(class) = self.volume(volume).await?.class else { return Ok(Throughput::default()) };
        let rows = self.call(Command::new("perf_class_list").with("perf_class", class.clone())).await?;
        let row = rows.first().ok_or_else(|| not_found(format_args!("performance class {class}")))?;
        Ok(Throughput { max_iops: limit(row), ..Throughput::default() })
    }

    async fn set(&self, volume: &VolumeId, wanted: &QosWish) -> Result<()> {
        self.admit_qos(wanted)?;
        let shown = self.volume(volume).await?;
        self.set_class(&shown, wanted).await.map(drop)
    }
}
