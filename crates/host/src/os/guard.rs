//! Calls that may hang in the kernel, each on a thread of its own with a deadline.
//!
//! A thread that overran is left behind. Until it returns, further calls on the same subject fail at once, and with
//! [`LIMIT`] of them left behind every call does: a dead path costs a few threads, never the service.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Instant,
};

/// So many calls may be stuck in one node's kernel before new ones are refused.
const LIMIT: usize = 8;

/// The stuck calls by subject.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    stuck: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Guard {
    pub(crate) fn stuck(&self) -> usize {
        self.lock().values().sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` and waits for it until `deadline`.
    pub(crate) fn call<T: Send + 'static>(
        &self,
        subject: &str,
        deadline: Instant,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        self.admit(subject)?;
        let (tell, told) = mpsc::sync_channel(1);
        let (guard, name) = (self.clone(), subject.to_owned());
        thread::Builder::new().name("host-call".into()).spawn(move || {
            if tell.send(work()).is_err() {
                guard.forgive(&name);
            }
        })?;
        match told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(result) => result,
            Err(_) => self.give_up(subject, told),
        }
    }

    fn admit(&self, subject: &str) -> io::Result<()> {
        let stuck = self.lock();
        if stuck.contains_key(subject) {
            return Err(timed_out(format!("an earlier call to {subject} still hangs in the kernel")));
        }
        if stuck.values().sum::<usize>() >= LIMIT {
            return Err(timed_out(format!("{LIMIT} calls hang in the kernel, no new ones are made")));
        }
        Ok(())
    }

    fn give_up<T>(&self, subject: &str, told: mpsc::Receiver<io::Result<T>>) -> io::Result<T> {
        // counted before the receiver goes, so that the thread's failed send always finds its entry
        *self.lock().entry(subject.to_owned()).or_default() += 1;
        if let Ok(result) = told.try_recv() {
            self.forgive(subject);
            return result;
        }
        drop(told);
        Err(timed_out(format!("the kernel did not answer for {subject} in time")))
    }

    fn forgive(&self, subject: &str) {
        let mut stuck = self.lock();
        if let Some(count) = stuck.get_mut(subject) {
            *count -= 1;
            if *count == 0 {
                stuck.remove(subject);
            }
        }
    }
}

fn timed_out(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, message)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_call_that_hangs_blocks_its_subject_only_until_it_returns() {
        let guard = Guard::default();
        let (release, held) = mpsc::channel::<()>();
        let soon = Instant::now() + Duration::from_millis(20);
        let hung = guard.call("sda", soon, move || {
            let _ = held.recv();
            Ok(())
        });
        assert_eq!(hung.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(guard.stuck(), 1);
        let later = Instant::now() + Duration::from_secs(5);
        assert!(guard.call("sda", later, || Ok(())).is_err());
        assert_eq!(guard.call("sdb", later, || Ok(7)).unwrap(), 7);
        release.send(()).unwrap();
        while guard.stuck() > 0 {
            thread::yield_now();
        }
        assert!(guard.call("sda", later, || Ok(())).is_ok());
    }
}
