//! Two arrays as anyone sees them: plain XCLI, written here on its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use perilune_simulator::{Config, Control, PoolConfig, Running, Simulator};
use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) const ARRAYS: [&str; 2] = ["xiv1", "xiv2"];

pub(crate) type Row = HashMap<String, String>;

pub(crate) struct Lab {
    running: Running,
}

impl Lab {
    /// Two arrays that mirror to each other, with a pool for Cinder and one to move to.
    pub(crate) async fn start() -> Self {
        let mut config = Config::xiv(&ARRAYS);
        for array in &mut config.arrays {
            let pool = |name: &str| PoolConfig { name: Some(name.to_owned()), ..PoolConfig::of(100 << 30) };
            array.pools = vec![pool("pool1"), pool("pool2")];
            array.clone_delay = Duration::from_secs(600);
        }
        Self { running: Simulator::start(config).await.expect("simulator starts") }
    }

    /// Where each address listens.
    pub(crate) fn ports(&self) -> Value {
        let ports = self.running.arrays().iter().map(|array| (array.address.to_string(), json!(array.port)));
        Value::Object(ports.collect())
    }

    pub(crate) fn ca_pem(&self) -> &str {
        self.running.ca_pem()
    }

    pub(crate) fn control(&self) -> &Control {
        self.running.control()
    }

    pub(crate) fn wait(&self) {
        self.control().advance(Duration::from_secs(601));
    }

    /// Rows of a listing on one of the arrays.
    pub(crate) async fn rows(&self, array: usize, command: &str, arguments: &[(&str, &str)]) -> Vec<Row> {
        let at = &self.running.arrays()[array];
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.ca_pem().as_bytes()) {
            roots.add(certificate.expect("PEM")).expect("certificate");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.expect("TLS").with_root_certificates(roots).with_no_client_auth();
        let socket = TcpStream::connect((at.address, at.port)).await.expect("connected");
        let name = ServerName::from(at.address);
        let mut stream = TlsConnector::from(Arc::new(tls)).connect(name, socket).await.expect("trusted");
        let arguments =
            arguments.iter().map(|(name, value)| format!("<argument name=\"{name}\" value=\"{value}\"/>"));
        let question = format!(
            "<command id=\"1\" type=\"{command}\" close_on_return=\"no\"><option name=\"user\" value=\"admin\"/>\
             <option name=\"password\" value=\"secret\"/>{}</command>",
            arguments.collect::<String>()
        );
        stream.write_all(question.as_bytes()).await.expect("asked");
        let (mut answer, mut chunk) = (String::new(), [0; 4096]);
        while !answer.ends_with("</administrator></command>") {
            let count = stream.read(&mut chunk).await.expect("answered");
            assert!(count > 0, "{command} was answered {answer}");
            answer.push_str(std::str::from_utf8(&chunk[..count]).expect("text"));
        }
        assert!(answer.contains("<code value=\"SUCCESS\"/>"), "{command}: {answer}");
        rows_of(&answer)
    }

    /// The volume of that name, or an empty row.
    pub(crate) async fn volume(&self, array: usize, name: &str) -> Row {
        self.rows(array, "vol_list", &[("vol", name)]).await.pop().unwrap_or_default()
    }

    /// Writes to a volume as a host would.
    pub(crate) async fn write(&self, array: usize, volume: &str, text: &str) {
        let number = self.number(array, volume).await;
        self.control().write(ARRAYS[array], number, 4096, text.as_bytes()).expect("written");
    }

    pub(crate) async fn read(&self, array: usize, volume: &str, length: usize) -> String {
        let number = self.number(array, volume).await;
        let data = self.control().read(ARRAYS[array], number, 4096, length).expect("read");
        String::from_utf8(data).expect("text")
    }

    async fn number(&self, array: usize, volume: &str) -> u64 {
        self.volume(array, volume).await["serial"].parse().expect("a number")
    }

    /// Nothing is left and everything adds up.
    pub(crate) fn expect_empty(&self) {
        for array in ARRAYS {
            let left = self.control().statistics(array).expect("statistics");
            let counts = (left.volumes, left.snapshots, left.group_snapshots, left.images, left.groups);
            assert_eq!(counts, (0, 0, 0, 0, 0), "{array}: {left:?}");
            assert_eq!((left.hosts, left.mappings, left.mirrors), (0, 0, 0), "{array}: {left:?}");
            assert_eq!(self.control().audit(array).expect("audit"), Vec::<String>::new());
        }
    }
}

/// Members of the elements within `return`.
fn rows_of(answer: &str) -> Vec<Row> {
    let (mut reader, mut path, mut rows) =
        (Reader::from_str(answer), Vec::<String>::new(), Vec::<Row>::new());
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(element) => {
                path.push(element.local_name().into_inner().to_owned());
                if path.len() == 5 {
                    rows.push(Row::new());
                }
            }
            Event::Empty(element) if path.len() == 5 => {
                let value = element.try_get_attribute("value").expect("attributes").expect("a value");
                let value = value.normalized_value(XmlVersion::Implicit1_0).expect("text").into_owned();
                let row = rows.last_mut().expect("a row");
                row.insert(element.local_name().into_inner().to_owned(), value);
            }
            Event::End(_) => drop(path.pop()),
            Event::Eof => return rows,
            _ => {}
        }
    }
}
