//! The in-memory array under the port's contract, in each of its habits.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

use std::sync::Arc;

use perilune_array::fake::{FakeArray, FakeBuilder, pair};
use perilune_array::{AccessModel, Array, Capabilities, Size, VolumeId};
use perilune_conformance::{Bed, Hands, run};

const ALL: Capabilities = Capabilities {
    snapshots: true,
    groups: true,
    group_snapshots: true,
    mirrors: true,
    role_swap: true,
    qos: true,
    rename: true,
};

struct FakeHands(FakeArray);

#[async_trait::async_trait]
impl Hands for FakeHands {
    async fn write(&self, volume: &VolumeId, text: &str) {
        assert!(self.0.write(volume, text), "volume {volume} must take writes");
    }

    async fn read(&self, volume: &VolumeId) -> String {
        self.0.content(volume).expect("the volume")
    }

    async fn login(&self, volume: &VolumeId) -> bool {
        self.0.set_session(volume, true);
        true
    }

    /// Its time passes by looks.
    async fn wait(&self) {}
}

fn builder(id: &str) -> FakeBuilder {
    let small = |profile: &mut perilune_array::Profile| {
        profile.volumes_per_host = Some(3);
        profile.volumes_per_group = Some(4);
        profile.snapshots_per_volume = Some(5);
    };
    FakeBuilder::new()
        .id(id)
        .pools(&[("pool-1", Size::gib(100), Size::gib(100))])
        .profile(small)
        .max_volumes(8)
        .copies_at_once(2)
        .page(2)
}

fn bed(names_repeat: bool, alter: impl Fn(FakeBuilder) -> FakeBuilder) -> Bed {
    let make = |id| alter(builder(id).names_repeat(names_repeat));
    let (here, there) = pair(make("one"), make("other"));
    Bed {
        hands: Arc::new(FakeHands(here.clone())),
        capabilities: ALL,
        array: Arc::new(here) as Arc<dyn Array>,
        peer: Some(Arc::new(there)),
        names_repeat,
        volumes: 8,
        copies_at_once: 2,
        keep: Box::new(()),
    }
}

#[tokio::test]
async fn with_unique_names_and_mappings() {
    assert!(run(|| async { bed(false, |builder| builder) }).await > 80);
}

#[tokio::test]
async fn with_names_that_repeat_access_by_account_and_copies_born_equal() {
    let alter = |builder: FakeBuilder| {
        builder.profile(|profile| {
            profile.access = AccessModel::Account;
            profile.volumes_per_host = None;
            profile.copy_may_grow = false;
        })
    };
    assert!(run(|| async { bed(true, alter) }).await > 80);
}

#[tokio::test]
async fn with_snapshots_that_outlive_their_volume_and_groups_only_for_group_snapshots() {
    let alter = |builder: FakeBuilder| {
        builder.polls_to_copy(0).profile(|profile| {
            profile.snapshots_outlive_volume = true;
            profile.ad_hoc_group_snapshots = false;
        })
    };
    assert!(run(|| async { bed(false, alter) }).await > 80);
}

#[tokio::test]
async fn with_mirrors_that_take_word_carried_between_the_arrays() {
    let alter = |builder: FakeBuilder| {
        builder.pairs_by_word(true).profile(|profile| {
            profile.copy_takes_qos = false;
            profile.snapshot_retention = false;
        })
    };
    assert!(run(|| async { bed(false, alter) }).await > 80);
}

#[tokio::test]
async fn with_no_optional_capability_at_all() {
    let bare = || {
        let array = builder("bare").capabilities(Capabilities::default()).build();
        Bed {
            hands: Arc::new(FakeHands(array.clone())),
            capabilities: Capabilities::default(),
            array: Arc::new(array),
            peer: None,
            ..bed(false, |builder| builder)
        }
    };
    let done = run(|| async { bare() }).await;
    assert!((40..80).contains(&done), "{done}");
}
