//! Arrays that keep maps: hosts come from the nodes' own facts, and go when the administrator wants that.

use crate::bed::{Bed, mapping_array, node, request, soon, spec};
use perilune_array::{Access as _, ErrorKind, Initiator};
use perilune_engine::{BackendSpec, Code, HostPolicy, Limits, NodeFacts, PublishRequest, VolumeHandle};

async fn bed(hosts: HostPolicy) -> Bed {
    Bed::with(mapping_array().build(), BackendSpec { hosts, ..spec("a") }).await
}

async fn volume(bed: &Bed, name: &str) -> VolumeHandle {
    bed.engine.ensure_volume(&request(name, 1), soon()).await.expect("made").handle
}

fn to(volume: &VolumeHandle, node: &str) -> PublishRequest {
    PublishRequest { volume: volume.clone(), node: node.into(), read_only: false, shared: false }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_nobody_knows_is_given_nothing() {
    let bed = bed(HostPolicy::default()).await;
    let v = volume(&bed, "v").await;
    let failure = bed.engine.publish(&to(&v, "stranger"), soon()).await.expect_err("refused");
    assert_eq!(failure.code, Code::NotFound, "{failure}");
    assert_eq!(bed.array.inventory().hosts, []);
}

#[tokio::test(start_paused = true)]
async fn a_fenced_node_is_given_nothing() {
    let bed = bed(HostPolicy::default()).await;
    let v = volume(&bed, "v").await;
    bed.nodes.put("n", NodeFacts { fenced: Some("out of service".into()), ..node("n") });
    let failure = bed.engine.publish(&to(&v, "n"), soon()).await.expect_err("refused");
    assert_eq!(failure.code, Code::FailedPrecondition);
    assert!(failure.message.contains("out of service"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_renamed_initiator_mends_the_host_instead_of_making_another() {
    let bed = bed(HostPolicy::default()).await;
    let (v, w) = (volume(&bed, "v").await, volume(&bed, "w").await);
    bed.engine.publish(&to(&v, "n"), soon()).await.expect("published");
    let (old, new) =
        (Initiator::Iqn("iqn.2026-01.test:n".into()), Initiator::Wwpn("5001738000000009".into()));
    bed.nodes.put("n", NodeFacts { initiators: vec![old, new.clone()], ..node("n") });
    bed.engine.publish(&to(&w, "n"), soon()).await.expect("published");
    let hosts = bed.array.inventory().hosts;
    assert_eq!(hosts.len(), 1, "{hosts:?}");
    assert!(hosts[0].initiators.contains(&new));
    assert_eq!(bed.array.inventory().mappings.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_ports_are_all_new_keeps_its_host_or_gets_another() {
    let bed = bed(HostPolicy::default()).await;
    let (v, w, x) = (volume(&bed, "v").await, volume(&bed, "w").await, volume(&bed, "x").await);
    let renamed = |name: &str| NodeFacts { name: "n".into(), ..node(name) };
    bed.engine.publish(&to(&v, "n"), soon()).await.expect("published");
    bed.nodes.put("n", renamed("new"));
    bed.engine.publish(&to(&w, "n"), soon()).await.expect("published");
    let hosts = bed.array.inventory().hosts;
    assert_eq!((hosts.len(), hosts[0].initiators.as_slice()), (1, node("new").initiators.as_slice()));
    // nothing is attached, so no record knows the host; and it has the name
    for volume in [&v, &w] {
        bed.engine.unpublish(volume, Some("n"), soon()).await.expect("unpublished");
    }
    bed.nodes.put("n", renamed("newer"));
    bed.engine.publish(&to(&x, "n"), soon()).await.expect("published");
    bed.engine.publish(&to(&x, "n"), soon()).await.expect("and again");
    assert_eq!((bed.array.inventory().hosts.len(), bed.array.inventory().mappings.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_two_nodes_share_is_not_taken_from_one_of_them() {
    let bed = bed(HostPolicy::default()).await;
    let v = volume(&bed, "v").await;
    let both = [node("n1").initiators, node("n2").initiators].concat();
    let shared = perilune_array::HostSpec { name: perilune_array::Name::new("both"), initiators: both };
    bed.array.create_host(&shared).await.expect("made by hand");
    let failure = bed.engine.publish(&to(&v, "n1"), soon()).await.expect_err("refused");
    assert_eq!(failure.code, Code::FailedPrecondition);
    assert!(failure.message.contains("host both"), "{failure}");
    assert_eq!(bed.array.inventory().hosts[0].initiators.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unused_host_goes_with_its_last_map_and_not_before() {
    let bed = bed(HostPolicy { managed: true, delete_unused: true }).await;
    let (v, w) = (volume(&bed, "v").await, volume(&bed, "w").await);
    for volume in [&v, &w] {
        bed.engine.publish(&to(volume, "n"), soon()).await.expect("published");
    }
    bed.engine.unpublish(&v, Some("n"), soon()).await.expect("unpublished");
    assert_eq!(bed.array.inventory().hosts.len(), 1);
    // the node is gone, its record too: what it was given is still taken back
    bed.nodes.remove("n");
    bed.engine.unpublish(&w, None, soon()).await.expect("unpublished");
    assert_eq!((bed.array.inventory().hosts.len(), bed.array.inventory().mappings.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn hosts_kept_by_hand_are_found_and_never_touched() {
    let bed = bed(HostPolicy { managed: false, delete_unused: true }).await;
    let v = volume(&bed, "v").await;
    let failure = bed.engine.publish(&to(&v, "n"), soon()).await.expect_err("refused");
    assert_eq!(failure.code, Code::FailedPrecondition);
    assert!(failure.message.contains("define it there"), "{failure}");
    let mine =
        vec![Initiator::Iqn("iqn.2026-01.test:n".into()), Initiator::Iqn("iqn.2026-01.test:spare".into())];
    let by_hand = perilune_array::HostSpec { name: perilune_array::Name::new("by-hand"), initiators: mine };
    bed.array.create_host(&by_hand).await.expect("made by hand");
    bed.engine.publish(&to(&v, "n"), soon()).await.expect("published");
    bed.engine.unpublish(&v, Some("n"), soon()).await.expect("unpublished");
    let hosts = bed.array.inventory().hosts;
    assert_eq!((hosts.len(), hosts[0].initiators.len(), bed.array.inventory().mappings.len()), (1, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_map_that_stays_after_all_is_not_called_gone() {
    let bed = bed(HostPolicy::default()).await;
    let v = volume(&bed, "v").await;
    bed.engine.publish(&to(&v, "n"), soon()).await.expect("published");
    bed.array.set_keeps_maps(true);
    let failure = bed.engine.unpublish(&v, Some("n"), soon()).await.expect_err("not proved");
    assert!(failure.code.keeps_the_caller() && failure.message.contains("still shows"), "{failure:?}");
    assert_eq!(bed.ledger.entries()[0].attachments.len(), 1, "forgotten too early");
    bed.array.set_keeps_maps(false);
    bed.engine.unpublish(&v, Some("n"), soon()).await.expect("unpublished");
    assert_eq!((bed.ledger.entries()[0].attachments.len(), bed.array.inventory().mappings.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_node_is_told_so_and_another_is_not() {
    let mut spec = spec("a");
    spec.limits = Limits { volumes_per_node: Some(2), ..spec.limits };
    let bed = Bed::with(mapping_array().build(), spec).await;
    for name in ["v1", "v2"] {
        bed.engine.publish(&to(&volume(&bed, name).await, "n1"), soon()).await.expect("published");
    }
    let third = volume(&bed, "v3").await;
    let failure = bed.engine.publish(&to(&third, "n1"), soon()).await.expect_err("refused");
    assert_eq!((failure.code, failure.kind), (Code::ResourceExhausted, ErrorKind::LimitReached), "{failure}");
    bed.engine.publish(&to(&third, "n2"), soon()).await.expect("published");
}

#[tokio::test(start_paused = true)]
async fn many_volumes_published_to_one_node_at_once_get_luns_of_their_own() {
    let bed = bed(HostPolicy::default()).await;
    let mut volumes = Vec::new();
    for n in 0..12 {
        volumes.push(volume(&bed, &format!("v{n}")).await);
    }
    let all =
        volumes.iter().map(|v| async { bed.engine.publish(&to(v, "n"), soon()).await.expect("published") });
    futures::future::join_all(all).await;
    let mut luns: Vec<_> = bed.array.inventory().mappings.iter().map(|(_, _, lun)| *lun).collect();
    luns.sort_unstable();
    luns.dedup();
    assert_eq!(luns.len(), 12);
    assert_eq!(bed.array.inventory().hosts.len(), 1);
}
