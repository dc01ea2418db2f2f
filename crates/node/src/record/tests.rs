//! Tests of what is sent to the API server, and where.

use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use kube::client::Body;
use perilune_host::{
    Check, GrowRequest, Grown, PublishRequest, Reconciled, Result as HostResult, StageRequest, Staged, Stats,
    StatsRequest, UnpublishRequest, UnstageRequest, Verdict,
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

#[derive(Debug)]
struct Machine(Verdict);

#[async_trait]
impl Host for Machine {
    async fn identity(&self) -> HostResult<Identity> {
        let check = Check { name: "iscsid", verdict: self.0, finding: "runs".into(), remedy: String::new() };
        Ok(Identity { initiator: Some("iqn.1993-08.org.debian:01:abc".parse()?), checks: vec![check] })
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

    async fn reconcile(&self) -> HostResult<Reconciled> {
        unreachable!("the record needs the identity only")
    }
}

fn publisher() -> Publisher {
    let id = NodeId::new("worker-1", "0123456789abcdef0123456789abcdef").unwrap();
    Publisher::new("worker-1".into(), id, Arc::new(Machine(Verdict::Good)))
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
    publisher.host = Arc::new(Machine(Verdict::Fault));
    publisher.round(&mut client).await.unwrap();
    assert_eq!(sent.lock().unwrap().len(), 9);
}
