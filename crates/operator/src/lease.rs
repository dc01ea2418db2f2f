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
    until: watch::Sender<Option<Instant>>,
    seen: Seen,
}

/// The last change of the lease that we saw, and when by our clock.
#[derive(Debug, Default)]
struct Seen(Option<(Option<String>, Instant)>);

impl Seen {
    /// Nobody else holds the lease, or its holder was silent for as long as it promised to be heard of.
    fn may_take(&mut self, lease: &Lease, settings: &LeaseSettings) -> bool {
        let spec = lease.spec.as_ref();
        let holder = spec.and_then(|s| s.holder_identity.as_deref()).unwrap_or_default();
        let version = lease.metadata.resource_version.as_ref();
        let since = match &self.0 {
            Some((seen, since)) if seen.as_ref() == version => *since,
            _ => self.0.insert((version.cloned(), Instant::now())).1,
        };
        let promised = spec
            .and_then(|s| s.lease_duration_seconds)
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(settings.duration, Duration::from_secs);
        holder.is_empty() || holder == settings.identity || since.elapsed() >= promised
    }
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
        (
            Self {
                settings,
                api,
                held: Arc::new(held),
                until: watch::Sender::new(None),
                seen: Seen::default(),
            },
            watched,
        )
    }

    /// Until when we certainly have it; a process that stood still must not go by what it was told before.
    pub fn until(&self) -> watch::Receiver<Option<Instant>> {
        self.until.subscribe()
    }

    /// Competes until the lease is held, keeps it until `stop`, and gives it back then.
    pub async fn run(mut self, stop: impl Future<Output = ()> + Send) -> LeaseEnd {
        tokio::pin!(stop);
        let end = tokio::select! {
            biased;
            () = &mut stop => LeaseEnd::Released,
            () = self.keep() => LeaseEnd::Lost,
        };
        self.until.send_replace(None);
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
                    self.until.send_replace(Some(begun + self.settings.renew_deadline));
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
        if !self.seen.may_take(&lease, &self.settings) {
            return Ok(Try::Taken);
        }
        let filled = self.filled(lease);
        written(self.api.replace(&self.settings.name, &PostParams::default(), &filled).await)
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

#[cfg(test)]
mod tests {
    use super::{Lease, LeaseSettings, LeaseSpec, Seen};
    use std::time::Duration;
    use tokio::time::advance;

    fn held_by(holder: &str, version: &str) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(20),
            ..LeaseSpec::default()
        };
        let mut lease = Lease { spec: Some(spec), ..Lease::default() };
        lease.metadata.resource_version = Some(version.to_owned());
        lease
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_is_silent_only_when_nothing_changed_for_as_long_as_it_promised() {
        let settings = LeaseSettings::new("ns", "lease", "me");
        let mut seen = Seen::default();
        assert!(!seen.may_take(&held_by("other", "1"), &settings), "however old the lease itself says it is");
        advance(Duration::from_secs(19)).await;
        assert!(!seen.may_take(&held_by("other", "1"), &settings));
        assert!(!seen.may_take(&held_by("other", "2"), &settings), "a sign of life");
        advance(Duration::from_secs(19)).await;
        assert!(!seen.may_take(&held_by("other", "2"), &settings));
        advance(Duration::from_secs(1)).await;
        assert!(seen.may_take(&held_by("other", "2"), &settings));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_is_ours_or_nobodys_is_taken_at_once() {
        let settings = LeaseSettings::new("ns", "lease", "me");
        assert!(Seen::default().may_take(&held_by("me", "1"), &settings));
        assert!(Seen::default().may_take(&held_by("", "1"), &settings));
    }

    #[test]
    fn a_holder_gives_up_before_anybody_may_take_over() {
        let settings = LeaseSettings::new("ns", "lease", "me");
        assert!(settings.renew_deadline + settings.retry_period < settings.duration);
    }
}
