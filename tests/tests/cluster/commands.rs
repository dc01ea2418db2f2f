//! Commands by annotation: look through the array, adopt a volume that somebody made there, let go of it again.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use perilune_tests::{Bed, CHAP, NAMESPACE, story, wait_for};
use serde_json::{Value, json};

use crate::{clean, on_bed};

/// Gives the backend a command and waits for what comes of it.
fn command(bed: &Bed, id: &str) -> Result<Value> {
    let wish = ["perilune.dev/rescan=true".to_owned(), format!("perilune.dev/request-id={id}")];
    bed.kubectl.run(&["annotate", "arraybackend", "sf1", &wish[0], &wish[1]])?;
    wait_for(&format!("command {id} to end"), Duration::from_secs(150), || {
        let backend = bed.kubectl.get(&["arraybackend", "sf1"])?;
        let operation = backend["status"]["operation"].clone();
        let cleared = backend["metadata"]["annotations"]["perilune.dev/rescan"].is_null();
        let ended = operation["id"] == id && operation["completionTime"].is_string() && cleared;
        Ok(if ended { Ok(operation) } else { Err(operation.to_string()) })
    })
}

/// What the last look found under this heading.
fn found(bed: &Bed, what: &str) -> Result<Vec<Value>> {
    let maps = bed.kubectl.list(&["configmaps", "-n", NAMESPACE, "-l", "perilune.dev/scan=sf1"])?;
    let mut rows = Vec::new();
    for map in maps {
        let page: Value = serde_json::from_str(map["data"]["page.json"].as_str().context("a page")?)?;
        rows.extend(page[what].as_array().cloned().unwrap_or_default());
    }
    Ok(rows)
}

/// A volume that an administrator makes under our tenant.
fn by_hand(bed: &Bed) -> Result<u64> {
    let account = bed.solidfire_call("GetAccountByName", &json!({"username": CHAP.0}))?;
    let account = account["account"]["accountID"].as_u64().context("the tenant's account")?;
    let new = json!({"name": "by-hand", "accountID": account, "totalSize": 2_u64 << 30, "enable512e": true});
    bed.solidfire_call("CreateVolume", &new)?["volumeID"].as_u64().context("a volume id")
}

#[test]
fn a_volume_made_by_hand_is_listed_adopted_by_a_claim_and_let_go_of() {
    on_bed(|bed| {
        let kubectl = &bed.kubectl;
        let _ =
            kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}));
        let id = by_hand(bed)?;
        let operation = command(bed, "look-1")?;
        ensure!(operation["phase"] == "Succeeded", "{operation}");
        let native = id.to_string();
        let row = found(bed, "manageable")?.into_iter().find(|row| row["reference"] == native.as_str());
        let row = row.context("the volume in the scan")?;
        ensure!(row["safe"] == true, "{row}");

        let mut claim = story::claim("adopted", "2Gi", None);
        claim["metadata"]["annotations"]["perilune.dev/import"] = format!("sf1/{id}").into();
        kubectl.apply(&claim)?;
        let volume = story::bound(bed, "adopted")?;
        let records = kubectl.list(&["arrayvolumes"])?;
        let record = records.iter().find(|record| record["spec"]["claim"]["name"] == "adopted");
        let record = record.context("its record")?["metadata"]["name"].as_str().context("a name")?.to_owned();
        let adopted = kubectl.get(&["arrayvolume", &record])?;
        ensure!(adopted["status"]["nativeID"] == native.as_str(), "another volume was made: {adopted}");
        println!("adopted volume {id} as {volume}");

        kubectl.run(&["-n", "demo", "annotate", "pvc", "adopted", "perilune.dev/unmanage=true"])?;
        wait_for("the volume to be let go of", Duration::from_secs(150), || {
            let record = kubectl.get(&["arrayvolume", &record])?;
            Ok(if record["status"]["phase"] == "Released" {
                Ok(())
            } else {
                Err(record["status"].to_string())
            })
        })?;
        kubectl.run(&["-n", "demo", "delete", "pvc", "adopted", "--timeout=60s"])?;
        let volumes = kubectl.list(&["persistentvolumes"])?;
        let name = volumes.first().context("the volume, which is set to Retain")?["metadata"]["name"].clone();
        kubectl.run(&["delete", "pv", name.as_str().context("a name")?, "--timeout=60s"])?;
        wait_for("its record to be forgotten", Duration::from_secs(150), || {
            let left = kubectl.list(&["arrayvolumes"])?;
            Ok(if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) })
        })?;
        let there = bed.solidfire_call("ListVolumes", &json!({"startVolumeID": id, "limit": 1}))?;
        ensure!(there["volumes"][0]["status"] == "active", "the volume is not there any more: {there}");
        bed.solidfire_call("DeleteVolume", &json!({"volumeID": id}))?;
        bed.solidfire_call("PurgeDeletedVolume", &json!({"volumeID": id}))?;
        clean(bed)
    });
}

#[test]
fn a_command_that_cannot_be_meant_is_rejected_and_cleared() {
    on_bed(|bed| {
        bed.kubectl.run(&["annotate", "arraybackend", "sf1", "perilune.dev/rescan=maybe"])?;
        wait_for("the rejection", Duration::from_secs(150), || {
            let backend = bed.kubectl.get(&["arraybackend", "sf1"])?;
            let operation = &backend["status"]["operation"];
            let cleared = backend["metadata"]["annotations"]["perilune.dev/rescan"].is_null();
            let told = operation["phase"] == "Rejected" && operation["value"] == "maybe";
            Ok(if told && cleared { Ok(()) } else { Err(operation.to_string()) })
        })
    });
}
