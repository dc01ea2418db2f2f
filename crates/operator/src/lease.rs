//! The writer lease: of all replicas, the one that holds it may alter arrays.
//!
//! A `coordination.k8s.io` Lease, in the manner of Kubernetes' own components: whoever sees no renewal for the lease's
//! duration, measured by the own clock since the last change seen, may take it. A holder that could not renew in time says so
//! *before* anybody else may take over, and its process must end: its engine may have calls under way.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// Who competes for which lease.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    /// Where the lease is kept: the namespace of the release.
    pub namespace: String,
    /// The name of the lease.
    pub name: String,
    /// Who we are: the pod's name.
    pub identity: String,
    /// How long the others wait after the last sign of life.
    pub duration: Duration,
    /// How long a holder tries to give a sign of life before it gives up; less than `duration`.
    pub renew_deadline: Duration,
    /// How often it is tried.
    pub retry_period: Duration,
}

/// How holding the lease ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LeaseEnd {
    /// We were asked to stop; another replica may take over at once.
    Released,
    /// It could not be renewed in time, or somebody else has it. The process must end now.
    Lost,
}

/// A competitor for the lease; see [`WriterLease::run`].
#[derive(Debug)]
pub struct WriterLease {
    settings: LeaseSettings,
    api: Api<Lease>,
    held: Arc<watch::Sender<bool>>,
    seen: Option<Seen>,
}

/// The last change of the lease that we saw, and when by our clock.
#[derive(Debug)]
struct Seen {
    version: Option<String>,
    at: Instant,
}

/// What one try came to.
#[derive(Debug)]
enum Try {
    Mine,
    Taken,
    /// Somebody else wrote at the same moment; the next try tells who.
    Raced,
}

impl LeaseSettings {
    /// With the intervals that Kubernetes' own components use.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            identity: identity.into(),
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

impl WriterLease {
    /// A competitor, and the value that tells whether it holds the lease.
    pub fn new(client: Client, settings: LeaseSettings) -> (Self, watch::Receiver<bool>) {
        let (held, watched) = watch::channel(false);
        let api = Api::namespaced(client, &settings.namespace);
        (Self { settings, api, held: Arc::new(held), seen: None }, watched)
    }

    /// Competes until the lease is held, keeps it until `stop`, and gives it back then.
    pub async fn run(mut self, stop: impl Future<Output = ()> + Send) -> LeaseEnd {
        tokio::pin!(stop);
        let end = tokio::select! {
            biased;
            () = &mut stop => LeaseEnd::Released,
            () = self.keep() => LeaseEnd::Lost,
        };
        let held = self.held.send_replace(false);
        if held && end == LeaseEnd::Released {
            self.give_back().await;
        }
        end
    }

    /// Returns only when a lease that was held is lost.
    async fn keep(&mut self) {
        let mut renewed: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            // an answer that comes after the deadline is of no use any more
            let patience = match renewed {
                Some(at) => self.settings.renew_deadline.saturating_sub(at.elapsed()),
                None => self.settings.renew_deadline,
            };
            match timeout(patience, self.attempt()).await {
                Ok(Ok(Try::Mine)) => {
                    if renewed.replace(begun).is_none() {
                        tracing::info!(lease = %self.settings.name, "holding the writer lease");
                        self.held.send_replace(true);
                    }
                }
                Ok(Ok(Try::Taken)) if renewed.is_some() => {
                    tracing::error!(lease = %self.settings.name, "another replica took the writer lease");
                    return;
                }
                Ok(Ok(Try::Taken | Try::Raced)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(lease = %self.settings.name, %error, "cannot write the lease; trying again");
                }
                Err(_) => {
                    tracing::warn!(lease = %self.settings.name, "the API server did not answer in time");
                }
            }
            let left = renewed.map(|at| self.settings.renew_deadline.saturating_sub(at.elapsed()));
            if left == Some(Duration::ZERO) {
                tracing::error!(lease = %self.settings.name, "could not renew the writer lease in time");
                return;
            }
            sleep(left.map_or(self.settings.retry_period, |left| left.min(self.settings.retry_period))).await;
        }
    }

    /// Takes or renews the lease if nobody else may have it.
    async fn attempt(&mut self) -> Result<Try, kube::Error> {
        let Some(lease) = self.api.get_opt(&self.settings.name).await? else {
            let fresh = self.filled(Lease::default());
            return written(self.api.create(&PostParams::default(), &fresh).await);
        };
        if !self.may_take(&lease) {
            return Ok(Try::Taken);
        }
        let filled = self.filled(lease);
        written(self.api.replace(&self.settings.name, &PostParams::default(), &filled).await)
    }

    fn may_take(&mut self, lease: &Lease) -> bool {
        let spec = lease.spec.as_ref();
        let holder = spec.and_then(|s| s.holder_identity.as_deref()).unwrap_or_default();
        let version = lease.metadata.resource_version.clone();
        if self.seen.as_ref().is_none_or(|seen| seen.version != version) {
            self.seen = Some(Seen { version, at: Instant::now() });
        }
        let duration = spec
            .and_then(|s| s.lease_duration_seconds)
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(self.settings.duration, Duration::from_secs);
        let silent = self.seen.as_ref().is_some_and(|seen| seen.at.elapsed() >= duration);
        holder.is_empty() || holder == self.settings.identity || silent
    }

    /// The lease with us as its holder, renewed now.
    fn filled(&self, mut lease: Lease) -> Lease {
        lease.metadata.name = Some(self.settings.name.clone());
        let now = MicroTime(Timestamp::now());
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        if spec.holder_identity.as_ref() != Some(&self.settings.identity) {
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |n| n.saturating_add(1)));
            spec.holder_identity = Some(self.settings.identity.clone());
        }
        spec.renew_time = Some(now);
        spec.lease_duration_seconds = i32::try_from(self.settings.duration.as_secs()).ok();
        lease
    }

    /// Lets the next one in at once. If it fails, the others wait for the lease's duration.
    async fn give_back(&self) {
        let release = async {
            let mut lease = self.api.get(&self.settings.name).await?;
            let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
            if spec.holder_identity.as_ref() == Some(&self.settings.identity) {
                spec.holder_identity = None;
                self.api.replace(&self.settings.name, &PostParams::default(), &lease).await?;
            }
            Ok::<(), kube::Error>(())
        };
        match timeout(self.settings.retry_period, release).await {
            Ok(Ok(())) => tracing::info!(lease = %self.settings.name, "gave the writer lease back"),
            Ok(Err(error)) => {
                tracing::warn!(lease = %self.settings.name, %error, "could not give the writer lease back");
            }
            Err(_) => tracing::warn!(lease = %self.settings.name, "no time to give the writer lease back"),
        }
    }
}

/// Losing a race for a write is no error.
fn written(answer: Result<Lease, kube::Error>) -> Result<Try, kube::Error> {
    match answer {
        Ok(_) => Ok(Try::Mine),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Try::Raced),
        Err(error) => Err(error),
    }
}
