//! Failing over and coming back, of volumes and of consistency groups, planned and with the primary dead: what the other
//! driver for this family cannot do.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

mod rig;

use std::time::Duration;

use perilune_array::{
    Activity, Array, Currency, Direction, ErrorKind, Half, Link, Mode, Name, NewGroup, NewMirror, NewVolume,
    Owner, Pairing, PoolId, RecordId, Role, Size, Subject, VolumeId,
};
use perilune_driver_xiv::Xiv;
use rig::{ARRAY, PEER, Rig};

struct Pair {
    rig: Rig,
    here: Xiv,
    there: Xiv,
}

impl Pair {
    async fn start() -> Self {
        let rig = Rig::start("A9000", 100).await;
        let here = rig.connect(ARRAY).await.expect("connect");
        let there = rig.connect(PEER).await.expect("connect to the peer");
        Self { rig, here, there }
    }

    async fn volume(&self, name: &str) -> VolumeId {
        let owner = Owner::new("c", RecordId::new(name));
        let new = NewVolume::new(Name::new(name), PoolId::new("pool1"), Size::gib(1), owner);
        self.here.volumes().create(&new).await.expect("create").id
    }

    async fn mirror(&self, subject: &Subject, mode: Mode) -> perilune_array::Result<Half> {
        let new = NewMirror {
            subject: subject.clone(),
            role: Role::Source,
            peer_array: self.there.inspect().await.expect("inspect").id,
            peer_pool: PoolId::new("pool1"),
            peer_subject: None,
            mode,
            invitation: None,
        };
        match self.here.mirrors().expect("mirrors").pair(&new).await? {
            Pairing::Done(half) => Ok(half),
            Pairing::Tell(_) => unreachable!("this family tells its peer itself"),
        }
    }

    async fn mirrored_group(&self) -> (Subject, Subject, Vec<VolumeId>) {
        let groups = self.here.groups().expect("groups");
        let new = NewGroup { name: Name::new("g"), pool: PoolId::new("pool1") };
        let group = groups.create(&new).await.expect("group").id;
        let mut members = vec![self.volume("v").await, self.volume("w").await];
        for member in &members {
            groups.add(&group, member).await.expect("add");
        }
        let subject = Subject::Group(group.clone());
        let refusal = self.mirror(&subject, Mode::Sync).await.expect_err("first copies take their time");
        assert_eq!(refusal.kind(), ErrorKind::Busy, "{refusal}");
        self.wait();
        let half = self.mirror(&subject, Mode::Sync).await.expect("the same call goes on");
        assert_eq!(half.role, Role::Source);
        members.sort();
        assert_eq!(groups.get(&group).await.expect("get").members, members, "all came back");
        assert_eq!(
            self.mirror(&subject, Mode::Sync).await.expect_err("it is there").kind(),
            ErrorKind::Exists
        );
        (subject, half.peer.subject, members)
    }

    fn wait(&self) {
        self.rig.running.control().advance(Duration::from_secs(61));
    }

    fn write(&self, array: &str, volume: &VolumeId, text: &str) {
        self.rig.running.control().write(array, number(volume), 0, text.as_bytes()).expect("write");
    }

    fn read(&self, array: &str, volume: &VolumeId) -> String {
        let data = self.rig.running.control().read(array, number(volume), 0, 5).expect("read");
        String::from_utf8(data).expect("text")
    }

    async fn half(&self, array: &Xiv, subject: &Subject) -> Half {
        array.mirrors().expect("mirrors").find(subject).await.expect("find").expect("a half")
    }

    fn check(&self) {
        for array in [ARRAY, PEER] {
            assert_eq!(self.rig.running.control().audit(array).expect("audit"), Vec::<String>::new());
        }
    }
}

fn number(volume: &VolumeId) -> u64 {
    u64::from_str_radix(&volume.as_str()[16..], 16).expect("the driver gives WWNs as ids")
}

#[tokio::test]
async fn a_group_is_switched_in_one_step_and_comes_back_the_same_way() {
    let pair = Pair::start().await;
    let (here, there, members) = pair.mirrored_group().await;
    pair.write(ARRAY, &members[0], "first");
    let gave_up = pair.here.role_swap().expect("swap").swap(&here).await.expect("swap");
    assert_eq!((gave_up.role, gave_up.writable), (Role::Target, false));
    let took_over = pair.half(&pair.there, &there).await;
    assert_eq!((took_over.role, took_over.activity), (Role::Source, Activity::Active));
    for member in &members {
        let half = pair.half(&pair.here, &Subject::Volume(member.clone())).await;
        assert_eq!(half.role, Role::Target, "members go with their group");
        let Subject::Volume(peer) = half.peer.subject else { unreachable!("a volume's peer is one") };
        pair.write(PEER, &peer, "other");
        assert_eq!(pair.read(ARRAY, member), "other", "and are mirrored the other way");
    }
    pair.there.role_swap().expect("swap").swap(&there).await.expect("swap back");
    assert_eq!(pair.half(&pair.here, &here).await.role, Role::Source);
    pair.check();
}

#[tokio::test]
async fn a_group_goes_on_when_its_primary_is_dead_and_the_primary_is_taken_back_without_two_truths() {
    let pair = Pair::start().await;
    let (here, there, members) = pair.mirrored_group().await;
    pair.write(ARRAY, &members[0], "first");
    let of_first = pair.half(&pair.here, &Subject::Volume(members[0].clone())).await.peer.subject;
    let Subject::Volume(peer_of_first) = of_first else { unreachable!("a volume's peer is one") };
    let control = pair.rig.running.control();
    control.set_online(ARRAY, false).expect("the primary dies");
    assert_eq!(pair.half(&pair.there, &there).await.link, Link::Down);
    let mirrors = pair.there.mirrors().expect("mirrors");
    let promoted = mirrors.promote(std::slice::from_ref(&there)).await.expect("promote").remove(0);
    assert_eq!((promoted.role, promoted.writable), (Role::Source, true));
    assert_eq!(pair.read(PEER, &peer_of_first), "first", "nothing that was acknowledged is lost");
    pair.write(PEER, &peer_of_first, "later");

    control.set_online(ARRAY, true).expect("the primary returns");
    while pair.here.inspect().await.is_err() {
        // its socket comes back in its own time
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (old, new) = (pair.half(&pair.here, &here).await, pair.half(&pair.there, &there).await);
    assert_eq!((old.role, new.role), (Role::Source, Role::Source), "split brain is seen on both sides");
    assert!(old.fault.is_some() && new.fault.is_some(), "{old:?} {new:?}");
    let returned = pair.here.mirrors().expect("mirrors");
    let refused = returned.resume(&here, Direction::FromHere).await.expect_err("two sources");
    assert_eq!(refused.kind(), ErrorKind::WrongState);
    returned.demote(std::slice::from_ref(&here)).await.expect("the old one gives up");
    returned.resume(&here, Direction::ToHere).await.expect("and follows");
    pair.wait();
    assert_eq!(pair.half(&pair.here, &here).await.currency, Currency::InSync);
    assert_eq!(pair.read(ARRAY, &members[0]), "later");
    pair.there.role_swap().expect("swap").swap(&there).await.expect("and home again");
    assert_eq!(pair.half(&pair.here, &here).await.role, Role::Source);
    pair.check();
}

#[tokio::test]
async fn an_asynchronous_mirror_tells_how_far_its_copy_is_and_fails_over_to_that() {
    let pair = Pair::start().await;
    let volume = pair.volume("v").await;
    let subject = Subject::Volume(volume.clone());
    let interval = Duration::from_secs(60);
    let half = pair.mirror(&subject, Mode::Async { interval }).await.expect("pair");
    assert_eq!(half.mode, Mode::Async { interval });
    pair.write(ARRAY, &volume, "first");
    pair.wait();
    assert_eq!(pair.half(&pair.here, &subject).await.currency, Currency::InSync);
    pair.write(ARRAY, &volume, "later");
    pair.rig.running.control().set_link(ARRAY, false).expect("the link goes down");
    let there = half.peer.subject;
    let Subject::Volume(copy) = there.clone() else { unreachable!("a volume's peer is one") };
    assert!(matches!(pair.half(&pair.there, &there).await.currency, Currency::ConsistentAt(_)));
    pair.there.mirrors().expect("mirrors").promote(&[there]).await.expect("promote");
    assert_eq!(pair.read(PEER, &copy), "first", "the copy of the last round");
    pair.check();
}

#[tokio::test]
async fn what_a_lost_answer_left_is_found_by_its_tag_and_a_torn_copy_is_told_from_a_whole_one() {
    let pair = Pair::start().await;
    let source = pair.volume("source").await;
    let control = pair.rig.running.control();
    let owner = Owner::new("c", RecordId::new("copy"));
    let new = NewVolume::new(Name::new("copy"), PoolId::new("pool1"), Size::gib(1), owner.clone());
    let volumes = pair.here.volumes();
    for command in ["vol_create", "vol_copy", "metadata_set"] {
        let fault = perilune_simulator::Fault::nth(command, 1, perilune_simulator::Action::DropAfter);
        control.order(ARRAY, fault).expect("order");
        let failed = volumes.copy(&new, &perilune_array::Source::Volume(source.clone())).await;
        assert_eq!(failed.expect_err("the answer is lost").kind(), ErrorKind::NoAnswer, "{command}");
        let left = volumes.attempts(&new.name, &owner).await.expect("attempts");
        let state = if command == "metadata_set" {
            perilune_array::VolumeState::Ready
        } else {
            perilune_array::VolumeState::Torn
        };
        assert_eq!(
            (left.len(), left[0].state, left[0].owner.as_ref()),
            (1, state, Some(&owner)),
            "{command}"
        );
        volumes.delete(&left[0].id, &owner).await.expect("its tag proves that it is ours");
        assert_eq!(volumes.attempts(&new.name, &owner).await.expect("attempts"), []);
    }
    pair.check();
}
