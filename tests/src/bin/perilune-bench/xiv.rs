//! Management calls of what the XIV driver does at the port.

use std::sync::Arc;

use anyhow::{Context, Result};
use perilune_array::{
    Array, Connector, HostSpec, Initiator, Members, Name, NewGroup, NewGroupSnapshot, NewSnapshot, NewVolume,
    Owner, PoolId, RecordId, Settings, Source, Vendor, Volume,
};
use perilune_drivers::VendorConnector;
use perilune_engine::Size;
use perilune_simulator::{Config, Running, Simulator};

use super::roundtrips::connect_spec;
use super::row::Row;

/// What each operation may cost, and what the driver that exists spends on it. Commands of this family name objects, and a
/// name may have been given to another: each altering one costs a look at the WWN more. A mark cannot come with the
/// command that makes an object: each making one costs its metadata more.
const BUDGETS: [(&str, usize, Option<usize>); 11] = [
    ("create", 2, Some(1)),
    ("clone", 4, Some(2)),
    ("snapshot", 3, Some(1)),
    ("from-snapshot", 5, Some(2)),
    ("expand", 2, Some(1)),
    ("publish-new-host", 6, Some(9)),
    ("publish", 3, Some(5)),
    ("unpublish", 2, Some(3)),
    ("delete", 2, Some(1)),
    ("group-snapshot", 3, Some(1)),
    ("capacity-and-health", 1, Some(1)),
];

pub(crate) async fn measure() -> Result<Vec<Row>> {
    let counts = Bench::start().await?.count().await?;
    let row = |((name, budget, peer), value): ((&str, usize, Option<usize>), usize)| {
        let row = Row::new(format!("roundtrips/xiv/{name}"), value as f64, "calls", budget as f64);
        Row { peer: peer.map(|calls| calls as f64), ..row }
    };
    Ok(BUDGETS.into_iter().zip(counts).map(row).collect())
}

struct Bench {
    system: Running,
    array: Arc<dyn Array>,
}

impl Bench {
    /// A warm session: connected and once inspected, as the fleet has it.
    async fn start() -> Result<Self> {
        let system = Simulator::start(Config::xiv(&["xiv1"])).await?;
        let mut spec = connect_spec(&system)?;
        (spec.vendor, spec.settings, spec.chap) = (Vendor::Xiv, Settings::default(), None);
        let array = VendorConnector.connect(&spec).await?;
        array.inspect().await?;
        array.access().ports().await?;
        Ok(Self { system, array })
    }

    /// Calls since the last time.
    fn calls(&self) -> Result<usize> {
        let control = self.system.control();
        let count = control.journal("xiv1")?.len();
        control.clear_journal("xiv1")?;
        Ok(count)
    }

    async fn volume(&self, name: &str) -> Result<Volume> {
        Ok(self.array.volumes().create(&new(name)).await?)
    }

    async fn count(&self) -> Result<[usize; 11]> {
        let (volumes, access) = (self.array.volumes(), self.array.access());
        self.calls()?;
        let volume = self.volume("v").await?;
        let create = self.calls()?;
        volumes.copy(&new("c"), &Source::Volume(volume.id.clone())).await?;
        let clone = self.calls()?;
        let wanted = NewSnapshot::new(volume.id.clone(), Name::new("s"), owner());
        let taken = self.array.snapshots().context("snapshots")?.create(&wanted).await?;
        let snapshot = self.calls()?;
        volumes.copy(&new("r"), &Source::Snapshot(taken.id.clone(), volume.id.clone())).await?;
        let restore = self.calls()?;
        volumes.resize(&volume.id, Size::gib(2)).await?;
        let expand = self.calls()?;
        let initiators = vec![Initiator::Iqn("iqn.2026-01.io.perilune.bench:1".to_owned())];
        let node = HostSpec { name: Name::new("node-1"), initiators };
        access.find_host(&node).await?;
        let host = access.create_host(&node).await?;
        access.map(&volume.id, &host.id, false).await?;
        let new_host = self.calls()?;
        access.unmap(&volume.id, &host.id).await?;
        let unpublish = self.calls()?;
        let host = access.find_host(&node).await?.context("the host")?;
        access.map(&volume.id, &host.id, false).await?;
        let publish = self.calls()?;
        access.unmap(&volume.id, &host.id).await?;
        self.array.snapshots().context("snapshots")?.delete(&taken.id, &owner()).await?;
        self.calls()?;
        volumes.delete(&volume.id, &owner()).await?;
        let delete = self.calls()?;
        let group_snapshot = self.group_snapshot().await?;
        self.array.inspect().await?;
        let look = self.calls()?;
        Ok([
            create,
            clone,
            snapshot,
            restore,
            expand,
            new_host,
            publish,
            unpublish,
            delete,
            group_snapshot,
            look,
        ])
    }

    async fn group_snapshot(&self) -> Result<usize> {
        let groups = self.array.groups().context("groups")?;
        let group = groups.create(&NewGroup { name: Name::new("g"), pool: PoolId::new("pool1") }).await?.id;
        for name in ["a", "b", "d"] {
            groups.add(&group, &self.volume(name).await?.id).await?;
        }
        self.calls()?;
        let members = Members::Group(group);
        let new = NewGroupSnapshot { name: Name::new("gs"), members, owner: owner(), retention: None };
        self.array.group_snapshots().context("group snapshots")?.create(&new).await?;
        self.calls()
    }
}

fn owner() -> Owner {
    Owner::new("bench", RecordId::new("r"))
}

fn new(name: &str) -> NewVolume {
    NewVolume::new(Name::new(name), PoolId::new("pool1"), Size::gib(1), owner())
}
