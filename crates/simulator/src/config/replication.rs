//! How long things take between arrays that replicate to each other.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// Times of SolidFire clusters and of the pairs whose source they hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplicationConfig {
    /// From the completion of a cluster pairing until it is connected.
    #[serde(deserialize_with = "duration")]
    pub pairing_delay: Duration,
    /// From the moment that data can flow until the target holds all that the source held then.
    #[serde(deserialize_with = "duration")]
    pub sync_delay: Duration,
    /// How far an asynchronous target is behind.
    #[serde(deserialize_with = "duration")]
    pub lag: Duration,
}

impl Default for ReplicationConfig {
    fn default() -> Self {
        Self { pairing_delay: Duration::ZERO, sync_delay: Duration::from_millis(200), lag: Duration::ZERO }
    }
}
