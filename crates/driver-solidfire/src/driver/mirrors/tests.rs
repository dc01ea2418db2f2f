//! What a pair's state words mean.

use perilune_array::{Activity, Currency, Link, Mode, Role};

use super::{activity, currency, fault_word, link};

#[test]
fn only_an_active_synchronous_pair_makes_the_target_as_good_as_the_source() {
    assert_eq!(currency("Active", Mode::Sync, Role::Target), Currency::InSync);
    let slow = Mode::Async { interval: std::time::Duration::ZERO };
    assert_eq!(currency("Active", slow, Role::Target), Currency::Unknown);
    assert_eq!(currency("ResumingDataTransfer", Mode::Sync, Role::Target), Currency::Inconsistent);
    for state in ["PausedDisconnected", "PausedMisconfigured", "StoppedMisconfigured", "BrandNew"] {
        assert_eq!(currency(state, Mode::Sync, Role::Target), Currency::Unknown, "{state}");
        assert_eq!(activity(state), Activity::Suspended, "{state}");
        assert_eq!(fault_word(state).as_deref(), Some(state));
    }
}

#[test]
fn a_pair_that_somebody_paused_is_suspended_and_well() {
    for state in ["PausedManual", "PausedManualRemote"] {
        assert_eq!((activity(state), fault_word(state)), (Activity::Suspended, None));
    }
    assert_eq!(activity("ResumingConnected"), Activity::Initializing(None));
}

#[test]
fn the_link_is_down_when_either_side_of_the_answer_says_so() {
    assert_eq!(link("PausedDisconnected", None), Link::Down);
    assert_eq!(link("Active", None), Link::Up);
    assert_eq!(link("PausedManual", None), Link::Unknown);
}
