//! Management calls of what the SolidFire driver does at the port, by volume access groups and between two clusters.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use perilune_array::{
    Access, Array, Connector, HostSpec, Initiator, Invitation, Members, Mirrors, Mode, Name,
    NewGroupSnapshot, NewMirror, NewVolume, Owner, Pairing, QosWish, RecordId, Role, Settings, Subject,
    Throughput, Volume,
};
use perilune_drivers::VendorConnector;
use perilune_engine::Size;
use perilune_simulator::{ArrayConfig, Config, Running, Simulator};

use super::roundtrips::connect_spec_of;
use super::row::Row;

/// How many volumes fail over together.
const COPIES: usize = 3;

/// What each operation may cost, and what the driver that exists spends on it.
const BUDGETS: [(&str, usize, Option<usize>); 6] = [
    // the volume is read before a host may see it
    ("publish-by-group", 2, Some(2)),
    // and the groups are looked through, and one is made
    ("publish-new-host-by-group", 4, Some(3)),
    ("unpublish-by-group", 1, Some(2)),
    ("modify", 1, Some(3)),
    ("group-snapshot", 1, Some(2)),
    ("failover-of-3", 4, Some(2 + 4 * COPIES)),
];

pub(crate) async fn measure() -> Result<Vec<Row>> {
    let counts = Bench::start().await?.count().await?;
    let row = |((name, budget, peer), value): ((&str, usize, Option<usize>), usize)| {
        let row = Row::new(format!("roundtrips/solidfire/{name}"), value as f64, "calls", budget as f64);
        Row { peer: peer.map(|calls| calls as f64), ..row }
    };
    Ok(BUDGETS.into_iter().zip(counts).map(row).collect())
}

struct Bench {
    clusters: Running,
    here: Arc<dyn Array>,
    there: Arc<dyn Array>,
}

impl Bench {
    async fn start() -> Result<Self> {
        let mut config = Config::solidfire("sf1");
        config.arrays.push(ArrayConfig::solidfire("sf2", ([127, 0, 0, 2], 0).into()));
        let clusters = Simulator::start(config).await?;
        let (here, there) = (connect(&clusters, 0).await?, connect(&clusters, 1).await?);
        Ok(Self { clusters, here, there })
    }

    /// Calls to both clusters since the last time.
    fn calls(&self) -> Result<usize> {
        let control = self.clusters.control();
        let count =
            ["sf1", "sf2"].iter().map(|array| Ok(control.journal(array)?.len())).sum::<Result<usize>>();
        for array in ["sf1", "sf2"] {
            control.clear_journal(array)?;
        }
        count
    }

    async fn count(&self) -> Result<[usize; 6]> {
        let (one, other) = (volume(&*self.here, "v").await?, volume(&*self.here, "w").await?);
        let access = self.here.access();
        self.calls()?;
        publish(access, &one).await?;
        let new_host = self.calls()?;
        publish(access, &other).await?;
        let known = self.calls()?;
        let host = access.find_host(&node()).await?.context("the host")?;
        access.unmap(&one.id, &host.id).await?;
        let unpublish = self.calls()?;
        let limits = Throughput { min_iops: Some(100), max_iops: Some(200), burst_iops: Some(400) };
        self.here.qos().context("qos")?.set(&one.id, &QosWish::Limits(limits)).await?;
        let modify = self.calls()?;
        let members = Members::Volumes(vec![one.id, other.id]);
        let new = NewGroupSnapshot { name: Name::new("g"), members, owner: owner(), retention: None };
        self.here.group_snapshots().context("group snapshots")?.create(&new).await?;
        let group_snapshot = self.calls()?;
        Ok([known, new_host, unpublish, modify, group_snapshot, self.failover().await?])
    }

    async fn failover(&self) -> Result<usize> {
        let (mut sources, mut targets) = (Vec::new(), Vec::new());
        for number in 0..COPIES {
            let name = format!("m-{number}");
            let (source, target) = (volume(&*self.here, &name).await?, volume(&*self.there, &name).await?);
            sources.push(Subject::Volume(source.id));
            targets.push(Subject::Volume(target.id));
        }
        for (source, target) in sources.iter().zip(&targets) {
            self.relate(source, target).await?;
        }
        self.clusters.control().advance(Duration::from_secs(60));
        self.calls()?;
        mirrors(&*self.here)?.demote(&sources).await?;
        let now = mirrors(&*self.there)?.promote(&targets).await?;
        ensure!(now.len() == COPIES && now.iter().all(|half| half.writable), "not all are writable: {now:?}");
        self.calls()
    }

    /// Carries word between the two clusters until the copies are related.
    async fn relate(&self, source: &Subject, target: &Subject) -> Result<()> {
        let (mut role, mut word): (Role, Option<Invitation>) = (Role::Source, None);
        loop {
            let (array, peer, subject, other) = match role {
                Role::Source => (&self.here, &self.there, source, target),
                Role::Target => (&self.there, &self.here, target, source),
            };
            let report = peer.inspect().await?;
            let new = NewMirror {
                subject: subject.clone(),
                role,
                peer_array: report.id,
                peer_pool: report.pools.first().context("a pool")?.id.clone(),
                peer_subject: Some(other.clone()),
                mode: Mode::Sync,
                invitation: word,
            };
            match mirrors(&**array)?.pair(&new).await? {
                Pairing::Done(_) => return Ok(()),
                Pairing::Tell(invitation) => word = Some(invitation),
            }
            role = if role == Role::Source { Role::Target } else { Role::Source };
        }
    }
}

async fn connect(clusters: &Running, at: usize) -> Result<Arc<dyn Array>> {
    let mut spec = connect_spec_of(clusters, at)?;
    let settings = [("tenant", "bench"), ("useCHAP", "false"), ("clusterPairing", "Managed")];
    spec.settings = Settings(settings.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec());
    spec.chap = None;
    let array = VendorConnector.connect(&spec).await?;
    // what a session knows after the first look
    array.access().ports().await?;
    array.inspect().await?;
    Ok(array)
}

fn mirrors(array: &dyn Array) -> Result<&dyn Mirrors> {
    array.mirrors().context("mirrors")
}

fn owner() -> Owner {
    Owner::new("bench", RecordId::new("r"))
}

fn node() -> HostSpec {
    let initiators = vec![Initiator::Iqn("iqn.2026-01.io.perilune.bench:1".to_owned())];
    HostSpec { name: Name::new("node-1"), initiators }
}

async fn volume(array: &dyn Array, name: &str) -> Result<Volume> {
    let pool = array.inspect().await?.pools.first().context("a pool")?.id.clone();
    let new = NewVolume::new(Name::new(name), pool, Size::gib(1), owner());
    Ok(array.volumes().create(&new).await?)
}

async fn publish(access: &dyn Access, volume: &Volume) -> Result<()> {
    let host = match access.find_host(&node()).await? {
        Some(host) => host,
        None => access.create_host(&node()).await?,
    };
    access.map(&volume.id, &host.id, false).await?;
    Ok(())
}
