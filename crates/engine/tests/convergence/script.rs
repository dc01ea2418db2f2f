//! The script of one schedule: which touch of the outside world goes wrong, how, and what was touched.
//!
//! Every port call and every ledger call of every replica passes here and is numbered in order. A schedule is a map from
//! numbers to faults; since time is paused and nothing is random, the same map always gives the same run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Notify;

/// How long a caller waits for an answer that does not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a touch goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Not done, no answer.
    Lost,
    /// Done, no answer.
    ReplyLost,
    /// Done, and the answer makes no sense.
    Garbled,
    /// No answer, and done so many seconds after it was asked.
    Late(u64),
    /// Certainly not delivered.
    Unreachable,
    /// Not done: something else works on it. For a ledger: somebody wrote in between.
    Busy,
    /// Not done: the session or the credentials are no longer good.
    Expired,
    /// Not done: there is no room.
    Full,
    /// Not done, and no answer ever.
    Hang,
    /// Done, and no answer ever.
    HangAfter,
    /// The process dies before the request leaves.
    KillBefore,
    /// The process dies when it is done.
    KillAfter,
    /// The process stands still before what follows this touch, until somebody wakes it.
    Pause,
}

/// What can befall a touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
    /// Of the ledger.
    Look,
    Note,
}

impl Kind {
    /// Every way in which this goes wrong by itself.
    pub(crate) fn faults(self) -> &'static [Fault] {
        use Fault::{
            Busy, Expired, Full, Garbled, Hang, HangAfter, KillAfter, KillBefore, Late, Lost, ReplyLost,
            Unreachable,
        };
        match self {
            Self::Read => &[Lost, Garbled, Unreachable, Expired, Hang, KillBefore],
            Self::Write => &[
                Lost,
                ReplyLost,
                Garbled,
                Late(15),
                Late(100),
                Unreachable,
                Busy,
                Expired,
                Full,
                Hang,
                HangAfter,
                KillBefore,
                KillAfter,
            ],
            Self::Look => &[Lost, Hang],
            Self::Note => &[Lost, ReplyLost, Late(25), Busy, Hang, HangAfter, KillBefore, KillAfter],
        }
    }
}

/// One touch as it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Touch {
    pub(crate) site: &'static str,
    pub(crate) kind: Kind,
    pub(crate) replica: usize,
}

/// Which touches go wrong, counted from 1.
pub(crate) type Plan = BTreeMap<usize, Fault>;

/// A plan as text that [`parse`] reads again: `3:ReplyLost,7:Late(15)`.
pub(crate) fn text(plan: &Plan) -> String {
    let one = |(at, fault): (&usize, &Fault)| format!("{at}:{fault:?}");
    if plan.is_empty() { "-".to_owned() } else { plan.iter().map(one).collect::<Vec<_>>().join(",") }
}

pub(crate) fn parse(text: &str) -> Plan {
    let fault = |word: &str| -> Fault {
        let all = [Kind::Read, Kind::Write, Kind::Look, Kind::Note].into_iter().flat_map(Kind::faults);
        let mut all = all.copied().chain([Fault::Pause]);
        all.find(|fault| format!("{fault:?}") == word).unwrap_or_else(|| panic!("no fault {word:?}"))
    };
    let one = |part: &str| {
        let (at, word) = part.split_once(':').expect("NUMBER:FAULT");
        (at.parse().expect("a number"), fault(word))
    };
    text.split(',').filter(|part| *part != "-").map(one).collect()
}

/// When a replica that stands still wakes, and how it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wake {
    /// Once its successor made so many touches.
    pub(crate) after: usize,
    /// Slowly: its successor goes on between any two of its touches.
    pub(crate) slowly: bool,
}

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    trace: Vec<Touch>,
    /// Setting up and looking afterwards touch nothing.
    muted: bool,
    /// The replica that stands still: nothing of it runs, its timers neither.
    frozen: Option<usize>,
    /// When the replica that stands still wakes.
    wake: Option<Wake>,
}

/// Shared by everything that a schedule's replicas touch.
#[derive(Clone, Default)]
pub(crate) struct Script {
    state: Arc<Mutex<State>>,
    pub(crate) killed: Arc<Notify>,
    pub(crate) paused: Arc<Notify>,
    thawed: Arc<Notify>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was touched so far.
    pub(crate) fn trace(&self) -> Vec<Touch> {
        self.with(|state| state.trace.clone())
    }

    pub(crate) fn touches(&self) -> usize {
        self.with(|state| state.trace.len())
    }

    /// Answers how it was before.
    pub(crate) fn mute(&self, muted: bool) -> bool {
        self.with(|state| std::mem::replace(&mut state.muted, muted))
    }

    pub(crate) fn plan(&self, plan: Plan) {
        self.with(|state| state.plan = plan);
    }

    pub(crate) fn wake(&self, wake: Option<Wake>) {
        self.with(|state| state.wake = wake);
    }

    /// Whoever stands still goes on.
    pub(crate) fn thaw(&self) {
        self.with(|state| state.frozen = None);
        self.thawed.notify_waiters();
    }

    /// A process of that replica: it runs while the replica is not frozen.
    pub(crate) async fn process<T>(&self, replica: usize, mut inner: BoxFuture<'static, T>) -> T {
        loop {
            let thawed = self.thawed.notified();
            tokio::pin!(thawed);
            thawed.as_mut().enable();
            if self.with(|state| state.frozen == Some(replica)) {
                thawed.await;
                continue;
            }
            let ran = std::future::poll_fn(|cx| {
                if self.with(|state| state.frozen == Some(replica)) {
                    return Poll::Ready(None);
                }
                inner.as_mut().poll(cx).map(Some)
            });
            if let Some(done) = ran.await {
                return done;
            }
        }
    }

    /// Wakes the one that stands still when its time has come, and lets it go first.
    async fn take_turns(&self, replica: usize) {
        let (woken, wake) = self.with(|state| {
            let made = state.trace.iter().filter(|touch| touch.replica > 0).count();
            let woken = state.trace.iter().any(|touch| touch.replica > 0);
            (woken, state.wake.filter(|wake| replica > 0 && made == wake.after))
        });
        if wake.is_some() {
            self.thaw();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        if replica == 0 && woken && self.with(|state| state.wake.is_some_and(|wake| wake.slowly)) {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }

    /// One touch, with the fault that awaits it.
    pub(crate) async fn pass<T, E>(
        &self,
        touch: Touch,
        act: BoxFuture<'static, Result<T, E>>,
        fail: fn(Fault) -> E,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        if self.with(|state| state.muted) {
            return act.await;
        }
        self.take_turns(touch.replica).await;
        let fault = self.with(|state| {
            state.trace.push(touch);
            state.plan.get(&state.trace.len()).copied()
        });
        let Some(fault) = fault else { return act.await };
        match fault {
            Fault::Lost | Fault::Late(_) | Fault::Hang | Fault::KillBefore => {
                self.not_now(fault, act, fail).await
            }
            Fault::Unreachable | Fault::Busy | Fault::Expired | Fault::Full => Err(fail(fault)),
            Fault::ReplyLost | Fault::Garbled => {
                act.await?;
                Err(fail(fault))
            }
            Fault::HangAfter => {
                let _ = act.await;
                std::future::pending().await
            }
            Fault::KillAfter => {
                let _ = act.await;
                self.die().await
            }
            Fault::Pause => {
                let answer = act.await;
                self.with(|state| state.frozen = Some(touch.replica));
                self.paused.notify_one();
                // from here on the process is not polled until it is woken
                tokio::task::yield_now().await;
                answer
            }
        }
    }

    async fn not_now<T: Send + 'static, E: Send + 'static>(
        &self,
        fault: Fault,
        act: BoxFuture<'static, Result<T, E>>,
        fail: fn(Fault) -> E,
    ) -> Result<T, E> {
        match fault {
            Fault::Hang => std::future::pending().await,
            Fault::KillBefore => self.die().await,
            Fault::Late(seconds) => {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    let _ = act.await;
                });
                tokio::time::sleep(PATIENCE).await;
                Err(fail(fault))
            }
            _ => Err(fail(fault)),
        }
    }

    async fn die<T>(&self) -> T {
        self.killed.notify_one();
        std::future::pending().await
    }
}
