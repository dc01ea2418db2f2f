//! Hosts, mappings and ports, in both access models.

use perilune_array::{ErrorKind, HostId, Path, Protocol, Tie, VolumeId};

use crate::Bed;
use crate::bed::{NOBODY, kind, owner};
use crate::run::checks;

checks! { |_| true;
    ports_are_of_the_profiles_protocols,
    a_host_is_found_once_it_is_made,
    a_second_create_host_finds_it_there,
    what_the_node_is_now_repairs_the_host [|bed| !bed.by_account()],
    a_host_that_vanished_is_found_to_be_gone_and_made_again [|bed| !bed.by_account()],
    a_volume_that_somebody_can_reach_says_so [|bed| !bed.by_account()],
    several_hosts_reach_a_volume_each_by_itself [|bed| !bed.by_account()],
    an_initiator_belongs_to_one_host [|bed| !bed.by_account()],
    initiators_of_several_hosts_are_a_wrong_state [|bed| !bed.by_account()],
    update_host_gives_exactly_these_initiators,
    a_host_that_is_not_there_is_not_found,
    delete_host_ends_it_unless_it_is_used,
    map_tells_the_ways_and_a_second_call_tells_the_same,
    map_of_nothing_is_not_found,
    two_volumes_of_one_host_are_told_apart,
    map_beyond_the_hosts_limit_says_so [|bed| bed.array.profile().volumes_per_host.is_some()],
    unmap_hides_the_volume_and_a_second_call_does_nothing,
    unmap_of_a_volume_that_is_gone_does_nothing,
    mappings_are_those_who_can_reach_the_volume,
    mappings_of_nothing_are_not_found,
}

async fn ports_are_of_the_profiles_protocols(bed: Bed) {
    let ports = bed.array.access().ports().await.expect("ports");
    assert!(!ports.is_empty());
    for port in ports {
        assert!(bed.array.profile().protocols.contains(&port.protocol) && !port.address.is_empty());
    }
}

async fn a_host_is_found_once_it_is_made(bed: Bed) {
    let access = bed.array.access();
    let spec = bed.host_spec("h", &[1, 2]);
    if !bed.by_account() {
        assert_eq!(access.find_host(&spec).await.expect("find"), None);
    }
    let host = bed.host("h", &[1, 2]).await;
    // Any one initiator is enough; with an account any host at all is the account.
    let part = bed.host_spec("another name", &[2]);
    assert_eq!(access.find_host(&part).await.expect("find"), Some(host.clone()));
    if bed.by_account() {
        assert_eq!(access.find_host(&bed.host_spec("i", &[3])).await.expect("find"), Some(host));
    } else {
        assert_eq!((host.name, host.initiators), (spec.name, spec.initiators));
        assert_eq!(access.find_host(&bed.host_spec("h", &[3])).await.expect("find"), None);
    }
}

async fn a_second_create_host_finds_it_there(bed: Bed) {
    bed.host("h", &[1]).await;
    let again = bed.array.access().create_host(&bed.host_spec("h", &[1])).await;
    assert_eq!(kind(again), ErrorKind::Exists);
}

/// A port was replaced, another renamed: found by what is left, the host is given what the node has now.
async fn what_the_node_is_now_repairs_the_host(bed: Bed) {
    let access = bed.array.access();
    let (made, volume) = (bed.host("h", &[1, 2]).await, bed.volume("v").await);
    access.map(&volume.id, &made.id, false).await.expect("map");
    let now = bed.host_spec("h", &[2, 3]);
    let found = access.find_host(&now).await.expect("find").expect("by the initiator that stayed");
    assert_eq!((&found.id, found.initiators.len()), (&made.id, 2));
    assert_ne!(found.initiators, now.initiators, "what the array has is shown, not what the node has");
    access.update_host(&found.id, &now.initiators).await.expect("repair");
    let repaired = access.find_host(&now).await.expect("find").expect("the host");
    assert_eq!((repaired.id.clone(), repaired.initiators), (made.id, now.initiators));
    assert_eq!(access.mappings(&volume.id).await.expect("mappings").len(), 1, "its volumes stay");
    access.map(&volume.id, &repaired.id, false).await.expect("map again");
}

async fn a_host_that_vanished_is_found_to_be_gone_and_made_again(bed: Bed) {
    let access = bed.array.access();
    let (host, volume) = (bed.host("h", &[1]).await, bed.volume("v").await);
    access.delete_host(&host.id).await.expect("somebody deletes it");
    let answer = kind(access.map(&volume.id, &host.id, false).await);
    assert!(matches!(answer, ErrorKind::NotFound | ErrorKind::Busy), "{answer:?}");
    let again = bed.host("h", &[1]).await;
    access.map(&volume.id, &again.id, false).await.expect("map");
}

async fn a_volume_that_somebody_can_reach_says_so(bed: Bed) {
    let (host, volume) = (bed.host("h", &[1]).await, bed.volume("v").await);
    assert_eq!(volume.ties, []);
    bed.array.access().map(&volume.id, &host.id, false).await.expect("map");
    // Other verbs show only what comes with the volume itself.
    let listed = bed.array.volumes().list(None).await.expect("list").items.remove(0);
    assert!(matches!(listed.ties.as_slice(), [Tie::Mapped(_)]), "{:?}", listed.ties);
}

async fn several_hosts_reach_a_volume_each_by_itself(bed: Bed) {
    let access = bed.array.access();
    let (one, other, volume) = (bed.host("h", &[1]).await, bed.host("i", &[2]).await, bed.volume("v").await);
    for host in [&one, &other] {
        access.map(&volume.id, &host.id, false).await.expect("map");
    }
    assert_eq!(access.mappings(&volume.id).await.expect("mappings"), [one.clone(), other.clone()]);
    access.unmap(&volume.id, &one.id).await.expect("unmap");
    assert_eq!(access.mappings(&volume.id).await.expect("mappings"), [other]);
}

async fn an_initiator_belongs_to_one_host(bed: Bed) {
    bed.host("h", &[1]).await;
    let other = bed.host("i", &[2]).await;
    let answer = bed.array.access().create_host(&bed.host_spec("j", &[1])).await;
    assert_eq!(kind(answer), ErrorKind::InUse);
    let taken = bed.host_spec("i", &[1, 2]).initiators;
    assert_eq!(kind(bed.array.access().update_host(&other.id, &taken).await), ErrorKind::InUse);
}

async fn initiators_of_several_hosts_are_a_wrong_state(bed: Bed) {
    bed.host("h", &[1]).await;
    bed.host("i", &[2]).await;
    let answer = bed.array.access().find_host(&bed.host_spec("h", &[1, 2])).await;
    assert_eq!(kind(answer), ErrorKind::WrongState);
}

async fn update_host_gives_exactly_these_initiators(bed: Bed) {
    let host = bed.host("h", &[1, 2]).await;
    let wanted = bed.host_spec("h", &[2, 3]).initiators;
    for _ in 0..2 {
        let updated = bed.array.access().update_host(&host.id, &wanted).await.expect("update");
        assert_eq!(updated.id, host.id);
        if !bed.by_account() {
            assert_eq!(updated.initiators, wanted);
        }
    }
    if !bed.by_account() {
        let gone = bed.array.access().find_host(&bed.host_spec("h", &[1])).await.expect("find");
        assert_eq!(gone, None);
    }
}

async fn a_host_that_is_not_there_is_not_found(bed: Bed) {
    let access = bed.array.access();
    bed.host("h", &[1]).await;
    for id in [NOBODY, "no id"] {
        let initiators = bed.host_spec("h", &[1]).initiators;
        let answer = access.update_host(&HostId::new(id), &initiators[..0]).await;
        assert_eq!(kind(answer), ErrorKind::NotFound);
        assert_eq!(kind(access.delete_host(&HostId::new(id)).await), ErrorKind::NotFound);
    }
}

async fn delete_host_ends_it_unless_it_is_used(bed: Bed) {
    let access = bed.array.access();
    let (host, volume) = (bed.host("h", &[1]).await, bed.volume("v").await);
    access.map(&volume.id, &host.id, false).await.expect("map");
    assert_eq!(kind(access.delete_host(&host.id).await), ErrorKind::InUse);
    access.unmap(&volume.id, &host.id).await.expect("unmap");
    bed.array.volumes().delete(&volume.id, &owner("v")).await.expect("delete");
    access.delete_host(&host.id).await.expect("delete the host");
    assert_eq!(kind(access.delete_host(&host.id).await), ErrorKind::NotFound);
    assert_eq!(access.find_host(&bed.host_spec("h", &[1])).await.expect("find"), None);
    // And it can be made again.
    bed.host("h", &[1]).await;
    bed.volume("v").await;
}

async fn map_tells_the_ways_and_a_second_call_tells_the_same(bed: Bed) {
    let access = bed.array.access();
    let (host, volume) = (bed.host("h", &[1]).await, bed.volume("v").await);
    let first = access.map(&volume.id, &host.id, false).await.expect("map");
    assert_eq!((&first.volume, &first.host, first.read_only), (&volume.id, &host.id, false));
    assert!(!first.paths.is_empty());
    let ports = access.ports().await.expect("ports");
    for path in &first.paths {
        let (protocol, address) = match path {
            Path::Iscsi { iqn, portal, .. } => {
                assert!(iqn.starts_with("iqn."), "{iqn}");
                (Protocol::Iscsi, portal)
            }
            Path::Fc { wwpn, .. } => (Protocol::Fc, wwpn),
        };
        assert!(ports.iter().any(|port| port.protocol == protocol && port.address == *address));
    }
    assert_eq!(access.map(&volume.id, &host.id, false).await.expect("map again"), first);
}

async fn map_of_nothing_is_not_found(bed: Bed) {
    let access = bed.array.access();
    let (host, volume) = (bed.host("h", &[1]).await, bed.volume("v").await);
    let answer = access.map(&VolumeId::new(NOBODY), &host.id, false).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    let answer = access.map(&volume.id, &HostId::new(NOBODY), false).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
}

async fn two_volumes_of_one_host_are_told_apart(bed: Bed) {
    let access = bed.array.access();
    let host = bed.host("h", &[1]).await;
    let (one, other) = (bed.volume("v").await, bed.volume("w").await);
    let one = access.map(&one.id, &host.id, false).await.expect("map");
    let other = access.map(&other.id, &host.id, false).await.expect("map");
    assert!(one.paths.iter().all(|path| !other.paths.contains(path)));
}

async fn map_beyond_the_hosts_limit_says_so(bed: Bed) {
    let limit = bed.array.profile().volumes_per_host.expect("a limit");
    let host = bed.host("h", &[1]).await;
    assert!((limit as usize) < bed.volumes, "the bed must leave room for one volume more than a host takes");
    for number in 0..=limit {
        let volume = bed.volume(&format!("v-{number}")).await;
        let answer = bed.array.access().map(&volume.id, &host.id, false).await;
        if number < limit {
            answer.expect("map");
        } else {
            assert_eq!(kind(answer), ErrorKind::LimitReached);
        }
    }
}

async fn unmap_hides_the_volume_and_a_second_call_does_nothing(bed: Bed) {
    let access = bed.array.access();
    let (host, volume) = (bed.host("h", &[1]).await, bed.volume("v").await);
    access.map(&volume.id, &host.id, false).await.expect("map");
    for _ in 0..2 {
        access.unmap(&volume.id, &host.id).await.expect("unmap");
        assert_eq!(access.mappings(&volume.id).await.expect("mappings"), []);
    }
}

async fn unmap_of_a_volume_that_is_gone_does_nothing(bed: Bed) {
    let host = bed.host("h", &[1]).await;
    bed.array.access().unmap(&VolumeId::new(NOBODY), &host.id).await.expect("unmap");
}

async fn mappings_are_those_who_can_reach_the_volume(bed: Bed) {
    let access = bed.array.access();
    let (host, volume) = (bed.host("h", &[1]).await, bed.volume("v").await);
    assert_eq!(access.mappings(&volume.id).await.expect("mappings"), []);
    access.map(&volume.id, &host.id, false).await.expect("map");
    if bed.by_account() && !bed.hands.login(&volume.id).await {
        assert_eq!(access.mappings(&volume.id).await.expect("mappings"), []);
        return;
    }
    assert_eq!(access.mappings(&volume.id).await.expect("mappings"), [host]);
}

async fn mappings_of_nothing_are_not_found(bed: Bed) {
    let answer = bed.array.access().mappings(&VolumeId::new(NOBODY)).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
}
