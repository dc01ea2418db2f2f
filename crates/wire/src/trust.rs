//! How an array's certificate is judged.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::{Error, Result};

/// Which authorities may vouch for an array.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Those that the machine trusts.
    System,
    /// These only (PEM).
    Bundle(String),
    /// Anyone: the connection is private, but nobody knows with whom.
    Nothing,
}

/// A TLS set-up by this trust; `name` is asked of the certificate instead of the address.
pub(crate) fn config(trust: &Trust, name: Option<&str>) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Nothing => Arc::new(Blind(Arc::clone(&provider))),
        Trust::System => named(roots_of_system()?, &provider, name)?,
        Trust::Bundle(pem) => named(roots_of(pem)?, &provider, name)?,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Setup(format!("TLS cannot be set up: {error}")))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn roots_of_system() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err(Error::Setup(
            "this machine trusts no certificate authority; give a bundle of the array's own".to_owned(),
        ));
    }
    Ok(roots)
}

fn roots_of(pem: &str) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate =
            certificate.map_err(|error| Error::Setup(format!("certificate bundle is no PEM: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| Error::Setup(format!("certificate bundle holds a bad certificate: {error}")))?;
    }
    if roots.is_empty() {
        return Err(Error::Setup("certificate bundle holds no certificate".to_owned()));
    }
    Ok(roots)
}

fn named(roots: RootCertStore, provider: &Arc<CryptoProvider>, name: Option<&str>) -> Result<Arc<Named>> {
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| Error::Setup(format!("certificate authorities cannot be used: {error}")))?;
    let name = name.map(|name| {
        ServerName::try_from(name.to_owned())
            .map_err(|_| Error::Setup(format!("server name {name} is neither a DNS name nor an address")))
    });
    Ok(Arc::new(Named { inner, name: name.transpose()? }))
}

/// Judges by authorities, and by another name than the address where one is given.
#[derive(Debug)]
struct Named {
    inner: Arc<WebPkiServerVerifier>,
    name: Option<ServerName<'static>>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        address: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let name = self.name.as_ref().unwrap_or(address);
        self.inner.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Takes any certificate; that the peer holds its key is still checked.
#[derive(Debug)]
struct Blind(Arc<CryptoProvider>);

impl ServerCertVerifier for Blind {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::{Trust, config};

    #[test]
    fn a_bundle_without_a_certificate_is_refused_and_says_so() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let error = config(&Trust::Bundle(pem.to_owned()), None).unwrap_err();
            assert!(error.to_string().starts_with("certificate bundle"), "{error}");
        }
    }

    #[test]
    fn an_array_that_nothing_vouches_for_needs_no_authority() {
        config(&Trust::Nothing, None).unwrap();
    }
}
