//! Running all checks that an array's capabilities call for, each on a fresh array.

use std::future::Future;
use std::pin::Pin;

use crate::Bed;

/// A sentence of the contract.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// Does the array have what this is about?
    pub(crate) applies: fn(&Bed) -> bool,
    pub(crate) run: fn(Bed) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Lists checks by the names of their functions: what all of them are about, and in brackets what one of them is about.
macro_rules! checks {
    ($all:expr; $($name:ident $([$only:expr])?),* $(,)?) => {
        pub(crate) const CHECKS: &[$crate::run::Check] = &[$($crate::run::Check {
            name: concat!(module_path!(), "::", stringify!($name)),
            applies: |bed| {
                let all: fn(&$crate::Bed) -> bool = $all;
                all(bed) $(&& { let only: fn(&$crate::Bed) -> bool = $only; only(bed) })?
            },
            run: |bed| Box::pin($name(bed)),
        }),*];
    };
}
pub(crate) use checks;

/// Runs every check that applies and says how many did.
///
/// # Panics
/// When a check fails: after all have run, with the names of those that failed.
pub async fn run<F: Future<Output = Bed>>(fresh: impl Fn() -> F) -> usize {
    let all = [
        crate::array::CHECKS,
        crate::volumes::CHECKS,
        crate::copies::CHECKS,
        crate::access::CHECKS,
        crate::snapshots::CHECKS,
        crate::groups::CHECKS,
        crate::group_snapshots::CHECKS,
        crate::qos::CHECKS,
        crate::mirrors::CHECKS,
    ];
    let (mut failed, mut done) = (Vec::new(), 0);
    for check in all.into_iter().flatten() {
        let bed = fresh().await;
        if !(check.applies)(&bed) {
            continue;
        }
        done += 1;
        // A task of its own, so that one that fails does not hide the others.
        if tokio::spawn((check.run)(bed)).await.is_err() {
            failed.push(check.name);
        }
    }
    assert!(failed.is_empty(), "{} of {done} checks failed: {}", failed.len(), failed.join(", "));
    done
}
