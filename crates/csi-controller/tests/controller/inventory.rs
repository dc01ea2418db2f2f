//! Listings, looks and health: what is there, page by page, and how it fares.

use std::collections::BTreeSet;

use perilune_array::VolumeState;
use perilune_csi::proto::csi::v1;
use v1::VolumeHealthErrorType as Harm;

use crate::ask;
use crate::rig::Rig;

impl Rig {
    async fn volumes(&mut self, max_entries: i32, starting_token: String) -> v1::ListVolumesResponse {
        let request = v1::ListVolumesRequest { max_entries, starting_token };
        self.client.list_volumes(request).await.unwrap().into_inner()
    }

    async fn snapshots(&mut self, request: v1::ListSnapshotsRequest) -> v1::ListSnapshotsResponse {
        self.client.list_snapshots(request).await.unwrap().into_inner()
    }

    async fn harm(&mut self, volume: &str) -> Vec<Harm> {
        let answer = self.client.controller_get_volume_health(ask::health(volume)).await.unwrap();
        let health = answer.into_inner().volume_health.unwrap();
        assert_eq!(health.volume_id, volume);
        health.health_statuses.iter().map(v1::volume_health::VolumeHealthEntry::status).collect()
    }
}

fn ids(list: &v1::ListVolumesResponse) -> Vec<String> {
    list.entries.iter().map(|entry| entry.volume.clone().unwrap().volume_id).collect()
}

#[tokio::test]
async fn pages_hold_every_volume_once_though_some_come_and_go_between_them() {
    let mut rig = Rig::new().await;
    let mut all = BTreeSet::new();
    for n in 0..7 {
        all.insert(rig.made(ask::create(&format!("pvc-{n}"), 1)).await.volume_id);
    }
    let whole = rig.volumes(0, String::new()).await;
    assert_eq!(
        (ids(&whole).into_iter().collect::<BTreeSet<_>>(), whole.next_token.as_str()),
        (all.clone(), "")
    );

    let first = rig.volumes(3, String::new()).await;
    // the last one of the page, on which the token stands
    rig.client.delete_volume(ask::delete(ids(&first).last().unwrap())).await.unwrap();
    let new = rig.made(ask::create("pvc-new", 1)).await.volume_id;
    let (mut seen, mut token) = (ids(&first), first.next_token);
    while !token.is_empty() {
        let page = rig.volumes(3, token).await;
        assert!(page.entries.len() <= 3);
        seen.extend(ids(&page));
        token = page.next_token;
    }
    seen.retain(|id| *id != new);
    assert_eq!(seen.len(), all.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), all);
}

#[tokio::test]
async fn a_list_tells_size_place_nodes_and_condition_and_asks_no_array() {
    let mut rig = Rig::new().await;
    let made = rig.made(ask::create("pvc-1", 2)).await;
    rig.client.controller_publish_volume(ask::publish(&made.volume_id, "node-1")).await.unwrap();
    rig.array.faults().clear();
    let entry = rig.volumes(0, String::new()).await.entries.remove(0);
    assert_eq!(entry.volume, Some(made.clone()));
    let status = entry.status.unwrap();
    assert_eq!(status.published_node_ids, ["node-1"]);
    assert!(!status.volume_condition.unwrap().abnormal);
    assert!(rig.array.faults().calls().is_empty());

    let looked = rig.client.controller_get_volume(ask::look(&made.volume_id)).await.unwrap().into_inner();
    assert_eq!(
        (looked.volume, looked.status.unwrap().published_node_ids),
        (Some(made), vec!["node-1".into()])
    );
}

#[tokio::test]
async fn both_forms_of_health_tell_what_became_of_a_volume() {
    let mut rig = Rig::new().await;
    let id = rig.made(ask::create("pvc-1", 1)).await.volume_id;
    let other = rig.made(ask::create("pvc-2", 1)).await.volume_id;
    assert_eq!(rig.harm(&id).await, []);
    let native = rig.on_array("pvc-1").id;
    rig.array.set_state(&native, VolumeState::Faulted);
    assert_eq!(rig.harm(&id).await, [Harm::Inaccessible]);
    rig.array.lose(&native);
    assert_eq!(rig.harm(&id).await, [Harm::DataLoss]);

    let looked = rig.client.controller_get_volume(ask::look(&id)).await.unwrap().into_inner();
    let condition = looked.status.unwrap().volume_condition.unwrap();
    assert!(condition.abnormal && condition.message.contains("sf1"), "{condition:?}");
    for entry in rig.volumes(0, String::new()).await.entries {
        let ill = entry.volume.unwrap().volume_id == id;
        assert_eq!(entry.status.unwrap().volume_condition.unwrap().abnormal, ill);
    }
    let request = v1::ControllerListVolumeHealthRequest::default();
    let ill = rig.client.controller_list_volume_health(request).await.unwrap().into_inner();
    assert_eq!(ill.entries.iter().map(|entry| entry.volume_id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
    assert_eq!(rig.harm(&other).await, []);
}

#[tokio::test]
async fn pages_of_the_ill_are_filled_though_the_well_lie_between_them() {
    let mut rig = Rig::new().await;
    for n in 0..9 {
        let name = format!("pvc-{n}");
        let id = rig.made(ask::create(&name, 1)).await.volume_id;
        if n % 3 == 0 {
            rig.array.set_state(&rig.on_array(&name).id, VolumeState::Faulted);
            assert_eq!(rig.harm(&id).await, [Harm::Inaccessible]);
        }
    }
    let mut pages = Vec::new();
    let mut starting_token = String::new();
    loop {
        let request =
            v1::ControllerListVolumeHealthRequest { max_entries: 2, starting_token, ..Default::default() };
        let page = rig.client.controller_list_volume_health(request).await.unwrap().into_inner();
        pages.push(page.entries.len());
        starting_token = page.next_token;
        if starting_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages.iter().sum::<usize>(), 3);
    assert_eq!(pages[0], 2);
}

#[tokio::test]
async fn snapshots_are_found_by_id_by_volume_and_page_by_page() {
    let mut rig = Rig::new().await;
    let (mut of_one, mut all) = (BTreeSet::new(), BTreeSet::new());
    let one = rig.made(ask::create("pvc-1", 1)).await.volume_id;
    let two = rig.made(ask::create("pvc-2", 1)).await.volume_id;
    // the longest name that CSI allows: a token must not outgrow what CSI allows it
    for name in ["snap-1", "snap-2", &format!("snap-{}", "x".repeat(123))] {
        of_one.insert(rig.taken(name, &one).await.snapshot_id);
    }
    let last = rig.taken("snap-4", &two).await;
    all.extend(of_one.iter().cloned().chain([last.snapshot_id.clone()]));
    let found = |list: &v1::ListSnapshotsResponse| -> BTreeSet<String> {
        list.entries.iter().map(|entry| entry.snapshot.clone().unwrap().snapshot_id).collect()
    };
    let list = v1::ListSnapshotsRequest::default;
    assert_eq!(found(&rig.snapshots(list()).await), all);
    let of = |id: &str| v1::ListSnapshotsRequest { source_volume_id: id.into(), ..list() };
    assert_eq!(found(&rig.snapshots(of(&one)).await), of_one);
    let named = |id: &str| v1::ListSnapshotsRequest { snapshot_id: id.into(), ..list() };
    let by_id = rig.snapshots(named(&last.snapshot_id)).await;
    assert_eq!(by_id.entries[0].snapshot, Some(last.clone()));
    let both = v1::ListSnapshotsRequest { source_volume_id: one.clone(), ..named(&last.snapshot_id) };
    for nothing in [both, named("snap-17"), named("v1:sf1:99"), of("vol-17"), of(ask::UNKNOWN)] {
        assert_eq!(rig.snapshots(nothing).await, v1::ListSnapshotsResponse::default());
    }
    let get = v1::GetSnapshotRequest { snapshot_id: last.snapshot_id.clone(), ..Default::default() };
    assert_eq!(rig.client.get_snapshot(get).await.unwrap().into_inner().snapshot, Some(last));

    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page =
            rig.snapshots(v1::ListSnapshotsRequest { max_entries: 1, starting_token: token, ..list() }).await;
        assert_eq!(page.entries.len(), 1);
        seen.extend(found(&page));
        token = page.next_token;
        assert!(token.len() <= 128, "{token}");
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((seen.len(), seen.into_iter().collect::<BTreeSet<_>>()), (4, all));
}
