//! A host in memory that keeps the promises of the seam: what is staged, what is published where, and every wish as
//! it came in.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use perilune_host::{
    Ailment, Amount, Check, Error, ErrorKind, GrowRequest, Grown, Host, Identity, PublishRequest, Reconciled,
    Result, StageRequest, Staged, StagedVolume, Stats, StatsRequest, UnpublishRequest, UnstageRequest,
    VolumeKey,
};

#[derive(Debug, Default)]
pub(crate) struct FakeHost {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    staged: HashMap<VolumeKey, StageRequest>,
    published: HashMap<PathBuf, PublishRequest>,
    failing: Option<(ErrorKind, &'static str)>,
    abnormal: Vec<Ailment>,
    lost: usize,
    checks: Vec<Check>,
}

impl FakeHost {
    /// Every call fails like this from now on.
    pub(crate) fn fail(&self, kind: ErrorKind, message: &'static str) {
        self.state.lock().unwrap().failing = Some((kind, message));
    }

    /// What statistics tell of every volume from now on.
    pub(crate) fn sicken(&self, abnormal: &[Ailment]) {
        self.state.lock().unwrap().abnormal = abnormal.to_vec();
    }

    /// Every volume has so many paths less from now on.
    pub(crate) fn lose(&self, paths: usize) {
        self.state.lock().unwrap().lost = paths;
    }

    /// The host says this of itself from now on.
    pub(crate) fn find(&self, check: Check) {
        self.state.lock().unwrap().checks = vec![check];
    }

    pub(crate) fn staged(&self) -> Vec<StageRequest> {
        self.state.lock().unwrap().staged.values().cloned().collect()
    }

    pub(crate) fn published(&self) -> Vec<PublishRequest> {
        self.state.lock().unwrap().published.values().cloned().collect()
    }

    fn state(&self) -> Result<std::sync::MutexGuard<'_, State>> {
        let state = self.state.lock().unwrap();
        match state.failing {
            Some((kind, message)) => Err(Error::new(kind, message)),
            None => Ok(state),
        }
    }
}

#[async_trait]
impl Host for FakeHost {
    async fn stage(&self, request: &StageRequest) -> Result<Staged> {
        let mut state = self.state()?;
        let before = state.staged.insert(request.volume.clone(), request.clone());
        let already = match before {
            Some(before) if before.attachment == request.attachment && before.usage == request.usage => true,
            Some(_) => return Err(Error::new(ErrorKind::Refused, "staged in another way")),
            None => false,
        };
        let paths = request.attachment.paths.len();
        Ok(Staged { paths, missing: vec![], formatted: !already && request.born_empty, already })
    }

    async fn unstage(&self, request: &UnstageRequest) -> Result<()> {
        let mut state = self.state()?;
        if state.published.values().any(|published| published.volume == request.volume) {
            return Err(Error::new(ErrorKind::InUse, "still published"));
        }
        state.staged.remove(&request.volume);
        Ok(())
    }

    async fn publish(&self, request: &PublishRequest) -> Result<()> {
        let mut state = self.state()?;
        if !state.staged.contains_key(&request.volume) {
            return Err(Error::new(ErrorKind::Refused, "not staged"));
        }
        let alike =
            |other: &PublishRequest| other.volume == request.volume && other.read_only == request.read_only;
        let elsewhere = |other: &PublishRequest| {
            other.volume == request.volume && other.target_path != request.target_path
        };
        if state.published.get(&request.target_path).is_some_and(|other| !alike(other)) {
            return Err(Error::new(ErrorKind::Exists, "published in another way"));
        }
        if request.exclusive && state.published.values().any(elsewhere) {
            return Err(Error::new(ErrorKind::InUse, "published elsewhere"));
        }
        state.published.insert(request.target_path.clone(), request.clone());
        Ok(())
    }

    async fn unpublish(&self, request: &UnpublishRequest) -> Result<()> {
        self.state()?.published.remove(&request.target_path);
        Ok(())
    }

    async fn grow(&self, request: &GrowRequest) -> Result<Grown> {
        let mut state = self.state()?;
        let staged = state
            .staged
            .get_mut(&request.volume)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "not staged"))?;
        staged.attachment.size = staged.attachment.size.max(request.size.unwrap_or(0));
        Ok(Grown { size: staged.attachment.size })
    }

    async fn stats(&self, request: &StatsRequest) -> Result<Stats> {
        let state = self.state()?;
        let staged =
            state.staged.get(&request.volume).ok_or_else(|| Error::new(ErrorKind::NotFound, "not staged"))?;
        let total = staged.attachment.size;
        let bytes = Amount { total, used: 10, available: total - 10 };
        let inodes = Some(Amount { total: 100, used: 1, available: 99 });
        Ok(Stats { bytes, inodes, abnormal: state.abnormal.clone() })
    }

    async fn health(&self, request: &StatsRequest) -> Result<Vec<Ailment>> {
        let state = self.state()?;
        let staged = state.staged.contains_key(&request.volume);
        staged.then(|| state.abnormal.clone()).ok_or_else(|| Error::new(ErrorKind::NotFound, "not staged"))
    }

    async fn staged(&self) -> Result<Vec<StagedVolume>> {
        let lost = self.state()?.lost;
        let whole = |request: &StageRequest| {
            let paths = request.attachment.paths.len();
            StagedVolume {
                volume: request.volume.clone(),
                found: paths - lost,
                expected: paths,
                missing: vec![],
            }
        };
        Ok(self.state()?.staged.values().map(whole).collect())
    }

    fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }

    async fn identity(&self) -> Result<Identity> {
        Ok(Identity { initiator: None, ports: vec![], room: 512, checks: self.state()?.checks.clone() })
    }

    async fn reconcile(&self) -> Result<Reconciled> {
        Ok(Reconciled::default())
    }
}
