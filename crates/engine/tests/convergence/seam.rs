//! An array seen through the script: every verb of the port is a touch.

use std::sync::Arc;

use futures::future::BoxFuture;
use perilune_array::{
    Access, Array, ConnectSpec, Connector, Error, ErrorKind, Host, HostId, HostSpec, Initiator, Mapping,
    Name, NewSnapshot, NewVolume, Owner, Page, PageToken, Profile, Qos, QosWish, Rename, Result, Size,
    Snapshot, SnapshotId, Snapshots, Source, SystemReport, TargetPort, Throughput, Volume, VolumeId, Volumes,
};

use crate::script::{Fault, Kind, Script, Touch};

/// One replica's way to an array.
#[derive(Debug, Clone)]
pub(crate) struct Seam {
    pub(crate) inner: Arc<dyn Array>,
    pub(crate) script: Script,
    pub(crate) replica: usize,
}

impl Seam {
    async fn pass<T: Send + 'static>(
        &self,
        site: &'static str,
        kind: Kind,
        act: impl FnOnce(Arc<dyn Array>) -> BoxFuture<'static, Result<T>>,
    ) -> Result<T> {
        let touch = Touch { site, kind, replica: self.replica };
        self.script.pass(touch, act(Arc::clone(&self.inner)), error).await
    }
}

fn error(fault: Fault) -> Error {
    let kind = match fault {
        Fault::Garbled => ErrorKind::Garbled,
        Fault::Unreachable => ErrorKind::Unreachable,
        Fault::Busy => ErrorKind::Busy,
        Fault::Expired => ErrorKind::Unauthenticated,
        Fault::Full => ErrorKind::NoCapacity,
        _ => ErrorKind::NoAnswer,
    };
    Error::new(kind, format!("{fault:?} on purpose"))
}

fn lacking() -> Error {
    Error::new(ErrorKind::Bug, "the array beneath has no such trait")
}

/// `touch!(self, Write, "volumes.create", (new), |array| array.volumes().create(&new).await)`: clones what is borrowed, for a late
/// request outlives its caller.
macro_rules! touch {
    ($self:ident, $kind:ident, $site:literal, ($($arg:ident),*), |$array:ident| $call:expr) => {{
        $(let $arg = $arg.to_owned();)*
        $self.pass($site, Kind::$kind, move |$array| Box::pin(async move { $call })).await
    }};
}

#[async_trait::async_trait]
impl Array for Seam {
    fn profile(&self) -> &Profile {
        self.inner.profile()
    }

    async fn inspect(&self) -> Result<SystemReport> {
        touch!(self, Read, "inspect", (), |array| array.inspect().await)
    }

    fn volumes(&self) -> &dyn Volumes {
        self
    }

    fn access(&self) -> &dyn Access {
        self
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        self.inner.snapshots().is_some().then_some(self)
    }

    fn rename(&self) -> Option<&dyn Rename> {
        self.inner.rename().is_some().then_some(self)
    }

    fn qos(&self) -> Option<&dyn Qos> {
        self.inner.qos().is_some().then_some(self)
    }
}

#[async_trait::async_trait]
impl Volumes for Seam {
    async fn find(&self, name: &Name) -> Result<Vec<Volume>> {
        touch!(self, Read, "volumes.find", (name), |array| array.volumes().find(&name).await)
    }

    async fn attempts(&self, name: &Name, owner: &Owner) -> Result<Vec<Volume>> {
        touch!(self, Read, "volumes.attempts", (name, owner), |array| {
            array.volumes().attempts(&name, &owner).await
        })
    }

    async fn get(&self, id: &VolumeId) -> Result<Volume> {
        touch!(self, Read, "volumes.get", (id), |array| array.volumes().get(&id).await)
    }

    async fn list(&self, from: Option<&PageToken>) -> Result<Page<Volume>> {
        let from = from.cloned();
        touch!(self, Read, "volumes.list", (), |array| array.volumes().list(from.as_ref()).await)
    }

    async fn create(&self, new: &NewVolume) -> Result<Volume> {
        touch!(self, Write, "volumes.create", (new), |array| array.volumes().create(&new).await)
    }

    async fn copy(&self, new: &NewVolume, source: &Source) -> Result<Volume> {
        touch!(self, Write, "volumes.copy", (new, source), |array| array.volumes().copy(&new, &source).await)
    }

    async fn resize(&self, id: &VolumeId, size: Size) -> Result<Volume> {
        touch!(self, Write, "volumes.resize", (id), |array| array.volumes().resize(&id, size).await)
    }

    async fn delete(&self, id: &VolumeId, owner: &Owner) -> Result<()> {
        touch!(self, Write, "volumes.delete", (id, owner), |array| array.volumes().delete(&id, &owner).await)
    }

    async fn mark(&self, id: &VolumeId, owner: Option<&Owner>) -> Result<()> {
        let owner = owner.cloned();
        touch!(self, Write, "volumes.mark", (id), |array| array.volumes().mark(&id, owner.as_ref()).await)
    }
}

#[async_trait::async_trait]
impl Access for Seam {
    async fn ports(&self) -> Result<Vec<TargetPort>> {
        touch!(self, Read, "access.ports", (), |array| array.access().ports().await)
    }

    async fn find_host(&self, spec: &HostSpec) -> Result<Option<Host>> {
        touch!(self, Read, "access.find_host", (spec), |array| array.access().find_host(&spec).await)
    }

    async fn create_host(&self, spec: &HostSpec) -> Result<Host> {
        touch!(self, Write, "access.create_host", (spec), |array| array.access().create_host(&spec).await)
    }

    async fn update_host(&self, id: &HostId, initiators: &[Initiator]) -> Result<Host> {
        touch!(self, Write, "access.update_host", (id, initiators), |array| {
            array.access().update_host(&id, &initiators).await
        })
    }

    async fn delete_host(&self, id: &HostId) -> Result<()> {
        touch!(self, Write, "access.delete_host", (id), |array| array.access().delete_host(&id).await)
    }

    async fn map(&self, volume: &VolumeId, host: &HostId, read_only: bool) -> Result<Mapping> {
        touch!(self, Write, "access.map", (volume, host), |array| {
            array.access().map(&volume, &host, read_only).await
        })
    }

    async fn unmap(&self, volume: &VolumeId, host: &HostId) -> Result<()> {
        touch!(self, Write, "access.unmap", (volume, host), |array| array
            .access()
            .unmap(&volume, &host)
            .await)
    }

    async fn mappings(&self, volume: &VolumeId) -> Result<Vec<Host>> {
        touch!(self, Read, "access.mappings", (volume), |array| array.access().mappings(&volume).await)
    }
}

#[async_trait::async_trait]
impl Snapshots for Seam {
    async fn find(&self, volume: &VolumeId, name: &Name) -> Result<Vec<Snapshot>> {
        touch!(self, Read, "snapshots.find", (volume, name), |array| {
            array.snapshots().ok_or_else(lacking)?.find(&volume, &name).await
        })
    }

    async fn attempts(&self, volume: &VolumeId, name: &Name, owner: &Owner) -> Result<Vec<Snapshot>> {
        touch!(self, Read, "snapshots.attempts", (volume, name, owner), |array| {
            array.snapshots().ok_or_else(lacking)?.attempts(&volume, &name, &owner).await
        })
    }

    async fn get(&self, id: &SnapshotId) -> Result<Snapshot> {
        touch!(self, Read, "snapshots.get", (id), |array| array
            .snapshots()
            .ok_or_else(lacking)?
            .get(&id)
            .await)
    }

    async fn list(&self, volume: Option<&VolumeId>) -> Result<Vec<Snapshot>> {
        let volume = volume.cloned();
        touch!(self, Read, "snapshots.list", (), |array| {
            array.snapshots().ok_or_else(lacking)?.list(volume.as_ref()).await
        })
    }

    async fn create(&self, new: &NewSnapshot) -> Result<Snapshot> {
        touch!(self, Write, "snapshots.create", (new), |array| {
            array.snapshots().ok_or_else(lacking)?.create(&new).await
        })
    }

    async fn delete(&self, id: &SnapshotId, owner: &Owner) -> Result<()> {
        touch!(self, Write, "snapshots.delete", (id, owner), |array| {
            array.snapshots().ok_or_else(lacking)?.delete(&id, &owner).await
        })
    }

    async fn revert(&self, volume: &VolumeId, to: &SnapshotId) -> Result<()> {
        touch!(self, Write, "snapshots.revert", (volume, to), |array| {
            array.snapshots().ok_or_else(lacking)?.revert(&volume, &to).await
        })
    }
}

#[async_trait::async_trait]
impl Qos for Seam {
    async fn get(&self, volume: &VolumeId) -> Result<Throughput> {
        touch!(self, Read, "qos.get", (volume), |array| array.qos().ok_or_else(lacking)?.get(&volume).await)
    }

    async fn set(&self, volume: &VolumeId, wanted: &QosWish) -> Result<()> {
        touch!(self, Write, "qos.set", (volume, wanted), |array| {
            array.qos().ok_or_else(lacking)?.set(&volume, &wanted).await
        })
    }
}

#[async_trait::async_trait]
impl Rename for Seam {
    async fn rename(&self, id: &VolumeId, name: &Name) -> Result<Volume> {
        touch!(self, Write, "volumes.rename", (id, name), |array| {
            array.rename().ok_or_else(lacking)?.rename(&id, &name).await
        })
    }
}

/// Connects a replica to the one array there is.
#[async_trait::async_trait]
impl Connector for Seam {
    async fn connect(&self, _: &ConnectSpec) -> Result<Arc<dyn Array>> {
        Ok(Arc::new(self.clone()))
    }
}
