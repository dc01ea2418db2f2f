//! Keys, certificates and kubeconfigs of one lab, all made new and valid for a day or so: they lie in the state
//! folder and mean nothing anywhere else.

use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use serde_json::json;

use crate::spec::{CONTROL_PLANE, SERVICE};

/// The lab's certificate authority, writing into one folder.
pub(crate) struct Authority {
    dir: PathBuf,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes the authority (`ca.crt`) and the key pair of service-account tokens (`sa.key`, `sa.pub`).
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let mut params = params("lab-ca", None, &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        write(&dir.join("ca.crt"), &pem)?;
        let accounts = KeyPair::generate()?;
        write(&dir.join("sa.key"), &accounts.serialize_pem())?;
        write(&dir.join("sa.pub"), &accounts.public_key_pem())?;
        Ok(Self { dir: dir.into(), pem, issuer: Issuer::new(params, key) })
    }

    /// `apiserver.crt` and `apiserver.key`. Callers outside the namespace come in by the loopback address.
    pub(crate) fn api_server(&self) -> Result<()> {
        let names = [
            CONTROL_PLANE.to_string(),
            SERVICE.to_string(),
            "127.0.0.1".into(),
            "kubernetes.default.svc".into(),
        ];
        let mut params = params("kube-apiserver", None, &names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params, "apiserver").map(drop)
    }

    /// `FILE.crt` and `FILE.key` of a client.
    pub(crate) fn client(&self, file: &str, name: &str, group: Option<&str>) -> Result<(String, String)> {
        let mut params = params(name, group, &[])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params, file)
    }

    /// `FILE.kubeconfig` of a client made on the spot.
    pub(crate) fn kubeconfig(&self, file: &str, name: &str, group: Option<&str>, server: &str) -> Result<()> {
        let (certificate, key) = self.client(file, name, group)?;
        self.write_kubeconfig(file, server, &certificate, &key)
    }

    pub(crate) fn write_kubeconfig(
        &self,
        file: &str,
        server: &str,
        certificate: &str,
        key: &str,
    ) -> Result<()> {
        // JSON is YAML
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "lab",
            "clusters": [{"name": "lab", "cluster":
                {"server": server, "certificate-authority-data": STANDARD.encode(&self.pem)}}],
            "users": [{"name": "me", "user": {"client-certificate-data": STANDARD.encode(certificate),
                "client-key-data": STANDARD.encode(key)}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        });
        write(&self.dir.join(format!("{file}.kubeconfig")), &serde_json::to_string_pretty(&config)?)
    }

    fn sign(&self, params: &CertificateParams, file: &str) -> Result<(String, String)> {
        let key = KeyPair::generate()?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .with_context(|| format!("signing the certificate {file}"))?
            .pem();
        let key = key.serialize_pem();
        write(&self.dir.join(format!("{file}.crt")), &certificate)?;
        write(&self.dir.join(format!("{file}.key")), &key)?;
        Ok((certificate, key))
    }
}

fn params(name: &str, group: Option<&str>, alternative: &[String]) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(alternative.to_vec())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    Ok(params)
}

fn write(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut f| f.write_all(text.as_bytes()))
        .with_context(|| format!("writing {}", path.display()))
}
