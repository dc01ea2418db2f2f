//! What a check runs on.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use perilune_array::{
    AccessModel, Array, Capabilities, ErrorKind, Host, HostSpec, Initiator, Name, NewSnapshot, NewVolume,
    Owner, PoolId, RecordId, Result, Size, Snapshot, Snapshots, Volume, VolumeId, VolumeState,
};

/// Looks at a copy before it is taken for stuck.
const PATIENCE: usize = 400;

/// What hosts do to volumes, where the array itself would not let a test.
#[async_trait::async_trait]
pub trait Hands: Send + Sync {
    /// Writes a text of at most 64 bytes to the beginning of the volume.
    async fn write(&self, volume: &VolumeId, text: &str);

    /// The text at the beginning of the volume.
    async fn read(&self, volume: &VolumeId) -> String;

    /// Logs a host in to the volume, with `AccessModel::Account`. `false`: there is no data path here to log in over.
    async fn login(&self, volume: &VolumeId) -> bool;

    /// Lets some of the array's time pass.
    async fn wait(&self);
}

/// A fresh array and what is expected of it.
pub struct Bed {
    pub array: Arc<dyn Array>,
    /// The other array, linked with this one, where mirrors are to be checked.
    pub peer: Option<Arc<dyn Array>>,
    /// What it should be able to do, written out by whoever makes the bed.
    pub capabilities: Capabilities,
    /// May names repeat?
    pub names_repeat: bool,
    /// How many volumes it takes; at least 6.
    pub volumes: usize,
    /// How many copies of one volume it makes at once; at least 1, and as many as volumes where nothing limits them.
    pub copies_at_once: usize,
    pub hands: Arc<dyn Hands>,
    /// Whatever must live as long as the array.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Bed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bed").field("array", &self.array).finish_non_exhaustive()
    }
}

pub(crate) fn owner(record: &str) -> Owner {
    Owner::new("conformance", RecordId::new(record))
}

/// The kind of an error that must be.
pub(crate) fn kind<T: fmt::Debug>(answer: Result<T>) -> ErrorKind {
    answer.expect_err("this must fail").kind()
}

/// An id that no array gives.
pub(crate) const NOBODY: &str = "987654321";

impl Bed {
    pub(crate) fn by_account(&self) -> bool {
        self.array.profile().access == AccessModel::Account
    }

    pub(crate) async fn pool(&self) -> PoolId {
        let report = self.array.inspect().await.expect("inspect");
        report.pools.first().expect("a pool").id.clone()
    }

    /// A small size that the array takes.
    pub(crate) fn small(&self) -> Size {
        let rules = self.array.profile().sizes;
        rules.min.round_up(rules.step).expect("a smallest size")
    }

    /// The small size and so many steps.
    pub(crate) fn larger(&self, steps: u64) -> Size {
        Size::bytes(self.small().get() + steps * self.array.profile().sizes.step.get())
    }

    pub(crate) async fn new_volume(&self, name: &str) -> NewVolume {
        NewVolume::new(Name::new(name), self.pool().await, self.small(), owner(name))
    }

    /// A small volume, marked with its name.
    pub(crate) async fn volume(&self, name: &str) -> Volume {
        self.array.volumes().create(&self.new_volume(name).await).await.expect("create a volume")
    }

    /// The volume once it is no copy under way any more.
    pub(crate) async fn ready(&self, id: &VolumeId) -> Volume {
        for _ in 0..PATIENCE {
            let volume = self.array.volumes().get(id).await.expect("get the copy");
            if volume.state != VolumeState::Copying {
                return volume;
            }
            self.hands.wait().await;
        }
        panic!("volume {id} is still being copied");
    }

    pub(crate) fn snapshots(&self) -> &dyn Snapshots {
        self.array.snapshots().expect("snapshots")
    }

    pub(crate) async fn snapshot(&self, volume: &VolumeId, name: &str) -> Snapshot {
        let new = NewSnapshot::new(volume.clone(), Name::new(name), owner(name));
        self.snapshots().create(&new).await.expect("take a snapshot")
    }

    pub(crate) fn host_spec(&self, name: &str, numbers: &[u32]) -> HostSpec {
        let iqn = |number: &u32| Initiator::Iqn(format!("iqn.2026-01.io.perilune.test:{number}"));
        HostSpec { name: Name::new(name), initiators: numbers.iter().map(iqn).collect() }
    }

    /// A host, or with an account the one that stands for all.
    pub(crate) async fn host(&self, name: &str, numbers: &[u32]) -> Host {
        let (access, spec) = (self.array.access(), self.host_spec(name, numbers));
        match access.find_host(&spec).await.expect("find the host") {
            Some(host) => host,
            None => access.create_host(&spec).await.expect("make the host"),
        }
    }
}
