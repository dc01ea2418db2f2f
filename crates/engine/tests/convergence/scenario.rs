//! The use cases that alter something, each as a person's wish with what must be there before it.

use std::collections::BTreeMap;

use perilune_array::Size;
use perilune_engine::{BackendChoice, Claim, ContentSource, SizeRange, VolumeRequest};

use crate::cluster::{Cluster, IMPORTED};
use crate::kube::{self, GiveUp};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scenario {
    Create,
    Clone,
    CloneLarger,
    Restore,
    RestoreLarger,
    Delete,
    Grow,
    Attach,
    Detach,
    DetachAll,
    Snapshot,
    DeleteSnapshot,
    Modify,
    Import,
    Release,
    RestoreRecords,
}

impl Scenario {
    pub(crate) const ALL: [Self; 16] = [
        Self::Create,
        Self::Clone,
        Self::CloneLarger,
        Self::Restore,
        Self::RestoreLarger,
        Self::Delete,
        Self::Grow,
        Self::Attach,
        Self::Detach,
        Self::DetachAll,
        Self::Snapshot,
        Self::DeleteSnapshot,
        Self::Modify,
        Self::Import,
        Self::Release,
        Self::RestoreRecords,
    ];

    /// Is there anything to give up?
    pub(crate) fn can_give_up(self) -> bool {
        !matches!(
            self,
            Self::Delete
                | Self::Detach
                | Self::DetachAll
                | Self::DeleteSnapshot
                | Self::Release
                | Self::RestoreRecords
        )
    }

    /// What must be there before, made while nothing goes wrong.
    pub(crate) async fn prepare(self, c: &mut Cluster) {
        if matches!(self, Self::Create | Self::Import) {
            return;
        }
        kube::provision(c, request("base", 4, None), "base-data", None).await;
        let record = kube::volume(c, "base").handle.record().clone();
        let ours = c.array.inventory().volumes.into_iter();
        let native = ours.into_iter().find(|v| v.owner.as_ref().is_some_and(|owner| owner.record == record));
        assert!(c.array.write(&native.expect("base").id, "base-data"), "written");
        match self {
            Self::Restore | Self::RestoreLarger | Self::DeleteSnapshot => {
                kube::snapshot(c, "base", "snap", None).await;
            }
            Self::RestoreRecords => {
                kube::snapshot(c, "base", "snap", None).await;
                c.lose_records().await;
            }
            Self::Detach | Self::DetachAll => kube::attach(c, "base", "node-1", None).await,
            _ => {}
        }
    }

    /// The wish itself.
    pub(crate) async fn play(self, c: &mut Cluster, give_up: GiveUp) {
        match self {
            Self::Create => kube::provision(c, request("new", 4, None), "", give_up).await,
            Self::Clone | Self::CloneLarger => {
                let source = kube::source_volume(c, "base");
                kube::provision(c, request("copy", self.gib(), Some(source)), "base-data", give_up).await;
            }
            Self::Restore | Self::RestoreLarger => {
                let source = kube::source_snapshot(c, "snap");
                kube::provision(c, request("copy", self.gib(), Some(source)), "base-data", give_up).await;
            }
            Self::Delete => kube::delete(c, "base").await,
            Self::Grow => kube::expand(c, "base", Size::gib(9), Size::gib(6), give_up).await,
            Self::Attach => kube::attach(c, "base", "node-1", give_up).await,
            Self::Detach => kube::detach(c, "base", Some("node-1")).await,
            Self::DetachAll => kube::detach(c, "base", None).await,
            Self::Snapshot => kube::snapshot(c, "base", "snap", give_up).await,
            Self::DeleteSnapshot => kube::delete_snapshot(c, "snap").await,
            Self::Modify => kube::modify(c, "base", 500, 800, give_up).await,
            Self::Import => {
                let claim = Claim { namespace: "shop".to_owned(), name: IMPORTED.to_owned() };
                let wish = VolumeRequest { claim: Some(claim), ..request(IMPORTED, 5, None) };
                kube::provision(c, wish, "payroll-data", give_up).await;
            }
            Self::Release => kube::release(c, "base").await,
            Self::RestoreRecords => kube::restore(c).await,
        }
    }

    fn gib(self) -> u64 {
        if matches!(self, Self::CloneLarger | Self::RestoreLarger) { 6 } else { 4 }
    }
}

fn request(name: &str, gib: u64, source: Option<ContentSource>) -> VolumeRequest {
    VolumeRequest {
        csi_name: name.to_owned(),
        size: SizeRange { required: Size::gib(gib), limit: None },
        backend: BackendChoice::Any,
        pool: None,
        source,
        claim: None,
        parameters: BTreeMap::new(),
        mutable: BTreeMap::new(),
        topology: perilune_engine::TopologyRequirement::default(),
    }
}
