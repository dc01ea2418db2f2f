//! The driver under the port's contract, on simulated systems of both kinds behind real sockets.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod rig;

use std::sync::Arc;
use std::time::Duration;

use perilune_array::{Capabilities, VolumeId};
use perilune_conformance::{Bed, Hands, run};
use perilune_simulator::Control;
use rig::{ARRAY, PEER, Rig};

/// More than a host sees and a group holds, so that each limit can be met.
const VOLUMES: usize = 516;

struct Initiator(Control);

/// The array's own number of a volume ends its WWN.
fn number(volume: &VolumeId) -> u64 {
    let wwn = volume.as_str();
    let digits = if wwn.len() == 16 { 4 } else { 16 };
    u64::from_str_radix(&wwn[wwn.len() - digits..], 16).expect("the driver gives WWNs as ids")
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

    /// Nobody logs in to a volume that has to be mapped.
    async fn login(&self, _: &VolumeId) -> bool {
        false
    }

    async fn wait(&self) {
        self.0.advance(Duration::from_secs(10));
    }
}

async fn bed(model: &str) -> Bed {
    let rig = Rig::start(model, VOLUMES as u64).await;
    let flash = model != "Gen3";
    Bed {
        array: Arc::new(rig.connect(ARRAY).await.expect("connect")),
        peer: Some(Arc::new(rig.connect(PEER).await.expect("connect to the peer"))),
        capabilities: Capabilities {
            snapshots: true,
            groups: true,
            group_snapshots: true,
            mirrors: true,
            role_swap: true,
            qos: flash,
            rename: true,
        },
        names_repeat: false,
        volumes: VOLUMES,
        copies_at_once: usize::MAX,
        hands: Arc::new(Initiator(rig.running.control().clone())),
        keep: Box::new(rig),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_driver_keeps_the_contract_on_a_flashsystem_a9000() {
    assert!(run(|| bed("A9000")).await > 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_driver_keeps_the_contract_on_an_xiv_gen3() {
    assert!(run(|| bed("Gen3")).await > 95);
}
