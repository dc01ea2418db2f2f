//! The driver against exchanges in the form that the vendor's reference documents: what it sends, member by member,
//! and what it makes of the answers.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test program: what goes wrong is to end it"
)]

mod player;

use std::path::Path;
use std::sync::{Arc, Mutex};

use perilune_array::{
    Array, Name, NewSnapshot, NewVolume, Owner, PoolId, RecordId, Size, Source, VolumeId, VolumeState,
};
use perilune_driver_solidfire::Solidfire;
use player::Player;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Transcript {
    path: String,
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    method: String,
    /// Where it is sent elsewhere than the others.
    path: Option<String>,
    params: Value,
    result: Option<Value>,
    error: Option<Value>,
}

/// Plays the exchanges in their order; what was sent otherwise is noted and answered with nothing of use.
struct Play {
    player: Player,
    left: Arc<Mutex<Vec<Exchange>>>,
    wrong: Arc<Mutex<Vec<String>>>,
}

impl Play {
    async fn start(file: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/solidfire").join(file);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let Transcript { path, exchanges } = serde_json::from_str(&text).expect("a transcript");
        let (left, wrong) = (Arc::new(Mutex::new(exchanges)), Arc::<Mutex<Vec<String>>>::default());
        let (playing, noting) = (Arc::clone(&left), Arc::clone(&wrong));
        let answer = move |at: &str, request: &Value| {
            let mut left = playing.lock().unwrap();
            let fits = |next: &Exchange| {
                at == next.path.as_ref().unwrap_or(&path)
                    && request["method"] == *next.method
                    && request["params"] == next.params
            };
            if !left.first().is_some_and(fits) {
                noting.lock().unwrap().push(format!("{at}: {request}"));
                return b"{}".to_vec();
            }
            let next = left.remove(0);
            let answer = match (next.result, next.error) {
                (Some(result), _) => json!({"id": request["id"], "result": result}),
                (None, error) => json!({"id": request["id"], "error": error}),
            };
            answer.to_string().into_bytes()
        };
        Self { player: Player::start(Arc::new(answer)).await, left, wrong }
    }

    /// What went otherwise than the transcript; asked first when something fails.
    fn check(&self) {
        assert_eq!(
            *self.wrong.lock().unwrap(),
            Vec::<String>::new(),
            "requests that are not in the transcript"
        );
    }

    fn finish(&self) {
        self.check();
        let left: Vec<_> = self.left.lock().unwrap().iter().map(|exchange| exchange.method.clone()).collect();
        assert_eq!(left, Vec::<String>::new(), "exchanges that did not take place");
    }

    async fn done<T>(&self, call: impl Future<Output = perilune_array::Result<T>>) -> T {
        let answer = call.await;
        self.check();
        answer.expect("the transcript answers this call")
    }
}

#[tokio::test]
async fn the_life_of_a_volume() {
    let play = Play::start("driver-life-of-a-volume.json").await;
    let owner = Owner::new("c0ffee", RecordId::new("7d3f"));
    let new = |name: &str| NewVolume::new(Name::new(name), PoolId::new("3eeu"), Size::gib(1), owner.clone());
    let array = play.done(Solidfire::connect(&play.player.spec())).await;
    let (volumes, snapshots) = (array.volumes(), array.snapshots().expect("snapshots"));

    let made = play.done(volumes.create(&new("pvc-1"))).await;
    assert_eq!((made.id.as_str(), made.size, made.state), ("320", Size::gib(1), VolumeState::Ready));
    assert_eq!(made.wwid.as_str(), "naa.6f47acc1000000003365657500000140");
    assert_eq!(made.wwid_alt.as_ref().map(|w| w.as_str()), Some("eui.3365657500000140f47acc0100000000"));
    assert_eq!(made.owner.as_ref(), Some(&owner));
    assert_eq!(play.done(volumes.get(&made.id)).await, made);
    assert_eq!(play.done(volumes.resize(&made.id, Size::gib(2))).await.size, Size::gib(2));

    let new_snapshot = NewSnapshot::new(made.id.clone(), Name::new("snap-1"), owner.clone());
    let taken = play.done(snapshots.create(&new_snapshot)).await;
    assert_eq!((taken.id.as_str(), taken.size, taken.ready), ("3110", Size::gib(1), true));
    let seconds = taken.created.duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    assert_eq!(seconds, 1_459_790_043, "2016-04-04T17:14:03Z");

    let from = Source::Snapshot(taken.id.clone(), made.id.clone());
    let copy = play.done(volumes.copy(&new("pvc-2"), &from)).await;
    assert_eq!((copy.id, copy.state), (VolumeId::new("321"), VolumeState::Copying));

    play.done(snapshots.delete(&taken.id, &owner)).await;
    play.done(volumes.delete(&made.id, &owner)).await;
    play.finish();
}
