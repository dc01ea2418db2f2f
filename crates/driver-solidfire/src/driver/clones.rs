//! Clones under way: the array tells by a handle when one is done, and only there that one has failed.

use std::collections::{BTreeMap, BTreeSet};

use perilune_array::{ErrorKind, Result};

use super::Solidfire;
use crate::fault;
use crate::protocol;
use crate::protocol::volume::{AsyncAnswer, GetAsyncResult};

/// More are not remembered; those are looked at by their volume.
const MOST: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Clones {
    running: BTreeMap<u64, Running>,
    failed: BTreeSet<u64>,
}

#[derive(Debug, Clone)]
struct Running {
    handle: u64,
    /// As the array told it when the clone was begun.
    volume: protocol::volume::Volume,
}

impl Clones {
    pub(super) fn begin(&mut self, handle: Option<u64>, volume: &protocol::volume::Volume) {
        if let Some(handle) = handle.filter(|_| volume.status == "init" && self.running.len() < MOST) {
            self.running.insert(volume.id, Running { handle, volume: volume.clone() });
        }
    }

    pub(super) fn has_failed(&self, volume: u64) -> bool {
        self.failed.contains(&volume)
    }

    pub(super) fn forget(&mut self, volume: u64) {
        self.running.remove(&volume);
        self.failed.remove(&volume);
    }
}

impl Solidfire {
    /// The volume as far as its clone's handle tells; none if it must be read.
    pub(super) async fn cloned(&self, volume: u64) -> Result<Option<protocol::volume::Volume>> {
        let known = self.known().clones.running.get(&volume).cloned();
        let Some(Running { handle, volume: begun }) = known else { return Ok(None) };
        let params = GetAsyncResult { async_handle: handle };
        let answer = match self.session.call::<AsyncAnswer>("GetAsyncResult", params).await {
            // Somebody else has read the result, which the array forgets then.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Busy) => {
                self.known().clones.forget(volume);
                return Ok(None);
            }
            answered => answered?,
        };
        match (answer.status.as_str(), answer.error) {
            ("running", None) => Ok(Some(begun)),
            ("complete", Some(_)) => {
                let clones = &mut self.known().clones;
                clones.forget(volume);
                if clones.failed.len() < MOST {
                    clones.failed.insert(volume);
                }
                Ok(None)
            }
            ("complete", None) if answer.result.is_some() => {
                self.known().clones.forget(volume);
                Ok(Some(protocol::volume::Volume { status: "active".to_owned(), ..begun }))
            }
            _ => Err(fault::garbled("GetAsyncResult", "it is neither running nor complete")),
        }
    }
}
