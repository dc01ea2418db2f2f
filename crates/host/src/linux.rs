//! The real host: one thread per call, one lock per volume, and the answer at the deadline whatever the kernel does.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::sync::{oneshot, watch};

use crate::{
    checks, detach,
    error::{Error, ErrorKind, Result},
    grow,
    host::Host,
    keeper,
    lock::Subject,
    os::{Linux, Os},
    publish, reconcile,
    request::{
        Ailment, GrowRequest, Grown, Identity, PublishRequest, Reconciled, StageRequest, Staged,
        StagedVolume, Stats, StatsRequest, UnpublishRequest, UnstageRequest,
    },
    stage, stats, survey,
    volume::VolumeKey,
    work::{Site, Work},
};

/// For the one question that is asked of multipathd.
const SURVEY: Duration = Duration::from_secs(3);

/// What must be known to work on a machine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the host's root is mounted read-write, for the host's own `iscsiadm`; `/` outside a container. In a
    /// container it must be mounted with propagation `HostToContainer`, or unmounted volumes live on in the copy.
    pub host_root: PathBuf,
    /// Where the records of volumes are kept; must survive a reboot and belong to this plugin alone.
    pub records: PathBuf,
    /// Directories below which volumes are mounted; looked at for whether mounts there reach the node.
    pub places: Vec<PathBuf>,
}

/// This machine.
#[derive(Clone, Debug)]
pub struct LinuxHost {
    site: Site,
    /// The keeper ends with the last of these.
    _alive: Arc<()>,
}

impl LinuxHost {
    /// Takes the machine into use: listens to uevents, touches nothing. To be called once per process.
    pub fn new(settings: Settings) -> Result<Self> {
        let os = Linux::new(settings.host_root.clone());
        Self::over(Arc::new(os), settings)
    }

    /// For tests: the process kills itself at the `at`-th beginning or end of an alteration.
    #[cfg(feature = "mortal")]
    pub fn dying(settings: Settings, at: u64) -> Result<Self> {
        let os = crate::os::mortal::Mortal::new(Linux::new(settings.host_root.clone()), at);
        Self::over(Arc::new(os), settings)
    }

    fn over(os: Arc<dyn Os>, settings: Settings) -> Result<Self> {
        let site = Site::new(os, settings)?;
        let alive = Arc::new(());
        keeper::start(&site, Arc::downgrade(&alive))?;
        Ok(Self { site, _alive: alive })
    }

    /// Processes started so far, for the budget that tests hold.
    pub fn processes_started(&self) -> u64 {
        self.site.os.started()
    }

    /// Paths found and expected over all staged volumes, as seen within the last seconds.
    pub fn paths_seen(&self) -> (usize, usize) {
        let seen = self.site.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |part: fn(&StagedVolume) -> usize| seen.iter().map(part).sum();
        (sum(|volume| volume.found), sum(|volume| volume.expected))
    }

    /// Calls that the kernel has not answered though their deadline is over.
    pub fn stuck_calls(&self) -> usize {
        self.site.os.stuck()
    }

    /// Runs work on a volume that nobody else may touch meanwhile.
    async fn alter<T: Send + 'static>(
        &self,
        volume: &VolumeKey,
        deadline: Instant,
        act: impl FnOnce(&Work) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let held =
            self.site.locks.alone(Subject::Volume(volume.clone()), Instant::now()).ok_or_else(|| {
                Error::new(
                    ErrorKind::Busy,
                    format!("another call works on volume {volume}; ask again when it is over"),
                )
            })?;
        self.look(volume, deadline, move |work| {
            let _held = held;
            act(work)
        })
        .await
    }

    /// Runs work on a thread of its own and answers at the deadline at the latest.
    async fn look<T: Send + 'static>(
        &self,
        volume: &VolumeKey,
        deadline: Instant,
        act: impl FnOnce(&Work) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = oneshot::channel();
        let work = Work { site: self.site.clone(), deadline: in_time_to_tell(deadline) };
        let span = tracing::Span::current();
        let body = move || {
            let _ = tell.send(span.in_scope(|| act(&work)));
        };
        thread::Builder::new()
            .name("host-volume".into())
            .spawn(body)
            .map_err(|error| Error::io("starting a thread", error))?;
        match tokio::time::timeout_at(deadline.into(), told).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => {
                Err(Error::new(ErrorKind::Bug, format!("the work on volume {volume} broke off, see the log")))
            }
            Err(_) => {
                let message =
                    format!("the work on volume {volume} was not over in time; it goes on, ask again");
                Err(Error::new(ErrorKind::TimedOut, message))
            }
        }
    }
}

/// What comes after a deadline: tidying, and the way of the answer.
const TELL: Duration = Duration::from_secs(10);

/// When work must give up, so that its caller hears what it met rather than that time is over.
fn in_time_to_tell(deadline: Instant) -> Instant {
    let time = deadline.saturating_duration_since(Instant::now());
    deadline - (time / 8).min(TELL)
}

#[async_trait]
impl Host for LinuxHost {
    async fn stage(&self, request: &StageRequest) -> Result<Staged> {
        let wish = request.clone();
        self.alter(&request.volume, request.deadline, move |work| {
            let staged = stage::stage(work, &wish);
            work.site.tell_change();
            staged
        })
        .await
    }

    async fn unstage(&self, request: &UnstageRequest) -> Result<()> {
        let wish = request.clone();
        self.alter(&request.volume, request.deadline, move |work| {
            let gone = detach::unstage(work, &wish.volume, &wish.staging_path);
            work.site.tell_change();
            gone
        })
        .await
    }

    async fn publish(&self, request: &PublishRequest) -> Result<()> {
        let wish = request.clone();
        self.alter(&request.volume, request.deadline, move |work| publish::publish(work, &wish)).await
    }

    async fn unpublish(&self, request: &UnpublishRequest) -> Result<()> {
        let target = request.target_path.clone();
        self.alter(&request.volume, request.deadline, move |work| publish::unpublish(work, &target)).await
    }

    async fn grow(&self, request: &GrowRequest) -> Result<Grown> {
        let wish = request.clone();
        self.alter(&request.volume, request.deadline, move |work| grow::grow(work, &wish)).await
    }

    async fn stats(&self, request: &StatsRequest) -> Result<Stats> {
        let wish = request.clone();
        self.look(&request.volume, request.deadline, move |work| stats::stats(work, &wish)).await
    }

    async fn health(&self, request: &StatsRequest) -> Result<Vec<Ailment>> {
        let wish = request.clone();
        self.look(&request.volume, request.deadline, move |work| stats::health(work, &wish)).await
    }

    async fn staged(&self) -> Result<Vec<StagedVolume>> {
        let work = Work { site: self.site.clone(), deadline: Instant::now() + SURVEY };
        self.aside(move || survey::staged(&work)).await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.site.changes.subscribe()
    }

    async fn identity(&self) -> Result<Identity> {
        let site = self.site.clone();
        self.aside(move || checks::identity(&site)).await
    }

    async fn reconcile(&self) -> Result<Reconciled> {
        let site = self.site.clone();
        self.aside(move || reconcile::reconcile(&site)).await
    }
}

impl LinuxHost {
    /// Runs work that belongs to no volume off the caller's runtime.
    async fn aside<T: Send + 'static>(&self, act: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (tell, told) = oneshot::channel();
        thread::Builder::new()
            .name("host-look".into())
            .spawn(move || tell.send(act()).is_ok())
            .map_err(|error| Error::io("starting a thread", error))?;
        told.await.map_err(|_| Error::new(ErrorKind::Bug, "a look at the host broke off, see the log"))?
    }
}
