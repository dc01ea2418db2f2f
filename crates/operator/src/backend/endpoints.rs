//! Which management addresses of an array take connections. A session uses one of them; that another is gone shows on the
//! day that it is needed, unless somebody looks.

use std::time::{Duration, Instant};

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use perilune_api::ArrayBackendStatus;
use perilune_api::backend::EndpointStatus;
use perilune_engine::{ConnectSpec, Endpoint, Vendor};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How often they are tried: an array may note each connection.
const EVERY: Duration = Duration::from_secs(300);

/// One that takes longer is as good as gone.
const PATIENCE: Duration = Duration::from_secs(3);

/// What came of trying one address.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Probed {
    address: String,
    /// `None`: it takes no connection.
    latency: Option<Duration>,
}

/// Is it time to try them again?
pub(super) fn due(status: Option<&ArrayBackendStatus>, addresses: usize, now: Timestamp) -> bool {
    let known = status.map_or(&[][..], |status| &status.endpoints);
    known.len() != addresses
        || known.iter().any(|known| now.duration_since(known.last_probe_time.0).unsigned_abs() >= EVERY)
}

/// Opens a connection to each and closes it again.
pub(super) async fn probe(spec: &ConnectSpec) -> Vec<Probed> {
    join_all(spec.endpoints.iter().map(|endpoint| try_one(spec.vendor, endpoint))).await
}

async fn try_one(vendor: Vendor, endpoint: &Endpoint) -> Probed {
    let port = endpoint.port.unwrap_or(vendor.management_port());
    let began = Instant::now();
    let connected = timeout(PATIENCE, TcpStream::connect((endpoint.address.as_str(), port))).await;
    let latency = matches!(connected, Ok(Ok(_))).then(|| began.elapsed());
    let address = if endpoint.address.contains(':') {
        format!("[{}]:{port}", endpoint.address)
    } else {
        format!("{}:{port}", endpoint.address)
    };
    Probed { address, latency }
}

/// In the words of the status.
pub(super) fn told(probed: Vec<Probed>, now: &Time) -> Vec<EndpointStatus> {
    let told = |probed: Probed| EndpointStatus {
        reachable: probed.latency.is_some(),
        latency_ms: probed.latency.map(|latency| i64::try_from(latency.as_millis()).unwrap_or(i64::MAX)),
        address: probed.address,
        last_probe_time: now.clone(),
    };
    probed.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_listens_is_told_from_one_that_does_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endpoint = Endpoint { address: "127.0.0.1".to_owned(), port: Some(port) };
        let there = try_one(Vendor::Solidfire, &endpoint).await;
        assert_eq!(there.address, format!("127.0.0.1:{port}"));
        assert!(there.latency.is_some());
        drop(listener);
        let gone = try_one(Vendor::Solidfire, &endpoint).await;
        assert_eq!(gone.latency, None);
        let now = Time(Timestamp::now());
        let status = told(vec![there, gone], &now);
        assert_eq!(status.iter().map(|one| one.reachable).collect::<Vec<_>>(), [true, false]);
        assert_eq!(status[1].latency_ms, None);
    }

    #[test]
    fn they_are_tried_at_first_when_they_change_and_now_and_then() {
        let now = Timestamp::now();
        assert!(due(None, 1, now));
        let one = |time: Timestamp| EndpointStatus {
            address: "a:443".to_owned(),
            reachable: true,
            last_probe_time: Time(time),
            latency_ms: Some(1),
        };
        let mut status = ArrayBackendStatus { endpoints: vec![one(now)], ..Default::default() };
        assert!(!due(Some(&status), 1, now));
        assert!(due(Some(&status), 2, now));
        status.endpoints = vec![one(now - EVERY)];
        assert!(due(Some(&status), 1, now));
    }
}
