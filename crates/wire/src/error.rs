//! How far a call got.

use std::error::Error as StdError;
use std::io;

/// What went wrong beneath.
pub type Source = Box<dyn StdError + Send + Sync>;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A call that brought no usable answer. `address` is where it was tried.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The description of the array cannot be used; nothing was tried.
    #[error("{0}")]
    Setup(String),
    /// Certainly not delivered.
    #[error("{address} cannot be reached")]
    Unreachable { address: String, source: Source },
    /// The peer did not prove to be the one expected. Certainly not delivered.
    #[error("the certificate of {address} is not trusted: {reason}")]
    Untrusted { address: String, reason: String },
    /// Perhaps delivered; the connection ended without an answer, or within it.
    #[error("{address} gave no answer")]
    NoAnswer { address: String, source: Source },
    /// Perhaps delivered; no answer in time.
    #[error("{address} did not answer in time")]
    TimedOut { address: String },
    /// An answer came and was not understood.
    #[error("the answer of {address} was not understood: {reason}")]
    Garbled { address: String, reason: String },
    /// An HTTP answer that is no success, with the beginning of its text.
    #[error("{address} answered HTTP {code}{}", words(text))]
    Status { address: String, code: u16, text: String },
}

/// A page made for a browser says nothing that the code does not.
fn words(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        page if page.starts_with('<') => String::new(),
        text => format!(": {text}"),
    }
}

impl Error {
    /// May the same call go to another address without a chance of being done twice?
    pub(crate) fn certainly_not_delivered(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Untrusted { .. })
    }

    pub(crate) fn of_send(address: &str, source: reqwest::Error) -> Self {
        let address = address.to_owned();
        if source.is_builder() {
            return Self::Setup(format!("{address} is no usable address"));
        }
        if !source.is_connect() {
            return if source.is_timeout() {
                Self::TimedOut { address }
            } else {
                Self::NoAnswer { address, source: source.into() }
            };
        }
        match distrust(&source) {
            Some(reason) => Self::Untrusted { address, reason },
            None => Self::Unreachable { address, source: source.into() },
        }
    }

    pub(crate) fn of_body(address: &str, source: reqwest::Error) -> Self {
        let address = address.to_owned();
        if source.is_timeout() {
            Self::TimedOut { address }
        } else {
            Self::NoAnswer { address, source: source.into() }
        }
    }
}

impl Error {
    /// No connection came about.
    pub(crate) fn of_connect(address: &str, source: io::Error) -> Self {
        let address = address.to_owned();
        match distrust(&source) {
            Some(reason) => Self::Untrusted { address, reason },
            None => Self::Unreachable { address, source: source.into() },
        }
    }
}

/// What was wrong with the peer's certificate, if that is what ended the connection.
fn distrust(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(reason) = error.downcast_ref().and_then(judged) {
            return Some(reason);
        }
        // An I/O error hides what it wraps from `source()`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn judged(error: &rustls::Error) -> Option<String> {
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            Some(error.to_string())
        }
        _ => None,
    }
}
