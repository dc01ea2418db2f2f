//! The conditions of our resources: which there are, which reasons they give, and how they change.
//!
//! The upstream [`Condition`] carries them. The time is passed in, and a transition time moves only when the status does.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// What a condition is about. `Ready` is always there and sums up the others.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ConditionType {
    /// The object does what it is for.
    Ready,
    /// The array answers.
    Reachable,
    /// The array takes the account from the Secret.
    CredentialsValid,
    /// The array's certificate is checked, and good.
    CertificateValid,
    /// The array that answers is the one that is meant.
    IdentityMatches,
    /// What the array can do is known.
    CapabilitiesDetected,
    /// Nothing on the array is altered, because somebody wished so.
    Frozen,
    /// The array reports trouble of its own; it works all the same.
    Degraded,
    /// The object is being deleted and something still needs it.
    DeletionBlocked,
    /// The array holds volumes with our mark that no record knows.
    OrphansFound,
}

/// Why a condition has its status.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Reason {
    /// All is well.
    Ready,
    /// The array answered.
    Connected,
    /// No management address of the array answered.
    Unreachable,
    /// The array took the account.
    Accepted,
    /// The array refused the account.
    InvalidCredentials,
    /// The Secret is not there, or lacks a key.
    SecretMissing,
    /// The array refused the changed Secret; the old session goes on.
    NewSecretRejected,
    /// The certificate is signed by an authority that is trusted.
    Verified,
    /// The certificate is not trusted.
    Untrusted,
    /// There is no CA bundle where the spec says.
    CaBundleMissing,
    /// Checking of the certificate is switched off.
    InsecureSkipVerify,
    /// The serial number is the expected one.
    Matches,
    /// No serial number is expected, so any is taken.
    NotChecked,
    /// Another array answers at this address.
    IdentityMismatch,
    /// The array said what it can do.
    Detected,
    /// The spec cannot be carried out as it is.
    InvalidSpec,
    /// `spec.administrativeState` or the annotation `perilune.dev/freeze` says so.
    Frozen,
    /// Nobody asked for it.
    NotFrozen,
    /// The array says that it is well.
    Good,
    /// The array says that something is wrong with it.
    ArrayReports,
    /// Volumes live on the array.
    VolumesExist,
    /// Nothing needs the object any more.
    Released,
    /// Volumes bear our mark and no record knows them.
    UnknownVolumes,
    /// Every volume with our mark has its record.
    NoneFound,
    /// It was not tried, because something before it failed.
    NotTried,
    /// Something else went wrong; the message says what.
    Failed,
}

impl ConditionType {
    /// Is this status one that nobody needs to look after? Unknown is not.
    pub fn is_well(self, status: &str) -> bool {
        match self {
            // somebody's wish, not a fault
            Self::Frozen => true,
            Self::Degraded | Self::DeletionBlocked | Self::OrphansFound => status == "False",
            Self::Ready
            | Self::Reachable
            | Self::CredentialsValid
            | Self::CertificateValid
            | Self::IdentityMatches
            | Self::CapabilitiesDetected => status == "True",
        }
    }

    /// The type of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Ready,
            Self::Reachable,
            Self::CredentialsValid,
            Self::CertificateValid,
            Self::IdentityMatches,
            Self::CapabilitiesDetected,
            Self::Frozen,
            Self::Degraded,
            Self::DeletionBlocked,
            Self::OrphansFound,
        ]
        .into_iter()
        .find(|about| about.to_string() == name)
    }
}

/// What to say about one condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What it is about.
    pub about: ConditionType,
    /// `None` means unknown.
    pub holds: Option<bool>,
    /// Why.
    pub reason: Reason,
    /// What was found and what to do, for a person.
    pub message: String,
}

impl Claim {
    /// The condition holds.
    pub fn yes(about: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { about, holds: Some(true), reason, message: message.into() }
    }

    /// The condition does not hold.
    pub fn no(about: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { about, holds: Some(false), reason, message: message.into() }
    }

    /// Nobody knows.
    pub fn unknown(about: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { about, holds: None, reason, message: message.into() }
    }

    fn status(&self) -> &'static str {
        match self.holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        }
    }
}

/// The conditions of an object after `claims` were made about its `generation`, keeping those that nothing is said of.
pub fn updated(old: &[Condition], claims: &[Claim], generation: Option<i64>, now: &Time) -> Vec<Condition> {
    let mut conditions = old.to_vec();
    for claim in claims {
        set(&mut conditions, claim, generation, now);
    }
    conditions
}

/// Writes one claim into the list. The transition time moves only if the status changes.
pub fn set(conditions: &mut Vec<Condition>, claim: &Claim, generation: Option<i64>, now: &Time) {
    let type_ = claim.about.to_string();
    let found = conditions.iter_mut().find(|c| c.type_ == type_);
    let since = match &found {
        Some(old) if old.status == claim.status() => old.last_transition_time.clone(),
        _ => now.clone(),
    };
    let new = Condition {
        last_transition_time: since,
        message: claim.message.clone(),
        observed_generation: generation,
        reason: claim.reason.to_string(),
        status: claim.status().to_owned(),
        type_,
    };
    match found {
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

/// The condition of this type, if it was ever set.
pub fn find(conditions: &[Condition], about: ConditionType) -> Option<&Condition> {
    let type_ = about.to_string();
    conditions.iter().find(|c| c.type_ == type_)
}

/// The conditions of `new` whose status or reason differs from `old`, or that `old` lacks: what events tell about.
pub fn transitions<'a>(old: &[Condition], new: &'a [Condition]) -> Vec<&'a Condition> {
    new.iter()
        .filter(|n| !old.iter().any(|o| o.type_ == n.type_ && o.status == n.status && o.reason == n.reason))
        .collect()
}

/// As it stands in the object.
impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// As it stands in the object.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, ConditionType, Reason, find, set, transitions};
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    fn at(second: i64) -> Time {
        Time(jiff::Timestamp::from_second(second).unwrap())
    }

    #[test]
    fn the_transition_time_stays_while_the_status_stays() {
        let mut conditions = Vec::new();
        set(&mut conditions, &Claim::no(ConditionType::Ready, Reason::Unreachable, "a"), Some(1), &at(10));
        set(
            &mut conditions,
            &Claim::no(ConditionType::Ready, Reason::InvalidCredentials, "b"),
            Some(2),
            &at(20),
        );
        let ready = find(&conditions, ConditionType::Ready).unwrap();
        assert_eq!(ready.last_transition_time, at(10));
        assert_eq!((ready.reason.as_str(), ready.message.as_str()), ("InvalidCredentials", "b"));
        assert_eq!(ready.observed_generation, Some(2));
        set(&mut conditions, &Claim::yes(ConditionType::Ready, Reason::Ready, ""), Some(2), &at(30));
        assert_eq!(find(&conditions, ConditionType::Ready).unwrap().last_transition_time, at(30));
        assert_eq!(conditions.len(), 1);
    }

    #[test]
    fn a_changed_message_is_no_transition_but_a_changed_reason_is() {
        let mut old = Vec::new();
        set(&mut old, &Claim::no(ConditionType::Ready, Reason::Unreachable, "a"), Some(1), &at(10));
        let mut new = old.clone();
        set(&mut new, &Claim::no(ConditionType::Ready, Reason::Unreachable, "b"), Some(1), &at(20));
        assert!(transitions(&old, &new).is_empty());
        set(&mut new, &Claim::no(ConditionType::Ready, Reason::IdentityMismatch, "b"), Some(1), &at(20));
        assert_eq!(transitions(&old, &new).len(), 1);
    }
}
