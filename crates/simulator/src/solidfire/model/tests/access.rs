//! Accounts, access groups, and the envelope of methods.

use serde_json::json;

use super::{Bench, GIB};

#[test]
fn usernames_are_unique_and_secrets_have_12_to_16_characters() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal("AddAccount", json!({"username": "tenant"})), "xDuplicateUsername");
    let short = json!({"username": "b", "initiatorSecret": "eleven-long"});
    assert_eq!(bench.refusal("AddAccount", short), "xInvalidParameter");
    let equal = json!({"username": "b", "initiatorSecret": "twelve-chars", "targetSecret": "twelve-chars"});
    assert_eq!(bench.call("AddAccount", equal)["account"]["initiatorSecret"], "twelve-chars");
    assert_eq!(bench.refusal("GetAccountByName", json!({"username": "c"})), "xUnknownAccount");
    assert_eq!(bench.refusal("ListVolumesForAccount", json!({"accountID": 9})), "xAccountIDDoesNotExist");
}

#[test]
fn a_locked_account_closes_its_volumes() {
    let mut bench = Bench::new();
    bench.create("v", GIB);
    assert_eq!(bench.cluster.statistics().exports, 1);
    bench.call("ModifyAccount", json!({"accountID": 1, "status": "locked"}));
    assert_eq!(bench.cluster.statistics().exports, 0);
    bench.call("ModifyAccount", json!({"accountID": 1, "status": "active"}));
    bench.call("ModifyVolume", json!({"volumeID": 1, "access": "locked"}));
    assert_eq!(bench.cluster.statistics().exports, 0);
    let wrong = json!({"volumeID": 1, "access": "public"});
    assert_eq!(bench.refusal("ModifyVolume", wrong), "xUnrecognizedEnumString");
}

#[test]
fn a_volume_moves_between_accounts() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    bench.call("AddAccount", json!({"username": "other"}));
    bench.call("ModifyVolume", json!({"volumeID": id, "accountID": 2}));
    assert_eq!(bench.call("GetAccountByID", json!({"accountID": 1}))["account"]["volumes"], json!([]));
    assert_eq!(bench.call("GetAccountByID", json!({"accountID": 2}))["account"]["volumes"], json!([id]));
    bench.expect_sound();
}

#[test]
fn an_initiator_is_in_one_access_group_and_membership_is_not_repeated() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    let group = json!({"name": "g", "initiators": ["iqn.2026-01.test:Node"], "volumes": [id]});
    bench.call("CreateVolumeAccessGroup", group.clone());
    assert_eq!(bench.refusal("CreateVolumeAccessGroup", group), "xExceededLimit");
    let member = json!({"volumeAccessGroupID": 1, "volumes": [id]});
    assert_eq!(bench.refusal("AddVolumesToVolumeAccessGroup", member.clone()), "xAlreadyInVolumeAccessGroup");
    bench.call("AddVolumesToVolumeAccessGroup", json!({"volumeAccessGroupID": 1, "volumes": null}));
    let initiator = json!({"volumeAccessGroupID": 1, "initiators": ["iqn.2026-01.test:node"]});
    assert_eq!(bench.refusal("AddInitiatorsToVolumeAccessGroup", initiator), "xAlreadyInVolumeAccessGroup");
    bench.call("RemoveVolumesFromVolumeAccessGroup", member.clone());
    assert_eq!(bench.refusal("RemoveVolumesFromVolumeAccessGroup", member), "xNotInVolumeAccessGroup");
    let unknown = json!({"volumeAccessGroupID": 9, "volumes": [id]});
    assert_eq!(bench.refusal("AddVolumesToVolumeAccessGroup", unknown), "xVolumeAccessGroupIDDoesNotExist");
    bench.expect_sound();
}

#[test]
fn a_deleted_volume_is_remembered_by_its_access_groups_until_it_is_purged() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    bench.call("CreateVolumeAccessGroup", json!({"name": "g", "volumes": [id]}));
    bench.call("DeleteVolume", json!({"volumeID": id}));
    let group =
        |bench: &mut Bench| bench.call("ListVolumeAccessGroups", json!({}))["volumeAccessGroups"][0].take();
    assert_eq!(group(&mut bench)["deletedVolumes"], json!([id]));
    bench.expect_sound();
    bench.call("PurgeDeletedVolume", json!({"volumeID": id}));
    assert_eq!(group(&mut bench)["deletedVolumes"], json!([]));
    bench.expect_sound();
}

#[test]
fn a_method_is_known_from_its_version_on_and_others_never() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal("CreateBackupTarget", json!({})), "xUnknownAPIMethod");
    let refusal = bench.cluster.call("ListVolumes", "7.4", serde_json::Map::new()).expect_err("refused");
    assert_eq!(
        (refusal.name.as_str(), refusal.message.as_str()),
        ("xUnknownAPIMethod", " method=ListVolumes")
    );
    assert!(bench.cluster.call("ListVolumes", "8.0", serde_json::Map::new()).is_ok());
    assert!(bench.cluster.call("ListVolumes", "10.0", serde_json::Map::new()).is_ok());
}

#[test]
fn numbers_may_come_as_text() {
    let mut bench = Bench::new();
    let id = bench.create("v", GIB);
    let listed = bench.call("ListVolumes", json!({"startVolumeID": id.to_string(), "limit": 1}));
    assert_eq!(listed["volumes"][0]["volumeID"], id);
}

#[test]
fn every_volume_of_an_access_group_has_a_lun_of_its_own() {
    let mut bench = Bench::new();
    let ids: Vec<u64> = ["a", "b", "c"].iter().map(|name| bench.create(name, GIB)).collect();
    bench.call("CreateVolumeAccessGroup", json!({"name": "g", "volumes": [ids[0], ids[1]]}));
    let set = |luns: serde_json::Value| json!({"volumeAccessGroupID": 1, "lunAssignments": luns});
    let moved =
        bench.call("ModifyVolumeAccessGroupLunAssignments", set(json!([{"volumeID": ids[0], "lun": 7}])));
    let luns = &moved["volumeAccessGroupLunAssignments"]["lunAssignments"];
    assert_eq!(*luns, json!([{"volumeID": ids[0], "lun": 7}, {"volumeID": ids[1], "lun": 1}]));
    let refused = [
        (json!([{"volumeID": ids[0], "lun": 1}]), "xInvalidParameter"),
        (json!([{"volumeID": ids[0], "lun": 16384}]), "xInvalidParameter"),
        (json!([{"volumeID": ids[2], "lun": 3}]), "xNotInVolumeAccessGroup"),
    ];
    for (luns, name) in refused {
        assert_eq!(bench.refusal("ModifyVolumeAccessGroupLunAssignments", set(luns)), name);
    }
    bench.call("AddVolumesToVolumeAccessGroup", json!({"volumeAccessGroupID": 1, "volumes": [ids[2]]}));
    bench.call("DeleteVolume", json!({"volumeID": ids[1]}));
    let seen = bench.call("GetVolumeAccessGroupLunAssignments", json!({"volumeAccessGroupID": 1}));
    let seen = &seen["volumeAccessGroupLunAssignments"];
    assert_eq!(seen["lunAssignments"][1], json!({"volumeID": ids[2], "lun": 0}));
    assert_eq!(seen["deletedLunAssignments"], json!([{"volumeID": ids[1], "lun": 1}]));
    bench.expect_sound();
}

#[test]
fn initiators_are_made_changed_moved_and_deleted_all_or_none() {
    let mut bench = Bench::new();
    bench.create("v", GIB);
    bench.call("CreateVolumeAccessGroup", json!({"name": "g", "volumes": [1]}));
    bench.call("CreateVolumeAccessGroup", json!({"name": "h"}));
    let two =
        json!({"initiators": [{"name": "iqn.a", "volumeAccessGroupID": 1}, {"name": "IQN.B", "alias": "b"}]});
    let made = bench.call("CreateInitiators", two)["initiators"].take();
    assert_eq!((&made[0]["volumeAccessGroups"], &made[1]["initiatorName"]), (&json!([1]), &json!("iqn.b")));
    let again = json!({"initiators": [{"name": "iqn.c"}, {"name": "iqn.a"}]});
    assert_eq!(bench.refusal("CreateInitiators", again), "xInitiatorExists");
    let change = json!({"initiators": [{"initiatorID": 1, "volumeAccessGroupID": 2}, {"initiatorID": 2, "alias": "x"}]});
    let changed = bench.call("ModifyInitiators", change)["initiators"].take();
    assert_eq!((&changed[0]["volumeAccessGroups"], &changed[1]["alias"]), (&json!([2]), &json!("x")));
    let unknown = json!({"initiators": [{"initiatorID": 2, "alias": "y"}, {"initiatorID": 9}]});
    assert_eq!(bench.refusal("ModifyInitiators", unknown), "xInitiatorDoesNotExist");
    assert_eq!(bench.call("ListInitiators", json!({"initiators": [2]}))["initiators"][0]["alias"], "x");
    bench.call("ModifyInitiators", json!({"initiators": [{"initiatorID": 1, "volumeAccessGroupID": 0}]}));
    assert_eq!(bench.refusal("DeleteInitiators", json!({"initiators": [1, 9]})), "xInitiatorDoesNotExist");
    bench.call("DeleteInitiators", json!({"initiators": [1, 2]}));
    assert_eq!(bench.call("ListInitiators", json!({}))["initiators"], json!([]));
    bench.expect_sound();
}

#[test]
fn fibre_channel_ports_are_those_of_the_configuration() {
    let ports: Vec<String> = (1..=5).map(|n| format!("5f:47:ac:c0:00:00:00:0{n}")).collect();
    let mut bench = Bench::with(|config| config.fc.clone_from(&ports));
    let info = bench.call("ListFibreChannelPortInfo", json!({}))["fibreChannelPortInfo"].take();
    assert_eq!(info["5"]["result"]["fibreChannelPorts"][3]["wwpn"], ports[3]);
    assert_eq!(info["6"]["result"]["fibreChannelPorts"][0]["wwpn"], ports[4]);
    assert_eq!(Bench::new().call("ListFibreChannelPortInfo", json!({}))["fibreChannelPortInfo"], json!({}));
}
