//! Tests of what is sent to the API server, and where.

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use kube::client::Body;
use perilune_host::{
    Ailment, Check, GrowRequest, Grown, PublishRequest, Reconciled, Result as HostResult, StageRequest,
    Staged, StagedVolume, Stats, StatsRequest, UnpublishRequest, UnstageRequest, Verdict,
};
use serde_json::Value;

use super::*;

type Sent = Arc<Mutex<Vec<(String, Value)>>>;

/// An API server that takes what it is given, and knows one Node.
fn api_server(sent: Sent) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let sent = sent.clone();
        async move {
            let line = format!("{} {}", request.method(), request.uri());
            let body = request.into_body().collect().await?.to_bytes();
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            let mut answer = body.clone();
            if line.contains("/nodes/") {
                let metadata = json!({"name": "worker-1", "uid": "4711"});
                answer = json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata});
            }
            if answer.get("spec").is_none() && line.contains("arraynodes") {
                answer["spec"] = json!({"nodeID": "x"});
            }
            sent.lock().unwrap().push((line, body));
            Ok::<_, kube::Error>(Response::new(Full::new(Bytes::from(answer.to_string()))))
        }
    });
    Client::new(service, "default")
}

/// A host of which only findings and paths matter: the verdict, and how many of two paths its one volume has.
#[derive(Debug)]
struct Machine {
    verdict: Verdict,
    paths: Mutex<usize>,
    changes: watch::Sender<u64>,
}

impl Machine {
    fn new(verdict: Verdict) -> Arc<Self> {
        Arc::new(Self { verdict, paths: Mutex::new(2), changes: watch::Sender::new(0) })
    }
}

#[async_trait]
impl Host for Machine {
    async fn identity(&self) -> HostResult<Identity> {
        let check =
            Check { name: "iscsid", verdict: self.verdict, finding: "runs".into(), remedy: String::new() };
        Ok(Identity {
            initiator: Some("iqn.1993-08.org.debian:01:abc".parse()?),
            ports: vec![],
            room: 512,
            checks: vec![check],
        })
    }

    async fn staged(&self) -> HostResult<Vec<StagedVolume>> {
        let found = *self.paths.lock().unwrap();
        let path = perilune_host::TargetPath::iscsi(
            "iqn.2026-01.test:a".parse()?,
            "10.0.0.2".parse()?,
            perilune_host::Lun::kernel(4),
        );
        let missing = vec![path; 2 - found];
        Ok(vec![StagedVolume { volume: perilune_host::VolumeKey::new("v1:x")?, found, expected: 2, missing }])
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    async fn stage(&self, _: &StageRequest) -> HostResult<Staged> {
        unreachable!("the record needs the identity only")
    }

    async fn unstage(&self, _: &UnstageRequest) -> HostResult<()> {
        unreachable!("the record needs the identity only")
    }

    async fn publish(&self, _: &PublishRequest) -> HostResult<()> {
        unreachable!("the record needs the identity only")
    }

    async fn unpublish(&self, _: &UnpublishRequest) -> HostResult<()> {
        unreachable!("the record needs the identity only")
    }

    async fn grow(&self, _: &GrowRequest) -> HostResult<Grown> {
        unreachable!("the record needs the identity only")
    }

    async fn stats(&self, _: &StatsRequest) -> HostResult<Stats> {
        unreachable!("the record needs the identity only")
    }

    async fn health(&self, _: &StatsRequest) -> HostResult<Vec<Ailment>> {
        unreachable!("the record needs findings and paths only")
    }

    async fn reconcile(&self) -> HostResult<Reconciled> {
        unreachable!("the record needs the identity only")
    }
}

fn publisher() -> Publisher {
    publisher_of(Machine::new(Verdict::Good))
}

fn publisher_of(machine: Arc<Machine>) -> Publisher {
    let id = NodeId::new("worker-1", "0123456789abcdef0123456789abcdef").unwrap();
    Publisher::new("worker-1".into(), id, machine)
}

#[tokio::test]
async fn only_the_nodes_own_record_is_written() {
    let sent = Sent::default();
    let mut client = Some(api_server(sent.clone()));
    publisher().round(&mut client).await.unwrap();
    let sent = sent.lock().unwrap();
    let lines: Vec<_> = sent.iter().map(|(line, _)| line.as_str()).collect();
    let own = "/apis/perilune.dev/v1alpha1/arraynodes/worker-1";
    let how = "force=true&fieldManager=perilune-node";
    assert_eq!(
        lines,
        [
            "GET /api/v1/nodes/worker-1".to_owned(),
            format!("PATCH {own}?&{how}"),
            format!("PATCH {own}/status?&{how}")
        ]
    );
}

#[tokio::test]
async fn the_record_has_the_id_the_initiator_and_its_node_as_owner() {
    let sent = Sent::default();
    let mut client = Some(api_server(sent.clone()));
    publisher().round(&mut client).await.unwrap();
    let sent = sent.lock().unwrap();
    let (record, status) = (&sent[1].1, &sent[2].1["status"]);
    assert!(record["spec"]["nodeID"].as_str().unwrap().starts_with("worker-1-"));
    assert_eq!(record["metadata"]["ownerReferences"][0]["uid"], "4711");
    assert_eq!(status["initiators"], json!([{"name": "iqn.1993-08.org.debian:01:abc", "protocol": "ISCSI"}]));
    assert_eq!(status["checks"], json!([{"name": "iscsid", "ok": true, "message": "runs"}]));
    assert_eq!(
        (&status["conditions"][0]["type"], &status["conditions"][0]["status"]),
        (&json!("Ready"), &json!("True"))
    );
    assert!(status["heartbeatTime"].is_string());
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_record_is_written_again_only_as_a_sign_of_life() {
    let sent = Sent::default();
    let mut client = Some(api_server(sent.clone()));
    let mut publisher = publisher();
    publisher.round(&mut client).await.unwrap();
    publisher.round(&mut client).await.unwrap();
    assert_eq!(sent.lock().unwrap().len(), 3);
    tokio::time::advance(TELL_EVERY).await;
    publisher.round(&mut client).await.unwrap();
    assert_eq!(sent.lock().unwrap().len(), 6);
    publisher.host = Machine::new(Verdict::Fault);
    publisher.round(&mut client).await.unwrap();
    assert_eq!(sent.lock().unwrap().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_lost_path_is_told_within_seconds_and_by_name() {
    let sent = Sent::default();
    let mut client = Some(api_server(sent.clone()));
    let machine = Machine::new(Verdict::Good);
    let (mut publisher, mut changes) = (publisher_of(machine.clone()), machine.changes());
    publisher.round(&mut client).await.unwrap();
    let status = |index: usize| sent.lock().unwrap()[index].1["status"].clone();
    assert_eq!((&status(2)["volumes"], &status(2)["paths"]), (&json!(1), &json!("2/2")));

    let waiting = Instant::now();
    let lose = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        *machine.paths.lock().unwrap() = 1;
        machine.changes.send_modify(|count| *count += 1);
    };
    tokio::join!(publisher.until_due(&mut changes, LOOK_EVERY), lose);
    assert!(waiting.elapsed() < Duration::from_secs(5), "{:?}", waiting.elapsed());
    publisher.round(&mut client).await.unwrap();
    assert_eq!(status(5)["paths"], "1/2");
    let volume = json!({"volume": "v1:x", "found": 1, "expected": 2, "missing": ["iqn.2026-01.test:a at 10.0.0.2:3260 lun 4"]});
    assert_eq!(status(5)["stagedVolumes"], json!([volume]));
}
