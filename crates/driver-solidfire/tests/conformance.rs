//! The driver under the port's contract, on a simulated cluster behind a real socket.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod rig;

use std::sync::Arc;
use std::time::Duration;

use perilune_array::{Capabilities, VolumeId};
use perilune_conformance::{Bed, Hands, run};
use perilune_simulator::Control;
use rig::{ARRAY, By, Rig, VOLUMES};
use serde_json::json;

/// Hands on either cluster: volume numbers of the peer are told apart by the array that they are asked of.
struct Initiator(Control);

fn number(volume: &VolumeId) -> u64 {
    volume.as_str().parse().expect("the driver gives the array's own numbers")
}

#[async_trait::async_trait]
impl Hands for Initiator {
    async fn write(&self, volume: &VolumeId, text: &str) {
        let mut block = [0; 64];
        block[..text.len()].copy_from_slice(text.as_bytes());
        self.0.write(ARRAY, number(volume), 0, &block).expect("write");
    }

    async fn read(&self, volume: &VolumeId) -> String {
        let block = self.0.read(ARRAY, number(volume), 0, 64).expect("read");
        String::from_utf8(block).expect("text").trim_end_matches('\0').to_owned()
    }

    /// Volumes in memory have no data path to log in over.
    async fn login(&self, _: &VolumeId) -> bool {
        false
    }

    async fn wait(&self) {
        self.0.advance(Duration::from_secs(10));
    }
}

/// All that a SolidFire can, and no more: it keeps no groups of volumes, names nothing anew and swaps no roles.
const EXPECTED: Capabilities = Capabilities {
    snapshots: true,
    groups: false,
    group_snapshots: true,
    mirrors: true,
    role_swap: false,
    qos: true,
    rename: false,
};

async fn bed(by: By) -> Bed {
    let rig = Rig::two(by).await;
    let gold = json!({"name": "gold", "qos": {"minIOPS": 500, "maxIOPS": 1000, "burstIOPS": 2000}});
    rig.admin("CreateQoSPolicy", gold).await;
    Bed {
        array: Arc::new(rig.connect().await.expect("connect")),
        peer: Some(Arc::new(rig.connect_peer(by).await.expect("connect to the peer"))),
        capabilities: EXPECTED,
        names_repeat: true,
        volumes: VOLUMES,
        copies_at_once: 2,
        hands: Arc::new(Initiator(rig.running.control().clone())),
        keep: Box::new(rig),
    }
}

#[tokio::test]
async fn the_driver_keeps_the_contract_by_chap() {
    assert!(run(|| bed(By::Chap)).await > 90);
}

#[tokio::test]
async fn the_driver_keeps_the_contract_by_volume_access_groups() {
    assert!(run(|| bed(By::Groups)).await > 95);
}

#[tokio::test]
async fn the_driver_keeps_the_contract_by_volume_access_groups_with_fibre_channel() {
    assert!(run(|| bed(By::GroupsWithFibre)).await > 95);
}
