//! The driver under the port's contract, on a simulated cluster behind a real socket.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod rig;

use std::sync::Arc;
use std::time::Duration;

use perilune_array::{Capabilities, VolumeId};
use perilune_conformance::{Bed, Hands, run};
use perilune_simulator::Control;
use rig::{ARRAY, Rig, VOLUMES};

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

async fn bed() -> Bed {
    let rig = Rig::start().await;
    Bed {
        array: Arc::new(rig.connect().await.expect("connect")),
        peer: None,
        capabilities: Capabilities { snapshots: true, ..Capabilities::default() },
        names_repeat: true,
        volumes: VOLUMES,
        copies_at_once: 2,
        hands: Arc::new(Initiator(rig.running.control().clone())),
        keep: Box::new(rig),
    }
}

#[tokio::test]
async fn the_driver_keeps_the_contract() {
    assert!(run(bed).await > 60);
}
