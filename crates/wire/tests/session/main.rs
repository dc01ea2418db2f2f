//! The session against peers that behave well and badly, over real sockets.
#![expect(clippy::unwrap_used, reason = "a test program: what goes wrong is to end it")]

mod peer;

use std::time::Duration;

use peer::{Answer, Authority, Peer};
use perilune_wire::{Address, Client, Error, Login, Plan, Redaction, Trust};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

const OK: &[Answer] = &[Answer::Body("{\"result\":1}")];

fn plan(peers: &[std::net::SocketAddr], trust: Trust) -> Plan {
    Plan {
        addresses: peers.iter().map(|a| Address { host: a.ip().to_string(), port: a.port() }).collect(),
        trust,
        server_name: None,
        login: Login { username: "admin".into(), password: "hunter2".into() },
        timeout: Duration::from_secs(5),
        longest_answer: 1 << 20,
        redaction: Redaction::new(["chapsecret12".to_owned()]),
    }
}

async fn call(client: &Client) -> Result<Value, Error> {
    client.post("/json", &json!({"method": "Get"})).await
}

/// An address where nobody listens.
async fn nobody() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn alone(answers: &'static [Answer]) -> (Peer, Client) {
    let authority = Authority::new();
    let peer = Peer::start(&authority, "127.0.0.1", answers).await;
    let client = Client::new(plan(&[peer.address], Trust::Bundle(authority.pem))).unwrap();
    (peer, client)
}

#[tokio::test]
async fn calls_share_one_connection_and_carry_the_login() {
    let (peer, client) = alone(OK).await;
    for _ in 0..3 {
        assert_eq!(call(&client).await.unwrap(), json!({"result": 1}));
    }
    assert_eq!(peer.connections(), 1);
    let request = peer.requests().remove(0);
    assert!(request.starts_with("POST /json HTTP/1.1"), "{request}");
    assert!(request.to_lowercase().contains("authorization: basic ywrtaw46ahvudgvymg=="), "{request}");
    assert!(request.ends_with("{\"method\":\"Get\"}"), "{request}");
}

#[tokio::test]
async fn a_connection_that_the_peer_closed_while_idle_is_replaced_without_an_error() {
    let (peer, client) = alone(&[Answer::Last("{}"), Answer::Body("{}")]).await;
    call(&client).await.unwrap();
    // The end of the connection reaches us in its own time; a call that meets it must not notice.
    tokio::time::sleep(Duration::from_millis(50)).await;
    call(&client).await.unwrap();
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_call_that_nobody_took_goes_to_the_next_address_which_is_then_kept() {
    let authority = Authority::new();
    let first = Peer::start(&Authority::new(), "127.0.0.1", OK).await;
    let second = Peer::start(&authority, "127.0.0.1", OK).await;
    let addresses = [nobody().await, first.address, second.address];
    let client = Client::new(plan(&addresses, Trust::Bundle(authority.pem))).unwrap();
    call(&client).await.unwrap();
    call(&client).await.unwrap();
    assert_eq!(first.connections(), 1, "the address that answered is asked first");
    assert_eq!((first.requests().len(), second.requests().len()), (0, 2));
}

#[tokio::test]
async fn a_call_that_was_perhaps_taken_goes_nowhere_else() {
    let authority = Authority::new();
    let first = Peer::start(&authority, "127.0.0.1", &[Answer::Close]).await;
    let second = Peer::start(&authority, "127.0.0.1", OK).await;
    let client = Client::new(plan(&[first.address, second.address], Trust::Bundle(authority.pem))).unwrap();
    assert!(matches!(call(&client).await, Err(Error::NoAnswer { .. })));
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
}

#[tokio::test]
async fn where_nobody_listens_the_call_was_certainly_not_delivered() {
    let client = Client::new(plan(&[nobody().await], Trust::Nothing)).unwrap();
    assert!(matches!(call(&client).await, Err(Error::Unreachable { .. })));
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_was_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(plan(&[listener.local_addr().unwrap()], Trust::Nothing)).unwrap();
    let greeter = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail.example.org\r\n").await.unwrap();
        stream
    });
    assert!(matches!(call(&client).await, Err(Error::Unreachable { .. })));
    drop(greeter.await);
}

#[tokio::test]
async fn a_peer_that_takes_the_connection_and_says_nothing_was_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut plan = plan(&[listener.local_addr().unwrap()], Trust::Nothing);
    plan.timeout = Duration::from_millis(400);
    let error = call(&Client::new(plan).unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_the_wait() {
    let authority = Authority::new();
    let peer = Peer::start(&authority, "127.0.0.1", &[Answer::Hang]).await;
    let mut plan = plan(&[peer.address], Trust::Bundle(authority.pem));
    plan.timeout = Duration::from_millis(400);
    assert!(matches!(call(&Client::new(plan).unwrap()).await, Err(Error::TimedOut { .. })));
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_cut_short_is_no_answer() {
    let (_peer, client) = alone(&[Answer::Half]).await;
    assert!(matches!(call(&client).await, Err(Error::NoAnswer { .. })));
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_garbled_and_quotes_no_secret() {
    let (_peer, client) = alone(&[Answer::Body("<html>"), Answer::Body("\"chapsecret12\"")]).await;
    assert!(matches!(call(&client).await, Err(Error::Garbled { .. })));
    let error = client.post::<u32>("/json", &json!({})).await.unwrap_err();
    assert!(error.to_string().contains("<secret>"), "{error}");
    assert!(!error.to_string().contains("chapsecret12"), "{error}");
}

#[tokio::test]
async fn a_huge_answer_is_not_read() {
    let (_peer, client) = alone(&[Answer::Huge((1 << 20) + 1)]).await;
    let error = call(&client).await.unwrap_err();
    assert!(matches!(&error, Error::Garbled { reason, .. } if reason.contains("longer")), "{error}");
}

#[tokio::test]
async fn a_refused_login_shows_as_its_http_status() {
    let (_peer, client) = alone(&[Answer::Status("401 Unauthorized", "<p>hunter2?</p>")]).await;
    match call(&client).await {
        Err(Error::Status { code: 401, text, .. }) => assert_eq!(text, "<p><secret>?</p>"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_of_a_strange_authority_or_another_name_is_not_trusted() {
    let (ours, strange) = (Authority::new(), Authority::new());
    let stranger = Peer::start(&strange, "127.0.0.1", OK).await;
    let misnamed = Peer::start(&ours, "array.example.org", OK).await;
    for (peer, trust) in
        [(&stranger, Trust::Bundle(ours.pem.clone())), (&misnamed, Trust::Bundle(ours.pem.clone()))]
    {
        let error = call(&Client::new(plan(&[peer.address], trust)).unwrap()).await.unwrap_err();
        assert!(matches!(error, Error::Untrusted { .. }), "{error}");
        assert!(peer.requests().is_empty());
    }
}

#[tokio::test]
async fn the_machines_own_authorities_do_not_vouch_for_ours() {
    let peer = Peer::start(&Authority::new(), "127.0.0.1", OK).await;
    match Client::new(plan(&[peer.address], Trust::System)) {
        Ok(client) => assert!(matches!(call(&client).await, Err(Error::Untrusted { .. }))),
        // A machine without any authority says so instead.
        Err(error) => assert!(error.to_string().contains("trusts no certificate authority"), "{error}"),
    }
}

#[tokio::test]
async fn a_server_name_replaces_the_address_in_the_certificate() {
    let ours = Authority::new();
    for name in ["array.example.org", "192.0.2.7"] {
        let peer = Peer::start(&ours, name, OK).await;
        let mut plan = plan(&[peer.address], Trust::Bundle(ours.pem.clone()));
        plan.server_name = Some(name.to_owned());
        call(&Client::new(plan.clone()).unwrap()).await.unwrap();
        plan.server_name = Some("other.example.org".to_owned());
        assert!(matches!(call(&Client::new(plan).unwrap()).await, Err(Error::Untrusted { .. })));
    }
}

#[tokio::test]
async fn without_trust_any_certificate_serves() {
    let peer = Peer::start(&Authority::new(), "array.example.org", OK).await;
    call(&Client::new(plan(&[peer.address], Trust::Nothing)).unwrap()).await.unwrap();
}
