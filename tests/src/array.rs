//! The simulated array of a lab: a guest of its own whose kernel's SCSI target shows the volumes, how Kubernetes is told
//! of it, and how it is looked at past Perilune.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use perilune_lab::{Command as GuestCommand, GuestSpec, Lab};
use serde_json::{Value, json};

use crate::bed::NAMESPACE;
use crate::kubectl::wait_for;
use crate::places::Places;

const ADDRESS: &str = "10.250.0.30";
const PORTALS: [&str; 2] = ["10.250.0.30:3260", "10.250.0.31:3260"];
/// Where the simulator is steered, inside its guest.
const CONTROL: u16 = 9000;
const SOON: Duration = Duration::from_secs(20);
/// What hosts log in with.
pub const CHAP: (&str, &str) = ("demo", "demo-chap-0001");

/// Of which family the array is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Family {
    #[default]
    SolidFire,
    Xiv,
}

impl Family {
    pub const ALL: [Self; 2] = [Self::SolidFire, Self::Xiv];

    /// As a person calls it on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::SolidFire => "solidfire",
            Self::Xiv => "xiv",
        }
    }

    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.word() == word)
    }

    /// What array and ArrayBackend are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::SolidFire => "sf1",
            Self::Xiv => "xiv1",
        }
    }

    /// The Secret that nodes log in with.
    pub fn chap_secret(self) -> String {
        format!("{}-chap", self.name())
    }

    /// The guest `array`: the simulator with one array.
    pub fn guest(self, label: &str, places: &Places) -> Result<GuestSpec> {
        let config = places.cache.join(format!("{label}-array.yaml"));
        let port = match self {
            Self::SolidFire => 443,
            Self::Xiv => 7778,
        };
        // YAML's elder brother
        let arrays = json!({
            "control": format!("127.0.0.1:{CONTROL}"),
            "tls": {"directory": "/run/simulator"},
            "arrays": [{
                "name": self.name(), "vendor": self.word(), "listen": format!("{ADDRESS}:{port}"),
                "credentials": {"username": "admin", "password": "secret"},
                "iscsi": PORTALS, "data": "lio",
            }],
        });
        fs::write(&config, arrays.to_string())?;
        let mut array = GuestSpec::plain("array", &[30, 31]);
        array.commands = vec![GuestCommand {
            name: "simulator".to_owned(),
            command: format!(
                "exec {} --config {}",
                places.programs.join("perilune-simulator").display(),
                config.display()
            ),
        }];
        Ok(array)
    }

    /// Secrets and the ArrayBackend.
    pub fn manifests(self, lab: &Lab) -> Result<Value> {
        let secret = |what: &str, data: Value| {
            json!({
                "apiVersion": "v1", "kind": "Secret", "stringData": data,
                "metadata": {
                    "name": format!("{}-{what}", self.name()), "namespace": NAMESPACE,
                    "labels": {"perilune.dev/backend": self.name()},
                },
            })
        };
        Ok(json!({"apiVersion": "v1", "kind": "List", "items": [
            secret("account", json!({"username": "admin", "password": "secret"})),
            secret("ca", json!({"ca.crt": authority(lab)?})),
            secret("chap", json!({"username": CHAP.0, "password": CHAP.1})),
            self.backend(self.name(), json!({})),
        ]}))
    }

    /// The ArrayBackend, with whatever a test wants different.
    pub fn backend(self, name: &str, different: Value) -> Value {
        let secret = |what: &str| format!("{}-{what}", self.name());
        let (kind, own) = match self {
            Self::SolidFire => ("SolidFire", json!({"solidFire": {"tenant": "demo"}})),
            // a host without volumes is one more thing that could be left
            Self::Xiv => ("XIV", json!({"hosts": {"deleteUnused": true}})),
        };
        let mut spec = json!({
            "type": kind,
            "endpoints": [{"address": ADDRESS}],
            "credentialsSecretRef": {"name": secret("account")},
            "tls": {"caBundle": {"secretRef": {"name": secret("ca")}}},
            "iscsi": {"chap": {"mode": "OneWay", "secretRef": {"name": secret("chap")}}},
            "limits": {"minPaths": 1},
        });
        if let Some(spec) = spec.as_object_mut() {
            let more = [own, different].into_iter().filter_map(|more| more.as_object().cloned());
            spec.extend(more.flatten());
        }
        json!({"apiVersion": "perilune.dev/v1alpha1", "kind": "ArrayBackend", "metadata": {"name": name, "labels": {"tier": "demo"}}, "spec": spec})
    }

    /// Asks the simulator's control about the array.
    pub fn control(self, lab: &Lab, method: &str, what: &str, body: &str) -> Result<String> {
        let script = format!(
            "curl -sS --fail-with-body -X {method} -d '{body}' http://127.0.0.1:{CONTROL}/arrays/{}/{what}",
            self.name()
        );
        lab.guest("array")?.run(&script, SOON)?.success()
    }

    /// What is on the array, by kind, and in the kernel that stands for it; empty where nothing is.
    pub fn holds(self, lab: &Lab) -> Result<Vec<(&'static str, String)>> {
        let statistics: Value = serde_json::from_str(&self.control(lab, "GET", "statistics", "")?)?;
        let count = |key: &str| {
            let count = statistics[key].as_u64().unwrap_or_default();
            if count == 0 { String::new() } else { count.to_string() }
        };
        let kernel = lab.guest("array")?.run(
            "dmsetup ls --target thin | grep -v 'No devices'; ls -d /sys/kernel/config/target/iscsi/iqn.*/tpgt_1/lun/lun_*; true",
            SOON,
        )?;
        let mut found = vec![
            ("volumes (deleted ones too)", count("volumes")),
            ("snapshots", count("snapshots")),
            ("mappings", count("mappings")),
            ("hosts", count("hosts")),
            (
                "thin devices and LUNs of its kernel",
                kernel.stdout.split_whitespace().collect::<Vec<_>>().join(" "),
            ),
        ];
        if self == Self::SolidFire {
            let sessions = &solidfire_call(lab, "ListISCSISessions", &json!({}))?["sessions"];
            let names = sessions.as_array().into_iter().flatten().map(ToString::to_string);
            found.push(("sessions", names.collect::<Vec<_>>().join(" ")));
        }
        Ok(found)
    }
}

/// Calls the API of a SolidFire, past Perilune.
pub fn solidfire_call(lab: &Lab, method: &str, params: &Value) -> Result<Value> {
    let body = json!({"method": method, "params": params}).to_string();
    let script = format!(
        "curl -sS --cacert /run/simulator/ca.pem -u admin:secret https://{ADDRESS}/json-rpc/12.3 -d '{body}'"
    );
    let out = lab.guest("array")?.run(&script, SOON)?.success()?;
    let answer: Value = serde_json::from_str(&out).with_context(|| format!("the array said {out}"))?;
    match answer.get("result") {
        Some(result) => Ok(result.clone()),
        None => bail!("the array refuses {method}: {}", answer["error"]),
    }
}

/// The certificate authority of the array.
fn authority(lab: &Lab) -> Result<String> {
    let array = lab.guest("array")?;
    wait_for("the array's certificate", Duration::from_secs(30), || {
        let out = array.run("cat /run/simulator/ca.pem", Duration::from_secs(10))?;
        Ok(if out.code == 0 { Ok(out.stdout) } else { Err(out.stderr) })
    })
}
