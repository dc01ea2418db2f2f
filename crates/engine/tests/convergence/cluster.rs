//! A cluster in one process: one array, one ledger, and replicas that die, stand still and take over.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use perilune_array::fake::{FakeArray, FakeBuilder};
use perilune_array::{
    AccessModel, Array as _, Credentials, Endpoint, Initiator, Name, NewVolume, Owner, PoolId, RecordId,
    Secret, Settings, Size, Trust, Vendor,
};
use perilune_engine::ledger::{Entry, Ledger as _, Phase, memory::MemoryLedger};
use perilune_engine::nodes::{NodeFacts, memory::MemoryNodes};
use perilune_engine::wishes::{ImportWish, Wishes, memory::MemoryWishes};
use perilune_engine::{
    Applied, BackendSpec, Claim, Clock, Code, ConnectSpec, Engine, Failure, Fleet, Writer,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::kube::Belief;
use crate::script::Script;
use crate::seam::Seam;
use crate::store::Store;

/// How long a lease holds without a renewal for who has it; others wait longer.
const LEASE: Duration = Duration::from_secs(10);
/// Longer than any schedule takes.
const EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// The claim that adopts the volume `payroll`.
pub(crate) const IMPORTED: &str = "imported";

pub(crate) const CLUSTER: &str = "cluster-1";

/// Arrays differ in two habits that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// Names repeat, hosts log in by account, a copy is born as large as its source.
    Account,
    /// Names are unique, volumes are mapped to hosts.
    Mapping,
}

impl Family {
    pub(crate) const ALL: [Self; 2] = [Self::Account, Self::Mapping];

    fn build(self) -> FakeArray {
        let array = FakeBuilder::new().polls_to_copy(2);
        match self {
            Self::Account => array.names_repeat(true).profile(|p| {
                p.access = AccessModel::Account;
                p.copy_may_grow = false;
            }),
            Self::Mapping => array,
        }
        .build()
    }
}

/// What a sidecar hears.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    Done(T),
    Refused(Code, String),
    /// The connection broke or the sidecar's time was up.
    Lost,
}

struct Replica {
    engine: Arc<Engine>,
    lease: watch::Sender<Option<Instant>>,
}

pub(crate) struct Cluster {
    pub(crate) script: Script,
    pub(crate) array: FakeArray,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) belief: Belief,
    /// Objects that were on the array before us.
    pub(crate) foreign: Vec<perilune_array::Volume>,
    pub(crate) log: Vec<String>,
    /// Counts the sidecars' lives: what one only keeps in memory ends with it.
    pub(crate) life: usize,
    family: Family,
    wishes: Arc<MemoryWishes>,
    replica: Replica,
    active: usize,
    born: Instant,
}

fn spec() -> BackendSpec {
    let connect = ConnectSpec {
        vendor: Vendor::Solidfire,
        endpoints: vec![Endpoint { address: "array".to_owned(), port: None }],
        credentials: Credentials { username: "admin".to_owned(), password: Secret::new("password") },
        trust: Trust::System,
        server_name: None,
        chap: None,
        timeout: Duration::from_secs(10),
        settings: Settings::default(),
    };
    BackendSpec::new("a", connect)
}

/// The nodes of the cluster, known by their ids.
fn nodes() -> Arc<MemoryNodes> {
    let nodes = MemoryNodes::default();
    for name in ["node-1", "node-2"] {
        let initiators = vec![Initiator::Iqn(format!("iqn.2026-01.example:{name}"))];
        nodes.put(name, NodeFacts { name: name.to_owned(), initiators, fenced: None });
    }
    Arc::new(nodes)
}

impl Cluster {
    pub(crate) async fn new(family: Family) -> Self {
        let (script, array, ledger) = (Script::default(), family.build(), Arc::new(MemoryLedger::default()));
        script.mute(true);
        let wishes = Arc::new(MemoryWishes::default());
        let born = Instant::now();
        let replica = Replica::start(0, &script, &array, &ledger, &wishes, born).await;
        let mut cluster = Self {
            script,
            array,
            ledger,
            belief: Belief::default(),
            foreign: Vec::new(),
            log: Vec::new(),
            life: 0,
            family,
            wishes,
            replica,
            active: 0,
            born,
        };
        cluster.add_foreign().await;
        cluster
    }

    /// Volumes that are not ours: one without a mark, one of another cluster.
    async fn add_foreign(&mut self) {
        let owner = Owner::new("other", RecordId::new("r"));
        for name in ["payroll", "theirs"] {
            let new = NewVolume::new(Name::new(name), PoolId::new("pool-1"), Size::gib(7), owner.clone());
            let made = self.array.volumes().create(&new).await.expect("a foreign volume");
            if name == "payroll" {
                self.array.volumes().mark(&made.id, None).await.expect("unmarked");
                assert!(self.array.write(&made.id, "payroll-data"), "written");
                let claim = Claim { namespace: "shop".to_owned(), name: IMPORTED.to_owned() };
                let wish = ImportWish { backend: "a".to_owned(), native: made.id, rename: true };
                self.wishes.put(&claim, Ok(wish));
            }
        }
        self.foreign = self.array.inventory().volumes;
    }

    /// Somebody deletes all records, and nobody can say why.
    pub(crate) async fn lose_records(&mut self) {
        for entry in self.ledger.entries() {
            self.ledger.delete(&entry).await.expect("deleted");
        }
    }

    pub(crate) fn maps(&self) -> bool {
        self.family == Family::Mapping
    }

    /// One call of a sidecar on the replica that serves now.
    pub(crate) async fn call<T: Send + 'static>(
        &mut self,
        what: &str,
        act: impl FnOnce(Arc<Engine>, Instant) -> BoxFuture<'static, Result<T, Failure>>,
    ) -> Answer<T> {
        let begun = self.script.touches();
        let deadline = Instant::now() + Duration::from_secs(50);
        let (script, replica) = (self.script.clone(), self.active);
        let process = act(Arc::clone(&self.replica.engine), deadline);
        let mut task = tokio::spawn(async move { script.process(replica, process).await });
        let (killed, paused) = (Arc::clone(&self.script.killed), Arc::clone(&self.script.paused));
        let answer = tokio::select! {
            biased;
            answer = &mut task => match answer.expect("the engine does not panic") {
                Ok(done) => Answer::Done(done),
                Err(failure) => Answer::Refused(failure.code, failure.message),
            },
            () = killed.notified() => {
                task.abort();
                self.restart().await;
                Answer::Lost
            }
            () = paused.notified() => {
                // it was renewed a moment ago, and will not be any more
                self.replica.lease.send_replace(Some(Instant::now() + LEASE));
                self.take_over().await;
                Answer::Lost
            }
            () = sleep(Duration::from_secs(60)) => {
                task.abort();
                Answer::Lost
            }
        };
        self.note(what, begun, &answer);
        answer
    }

    fn note<T>(&mut self, what: &str, begun: usize, answer: &Answer<T>) {
        let heard = match answer {
            Answer::Done(_) => "done".to_owned(),
            Answer::Refused(code, why) => format!("{code:?}: {why}"),
            Answer::Lost => "no answer".to_owned(),
        };
        let (at, to) = (self.born.elapsed().as_secs(), self.script.touches());
        self.log.push(format!("{at:>5} s  touches {:>2}..{to:<2} {what}: {heard}", begun + 1));
    }

    /// The plugin died and comes back; its sidecars live on.
    async fn restart(&mut self) {
        sleep(Duration::from_secs(3)).await;
        self.replica =
            Replica::start(self.active, &self.script, &self.array, &self.ledger, &self.wishes, self.born)
                .await;
    }

    /// The pod stands still: its lease runs out, and another pod serves, with sidecars of its own.
    async fn take_over(&mut self) {
        sleep(Duration::from_secs(16)).await;
        self.active += 1;
        self.life += 1;
        let next =
            Replica::start(self.active, &self.script, &self.array, &self.ledger, &self.wishes, self.born)
                .await;
        // the one that stands still keeps its engine through the call it has under way
        self.replica = next;
    }

    /// Lets time pass until nothing can be on its way any more. Whoever still stands still wakes in the midst of it, when nobody
    /// counts with it.
    pub(crate) async fn settle(&mut self) {
        let least = if self.active > 0 { 16 } else { 6 };
        for minute in 0..40 {
            if minute == 10 {
                self.script.thaw();
            }
            sleep(Duration::from_secs(60)).await;
            self.replica.engine.tend().await;
            let waits = |entry: &Entry| {
                !matches!(entry.phase, Phase::Ready | Phase::Released) || entry.attempted.is_some()
            };
            if minute >= least && !self.ledger.entries().iter().any(waits) {
                break;
            }
        }
        self.script.mute(true);
    }
}

impl Replica {
    async fn start(
        number: usize,
        script: &Script,
        array: &FakeArray,
        ledger: &Arc<MemoryLedger>,
        wishes: &Arc<MemoryWishes>,
        born: Instant,
    ) -> Self {
        let seam = Seam { inner: Arc::new(array.clone()), script: script.clone(), replica: number };
        let store = Store { inner: Arc::clone(ledger), script: script.clone(), replica: number };
        let muted = script.mute(true);
        let fleet = Arc::new(Fleet::new(Arc::new(seam)));
        let applied = fleet.apply(spec()).await;
        assert!(matches!(applied, Applied::Working(_)), "{applied:?}");
        script.mute(muted);
        let (lease, held) = watch::channel(Some(Instant::now() + EVER));
        let clock =
            Clock::new(move || SystemTime::UNIX_EPOCH + Duration::from_secs(1_760_000_000) + born.elapsed());
        let engine = Engine::new(fleet, Arc::new(store), Writer::until(held), CLUSTER)
            .clocked(clock)
            .with_nodes(nodes())
            .with_wishes(Arc::clone(wishes) as Arc<dyn Wishes>);
        Self { engine: Arc::new(engine), lease }
    }
}
