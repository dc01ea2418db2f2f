//! The simulator from outside: TLS, credentials, paths, faults, the control over HTTP, and the binary's first words.
#![expect(clippy::expect_used, reason = "a test program: what goes wrong is to end it")]

use std::io::Write;
use std::time::Duration;

use perilune_simulator::{Action, Config, Fault, Ready, Running, Simulator};
use reqwest::{Client, Response};
use serde_json::{Value, json};

struct Bench {
    running: Running,
    client: Client,
}

impl Bench {
    async fn start() -> Self {
        let running = Simulator::start(Config::solidfire("sf1")).await.expect("simulator starts");
        let client = client(running.ca_pem());
        Self { running, client }
    }

    fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.running.arrays()[0].port)
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Response> {
        self.client
            .post(self.url(path))
            .basic_auth("admin", Some("secret"))
            .body(body.to_string())
            .send()
            .await
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({"method": method, "params": params, "id": 7});
        let answer = self.post("/json-rpc/12.3", &body).await.expect("answer");
        assert_eq!(answer.status(), 200);
        answer.json().await.expect("JSON")
    }

    async fn outcomes(&self) -> Vec<String> {
        let journal = self.running.control().journal("sf1").expect("array");
        journal.into_iter().map(|entry| entry.outcome).collect()
    }
}

fn client(ca: &str) -> Client {
    // Another test of this program may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = reqwest::Certificate::from_pem(ca.as_bytes()).expect("certificate");
    Client::builder().tls_certs_only([ca]).timeout(Duration::from_secs(20)).build().expect("client")
}

#[tokio::test]
async fn both_forms_of_the_path_and_every_version_are_served_and_others_are_not_found() {
    let bench = Bench::start().await;
    let call = json!({"method": "GetClusterInfo"});
    for path in ["/json-rpc/1.0", "/json-rpc/8.0/", "/json-rpc/12.3"] {
        let answer = bench.post(path, &call).await.expect("answer");
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.json::<Value>().await.expect("JSON")["id"], Value::Null);
    }
    for path in ["/json-rpc/99.0", "/json-rpc", "/"] {
        let answer = bench.post(path, &call).await.expect("answer");
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.text().await.expect("text").contains("404 Not Found"));
    }
}

#[tokio::test]
async fn without_the_right_credentials_there_is_only_a_401_page() {
    let bench = Bench::start().await;
    let url = bench.url("/json-rpc/12.3");
    for request in [bench.client.post(&url), bench.client.post(&url).basic_auth("admin", Some("wrong"))] {
        let answer = request.body(json!({"method": "GetAPI"}).to_string()).send().await.expect("answer");
        assert_eq!(answer.status(), 401);
        assert!(answer.text().await.expect("text").contains("401 Unauthorized."));
    }
}

#[tokio::test]
async fn the_certificate_is_proof_for_the_address_and_localhost_and_only_to_those_who_trust_the_authority() {
    let bench = Bench::start().await;
    let port = bench.running.arrays()[0].port;
    let named =
        bench.client.get(format!("https://localhost:{port}/")).send().await.expect("localhost is proven");
    assert_eq!(named.status(), 401);
    let other = Simulator::start(Config::solidfire("other")).await.expect("starts");
    let stranger = client(other.ca_pem()).get(bench.url("/")).send().await;
    assert!(stranger.expect_err("refused").is_connect());
    bench.running.control().set_wrong_certificate("sf1", true).expect("array");
    let fresh = client(bench.running.ca_pem()).get(bench.url("/")).send().await;
    assert!(fresh.expect_err("refused").is_connect());
}

#[tokio::test]
async fn unknown_parameters_are_reported_and_errors_come_with_status_200() {
    let bench = Bench::start().await;
    let answer = bench.call("AddAccount", json!({"username": "a", "sliceCount": 1})).await;
    assert_eq!((&answer["id"], &answer["unusedParameters"]), (&json!(7), &json!({"sliceCount": 1})));
    let answer = bench.call("GetAccountByName", json!({"username": "b"})).await;
    let error = json!({"code": 500, "name": "xUnknownAccount", "message": "xUnknownAccount"});
    assert_eq!((answer.get("result"), &answer["error"]), (None, &error));
    assert_eq!(bench.call("Nonsense", json!({})).await["error"]["message"], " method=Nonsense");
    assert_eq!(bench.post("/json-rpc/8.0", &json!("x")).await.expect("answer").status(), 200);
}

#[tokio::test]
async fn an_answer_lost_after_acting_has_acted_and_one_dropped_before_has_not() {
    let bench = Bench::start().await;
    let control = bench.running.control();
    let add = |name: &str| json!({"method": "AddAccount", "params": {"username": name}, "id": 1});
    control.order("sf1", Fault::nth("AddAccount", 1, Action::DropBefore)).expect("ordered");
    control.order("sf1", Fault::nth("AddAccount", 2, Action::DropAfter)).expect("ordered");
    assert!(bench.post("/json-rpc/12.3", &add("before")).await.is_err());
    assert!(bench.post("/json-rpc/12.3", &add("after")).await.is_err());
    let accounts = bench.call("ListAccounts", json!({})).await["result"]["accounts"].take();
    let names: Vec<_> =
        accounts.as_array().expect("accounts").iter().map(|account| &account["username"]).collect();
    assert_eq!(names, ["after"]);
    assert_eq!(bench.outcomes().await, ["fault: dropped before acting", "fault: dropped after acting", "ok"]);
}

#[tokio::test]
async fn the_other_faults_do_as_they_are_called() {
    let bench = Bench::start().await;
    let control = bench.running.control();
    let order = |action| control.order("sf1", Fault::nth("GetLimits", 1, action)).expect("ordered");
    order(Action::Error("xDBVersionMismatch".to_owned()));
    assert_eq!(bench.call("GetLimits", json!({})).await["error"]["name"], "xDBVersionMismatch");
    order(Action::Garbage);
    let body = json!({"method": "GetLimits"});
    let garbage = bench.post("/json-rpc/12.3", &body).await.expect("answer").text().await.expect("text");
    assert!(serde_json::from_str::<Value>(&garbage).is_err());
    order(Action::Status(503));
    assert_eq!(bench.post("/json-rpc/12.3", &body).await.expect("answer").status(), 503);
    order(Action::Late(300));
    let began = std::time::Instant::now();
    bench.call("GetLimits", json!({})).await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(control.faults("sf1").expect("array"), []);
}

#[tokio::test]
async fn an_array_off_the_network_refuses_connections_until_it_is_back() {
    let bench = Bench::start().await;
    bench.call("GetLimits", json!({})).await;
    bench.running.control().set_online("sf1", false).expect("array");
    let body = json!({"method": "GetLimits"});
    // The listener notices in its own time; a call that is still served says nothing.
    let refused = async { while bench.post("/json-rpc/12.3", &body).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), refused).await.expect("goes off the network");
    bench.running.control().set_online("sf1", true).expect("array");
    let served = async { while bench.post("/json-rpc/12.3", &body).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(10), served).await.expect("comes back");
}

#[tokio::test]
async fn one_connection_carries_many_calls_and_the_journal_tells_no_secret() {
    let bench = Bench::start().await;
    let secret = json!({"username": "a", "initiatorSecret": "verysecret123"});
    bench.call("AddAccount", secret).await;
    bench.call("ListAccounts", json!({})).await;
    let journal = bench.running.control().journal("sf1").expect("array");
    assert_eq!((journal[0].connection, journal[1].connection), (1, 1));
    assert_eq!(journal[0].parameters, json!({"username": "a", "initiatorSecret": "***"}));
    assert_eq!((journal[1].method.as_str(), journal[1].version.as_str()), ("ListAccounts", "12.3"));
    bench.running.stop().await;
}

/// The binary, ended with this value.
struct Process(tokio::process::Child, Ready);

async fn process(yaml: &str) -> Result<Process, (Option<i32>, String)> {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut file = tempfile::NamedTempFile::new().expect("file");
    file.write_all(yaml.as_bytes()).expect("written");
    #[expect(clippy::disallowed_methods, reason = "a test program; the child is killed on drop")]
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_perilune-simulator"));
    command.arg("--config").arg(file.path()).kill_on_drop(true);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("starts");
    let line =
        BufReader::new(child.stdout.take().expect("output")).lines().next_line().await.expect("readable");
    match line {
        Some(line) => Ok(Process(child, serde_json::from_str(&line).expect("JSON"))),
        None => {
            let ended = child.wait_with_output().await.expect("ends");
            Err((ended.status.code(), String::from_utf8(ended.stderr).expect("text")))
        }
    }
}

fn yaml(directory: &tempfile::TempDir, vendor: &str) -> String {
    format!(
        "control: 127.0.0.1:0\ntls: {{directory: {}}}\narrays:\n  - name: a\n    vendor: {vendor}\n    listen: 127.0.0.2:0\n    \
         credentials: {{username: admin, password: secret}}\n    partner: b\n  - name: b\n    vendor: solidfire\n    \
         listen: 127.0.0.3:0\n    credentials: {{username: admin, password: secret}}\n",
        directory.path().display()
    )
}

#[tokio::test]
async fn the_binary_says_where_it_listens_and_is_steered_over_http() {
    let directory = tempfile::tempdir().expect("folder");
    let Process(mut child, ready) = process(&yaml(&directory, "solidfire")).await.expect("serves");
    let ca = std::fs::read_to_string(ready.ca.as_ref().expect("named")).expect("ca.pem");
    let (client, control) = (client(&ca), ready.control.clone().expect("control"));
    assert_eq!((ready.arrays.len(), ready.arrays[1].address.to_string().as_str()), (2, "127.0.0.3"));
    let fault = json!({"method": "GetAPI", "call": 1, "action": {"error": "xNotPrimary"}});
    let ordered =
        client.post(format!("{control}/arrays/a/faults")).json(&fault).send().await.expect("ordered");
    assert_eq!(ordered.status(), 204);
    let url = format!("https://127.0.0.2:{}/json-rpc/8.0", ready.arrays[0].port);
    let call = client.post(url).basic_auth("admin", Some("secret")).body("{\"method\":\"GetAPI\"}");
    let answer: Value = call.send().await.expect("answer").json().await.expect("JSON");
    assert_eq!(answer["error"]["name"], "xNotPrimary");
    let read = async |path: &str| -> Value {
        client.get(format!("{control}{path}")).send().await.expect("answer").json().await.expect("JSON")
    };
    assert_eq!(read("/arrays/a/journal").await[0]["outcome"], "xNotPrimary");
    assert_eq!(read("/arrays/a/statistics").await["connections"], 1);
    assert_eq!(read("/arrays/b/audit").await, json!([]));
    let before = read("/clock").await["now"].to_string();
    client.post(format!("{control}/clock")).json(&json!({"advance": "24h"})).send().await.expect("advanced");
    assert_ne!(before[..11], read("/clock").await["now"].to_string()[..11]);
    assert_eq!(client.get(format!("{control}/arrays/c/journal")).send().await.expect("answer").status(), 404);
    child.start_kill().expect("killed");
}

#[tokio::test]
async fn a_bad_configuration_ends_the_binary_with_status_2_and_one_line_that_names_the_field() {
    let directory = tempfile::tempdir().expect("folder");
    let Err((status, said)) = process(&yaml(&directory, "netapp")).await else { panic!("it serves") };
    assert_eq!(status, Some(2));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("arrays[0].vendor"), "{said}");
}
