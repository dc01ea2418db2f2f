//! Backends that cannot be used: the condition says why, the API server refuses what it can refuse, the array is untouched.

use std::time::Duration;

use anyhow::{Result, ensure};
use perilune_tests::{Bed, Family, NAMESPACE, story, wait_for};
use serde_json::{Value, json};

use crate::on_bed;

fn condition(bed: &Bed, name: &str, kind: &str) -> Result<Value> {
    let object = bed.kubectl.get(&["arraybackend", name])?;
    let found = object["status"]["conditions"]
        .as_array()
        .and_then(|all| all.iter().find(|c| c["type"] == kind).cloned());
    Ok(found.unwrap_or_default())
}

/// Waits for a condition with this status and reason whose message has all the words.
fn says(bed: &Bed, name: &str, (kind, status, reason): (&str, &str, &str), words: &[&str]) -> Result<()> {
    let told =
        wait_for(&format!("{name}: {kind}={status}/{reason} {words:?}"), Duration::from_secs(150), || {
            let c = condition(bed, name, kind)?;
            let message = c["message"].as_str().unwrap_or_default().to_owned();
            let good =
                c["status"] == status && c["reason"] == reason && words.iter().all(|w| message.contains(w));
            Ok(if good { Ok(message) } else { Err(c.to_string()) })
        })?;
    println!("{name}: {kind}={status}/{reason}: {told}");
    Ok(())
}

/// Applies a backend that cannot work, and expects `Ready=False` with this reason and these words.
fn broken(bed: &Bed, different: Value, reason: &str, words: &[&str]) -> Result<()> {
    bed.kubectl.apply(&Family::SolidFire.backend("broken", different))?;
    let told = says(bed, "broken", ("Ready", "False", reason), words);
    bed.kubectl.run(&["delete", "arraybackend", "broken", "--timeout=60s"])?;
    told
}

#[test]
fn an_address_where_nobody_answers_is_named() {
    on_bed(|bed| {
        broken(bed, json!({"endpoints": [{"address": "10.250.0.99"}]}), "Unreachable", &["10.250.0.99"])
    });
}

#[test]
fn a_secret_that_is_not_there_is_named_with_what_belongs_in_it() {
    on_bed(|bed| broken(bed, json!({"credentialsSecretRef": {"name": "nope"}}), "SecretMissing", &["nope"]));
}

#[test]
fn a_password_that_the_array_refuses_from_the_first_is_named_with_its_secret() {
    on_bed(|bed| {
        bed.kubectl.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mistyped", "namespace": NAMESPACE},
            "stringData": {"username": "admin", "password": "mistyped"},
        }))?;
        let told = broken(
            bed,
            json!({"credentialsSecretRef": {"name": "mistyped"}}),
            "InvalidCredentials",
            &["spec.credentialsSecretRef"],
        );
        bed.kubectl.run(&["-n", NAMESPACE, "delete", "secret", "mistyped"])?;
        told
    });
}

#[test]
fn an_array_with_another_serial_is_not_touched() {
    on_bed(|bed| {
        let id = "11111111-2222-3333-4444-555555555555";
        broken(bed, json!({"arrayID": id}), "IdentityMismatch", &[id])
    });
}

#[test]
fn a_certificate_of_an_unknown_authority_is_not_trusted() {
    on_bed(|bed| {
        bed.kubectl.apply(&Family::SolidFire.backend("broken", json!({"tls": null})))?;
        let told = says(bed, "broken", ("CertificateValid", "False", "Untrusted"), &["certificate"]);
        bed.kubectl.run(&["delete", "arraybackend", "broken", "--timeout=60s"])?;
        told
    });
}

#[test]
fn the_api_server_refuses_what_the_schema_can_tell() {
    on_bed(|bed| {
        let apply = ["apply", "-f", "-"];
        for (different, words) in [
            (json!({"type": "DS8K"}), "SolidFire"),
            (json!({"type": "XIV"}), "solidFire"),
            (json!({"xiv": {"domain": "d"}}), "xiv belongs"),
            (json!({"endpoints": []}), "endpoints"),
            (json!({"solidFire": null}), "solidFire"),
            (json!({"endpoints": [{"address": "a", "port": 70000}]}), "port"),
            (json!({"iscsi": {"chap": {"mode": "OneWay"}}}), "secretRef"),
        ] {
            let said =
                bed.kubectl.refused(&apply, &Family::SolidFire.backend("broken", different.clone()))?;
            ensure!(said.contains(words), "{different}: {said}");
            println!("{said}");
        }
        Ok(())
    });
}

#[test]
fn a_new_secret_that_the_array_refuses_leaves_the_old_session_working() {
    on_bed(|bed| {
        let set = |password: &str| {
            let patch = json!({"stringData": {"password": password}}).to_string();
            bed.kubectl.run(&["-n", NAMESPACE, "patch", "secret", "sf1-account", "-p", &patch])
        };
        set("wrong")?;
        says(bed, "sf1", ("CredentialsValid", "False", "NewSecretRejected"), &[])?;
        says(bed, "sf1", ("Ready", "True", "Ready"), &[])?;
        set("secret")?;
        says(bed, "sf1", ("CredentialsValid", "True", "Accepted"), &[])
    });
}

#[test]
fn a_backend_with_volumes_is_not_deleted() {
    on_bed(|bed| {
        let kubectl = &bed.kubectl;
        let _ =
            kubectl.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}));
        kubectl.apply(&story::claim("blocks", "1Gi", None))?;
        story::bound(bed, "blocks")?;
        kubectl.run(&["delete", "arraybackend", "sf1", "--wait=false"])?;
        says(bed, "sf1", ("DeletionBlocked", "True", "VolumesExist"), &["1"])?;
        kubectl.run(&["-n", "demo", "delete", "pvc", "blocks", "--timeout=60s"])?;
        wait_for("the backend to go", Duration::from_secs(150), || {
            let gone = kubectl.run(&["get", "arraybackend", "sf1"]).is_err();
            Ok(if gone { Ok(()) } else { Err("still there".to_owned()) })
        })?;
        kubectl.apply(&bed.array.manifests(&bed.lab)?)?;
        wait_for("the backend to be ready again", Duration::from_secs(150), || {
            story::ready(&bed.kubectl, "sf1")
        })
        .map(drop)
    });
}

#[test]
fn a_management_address_that_is_gone_is_told_while_another_serves() {
    on_bed(|bed| {
        let set = |endpoints: &Value| {
            let patch = json!({"spec": {"endpoints": endpoints}}).to_string();
            bed.kubectl.run(&["patch", "arraybackend", "sf1", "--type=merge", "-p", &patch])
        };
        let tried = |wanted: &[bool]| {
            wait_for(&format!("endpoints {wanted:?}"), Duration::from_secs(150), || {
                let told = bed.kubectl.get(&["arraybackend", "sf1"])?["status"]["endpoints"].take();
                let seen: Vec<bool> =
                    told.as_array().into_iter().flatten().map(|one| one["reachable"] == true).collect();
                Ok(if seen == wanted { Ok(told) } else { Err(told.to_string()) })
            })
        };
        let usual = bed.kubectl.get(&["arraybackend", "sf1"])?["spec"]["endpoints"].take();
        tried(&[true])?;
        let mut with_another = usual.clone();
        with_another.as_array_mut().into_iter().for_each(|list| list.push(json!({"address": "10.250.0.99"})));
        set(&with_another)?;
        let told = tried(&[true, false])?;
        ensure!(told[1]["address"] == "10.250.0.99:443", "{told}");
        says(bed, "sf1", ("Ready", "True", "Ready"), &[])?;
        set(&usual)?;
        tried(&[true]).map(drop)
    });
}
