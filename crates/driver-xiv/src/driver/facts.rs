//! Which system this is, and how it says it is.

use std::time::{Duration, Instant};

use perilune_array::{ArrayId, Health, Pool, PoolId, Result, Size, SystemReport};

use super::Xiv;
use crate::client::Session;
use crate::fault;
use crate::protocol::{Command, Row};

/// How long version and state are believed without a look.
const BELIEVED: Duration = Duration::from_secs(300);
/// Below this share of its room a pool wants attention.
const NEARLY_FULL: u64 = 90;
const MIB: u64 = 1 << 20;
/// The array's GB.
const GB: u64 = 1_000_000_000;

/// What does not change while a system stands.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) serial: String,
    /// What its volumes' iSCSI disks are targets of.
    pub(super) iqn: String,
    machine: String,
    version: String,
}

/// What changes seldom.
#[derive(Debug, Clone)]
pub(super) struct Look {
    at: Instant,
    version: String,
    trouble: Option<String>,
}

impl Facts {
    pub(super) async fn read(session: &Session) -> Result<Self> {
        let rows = session.call(Command::new("config_get")).await?;
        let setting = |name: &str| {
            let row = rows.iter().find(|row| row.get("name") == Some(name)).and_then(|row| row.text("value"));
            row.map(str::to_owned)
                .ok_or_else(|| fault::garbled("config_get", format_args!("{name} is missing")))
        };
        let machine = format!("{}-{}", setting("machine_type")?, setting("machine_model")?);
        let (serial, iqn) = (setting("machine_serial_number")?, setting("iscsi_name")?);
        let name = setting("system_name").unwrap_or_else(|_| serial.clone());
        Ok(Self { name, serial, iqn, machine, version: version(session).await? })
    }

    /// The flash systems: thirty-two digits of WWN, limits for single volumes.
    pub(super) fn is_flash(&self) -> bool {
        let major = self.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        major.is_some_and(|major| major >= 12)
    }

    fn model(&self) -> String {
        let family = match self.machine.get(..4) {
            Some("2810" | "2812") => "XIV",
            Some("9835" | "9837") => "FlashSystem A9000",
            Some("9836" | "9838") => "FlashSystem A9000R",
            _ => "XIV family",
        };
        format!("{family} {}", self.machine)
    }
}

async fn version(session: &Session) -> Result<String> {
    let rows = session.call(Command::new("version_get")).await?;
    let version = rows.first().and_then(|row| row.text("system_version"));
    version.map(str::to_owned).ok_or_else(|| fault::garbled("version_get", "system_version is missing"))
}

/// The system's state, if it is not as it should be.
fn trouble(rows: &[Row]) -> Option<String> {
    let state = |category: &str| {
        let row = rows.iter().find(|row| row.get("category") == Some(category));
        row.and_then(|row| row.text("value")).map(str::to_owned)
    };
    let bad = [("system_state", "on"), ("redundancy_status", "Full Redundancy")];
    let found = bad.into_iter().filter_map(|(category, good)| {
        state(category).filter(|value| value != good).map(|value| format!("{category} is {value}"))
    });
    let found: Vec<String> = found.collect();
    (!found.is_empty()).then(|| found.join(", "))
}

impl Xiv {
    async fn look(&self) -> Result<Look> {
        if let Some(look) = self.known().look.clone().filter(|look| look.at.elapsed() < BELIEVED) {
            return Ok(look);
        }
        let version = version(&self.session).await?;
        let trouble = trouble(&self.call(Command::new("state_list")).await?);
        let look = Look { at: Instant::now(), version, trouble };
        self.known().look = Some(look.clone());
        Ok(look)
    }

    pub(super) async fn report(&self) -> Result<SystemReport> {
        let look = self.look().await?;
        let mut rows = self.call(Command::new("pool_list")).await?;
        if let Some(domain) = &self.config.domain {
            rows.retain(|row| row.get("domain") == Some(domain));
        }
        let pools = rows.iter().map(pool).collect::<Result<Vec<_>>>()?;
        Ok(SystemReport {
            id: ArrayId::new(self.facts.serial.clone()),
            name: self.facts.name.clone(),
            model: self.facts.model(),
            firmware: look.version,
            api_version: "XCLI".to_owned(),
            health: health(look.trouble, &rows, &pools),
            pools,
        })
    }
}

/// Bytes of a size that is told in MiB, or else in the array's GB.
fn size(row: &Row, gb: &str, mib: &str) -> Option<u64> {
    let told = |name: &str, unit: u64| row.text(name)?.parse::<u64>().ok()?.checked_mul(unit);
    told(mib, MIB).or_else(|| told(gb, GB))
}

/// Room is promised by the soft size and there by the hard one; the flash systems have one size for both.
fn pool(row: &Row) -> Result<Pool> {
    let wrong = |what: &str| fault::garbled("pool_list", format_args!("a pool's {what} is no size"));
    let name = row.text("name").ok_or_else(|| wrong("name"))?;
    let one = |name: &str| size(row, name, &format!("{name}_MiB"));
    let soft = one("soft_size").or_else(|| one("size")).ok_or_else(|| wrong("size"))?;
    let left = one("empty_space_soft").or_else(|| one("empty_space")).ok_or_else(|| wrong("empty space"))?;
    let hard = one("hard_size").unwrap_or(soft);
    let free = one("empty_space_hard").unwrap_or(left);
    Ok(Pool {
        id: PoolId::new(name),
        name: name.to_owned(),
        total: Size::bytes(hard),
        free: Size::bytes(free.min(hard)),
        provisioned: Size::bytes(soft.saturating_sub(left)),
        provisionable: Size::bytes(soft),
    })
}

fn health(trouble: Option<String>, rows: &[Row], pools: &[Pool]) -> Health {
    let locked = rows.iter().filter(|row| row.is_yes("locked")).filter_map(|row| row.get("name"));
    let locked = locked.map(|name| format!("pool {name} is locked"));
    let used = |pool: &Pool| {
        let share =
            u128::from(pool.total.get() - pool.free.get()) * 100 / u128::from(pool.total.get().max(1));
        (share >= u128::from(NEARLY_FULL)).then(|| format!("{share} % of pool {} are used", pool.name))
    };
    let found: Vec<String> = trouble.into_iter().chain(locked).chain(pools.iter().filter_map(used)).collect();
    if found.is_empty() { Health::Good } else { Health::Degraded(found.join("; ")) }
}
