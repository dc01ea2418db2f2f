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
    assert_eq!(bench.refusal("StartClusterPairing", json!({})), "xUnknownAPIMethod");
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
