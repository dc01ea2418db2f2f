//! Just enough of a client to ask the API server whether something is so: one GET, one answer, one connection.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

/// The API server as the lab's administrator sees it.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

impl Api {
    /// With `ca.crt`, `admin.crt` and `admin.key` of a state folder.
    pub(crate) fn new(address: SocketAddr, keys: &Path) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(keys.join("ca.crt"))?)?;
        let certificate = CertificateDer::from_pem_file(keys.join("admin.crt"))?;
        let key = PrivateKeyDer::from_pem_file(keys.join("admin.key"))?;
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;
        Ok(Self { address, tls: Arc::new(tls) })
    }

    /// The body of a successful answer.
    pub(crate) fn get(&self, path: &str) -> Result<Vec<u8>> {
        let limit = Duration::from_secs(5);
        let socket = TcpStream::connect_timeout(&self.address, limit)?;
        socket.set_read_timeout(Some(limit))?;
        let name = ServerName::from(self.address.ip());
        let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(&self.tls), name)?, socket);
        // HTTP/1.0, so that the answer is neither chunked nor kept open
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\n\r\n", self.address)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let head =
            answer.windows(4).position(|w| w == b"\r\n\r\n").context("an answer without end of its head")?;
        let status = String::from_utf8_lossy(&answer[..head]);
        let status = status.lines().next().unwrap_or_default();
        ensure!(status.split(' ').nth(1) == Some("200"), "GET {path}: {status}");
        Ok(answer.split_off(head + 4))
    }
}
