//! Who an array is, whose an object is, and what a disk calls itself.

use std::fmt;

/// The array's own serial, SSN or cluster uuid: what tells that we talk to the expected one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArrayId(String);

impl ArrayId {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArrayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The uuid of a ledger record, as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(String);

impl RecordId {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Our mark on an array object: which cluster made it, for which ledger record. Nothing without it is deleted.
///
/// Cluster and record alone make two marks equal. The origin is a remark beside them, from which records can be
/// rebuilt; an array that has little room for marks may keep it shortened or not at all.
#[derive(Debug, Clone)]
pub struct Owner {
    pub cluster: String,
    pub record: RecordId,
    pub origin: Origin,
}

/// For whom an object was made, in Kubernetes' words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// The name in the CSI request.
    pub csi_name: Option<String>,
    /// Namespace and name of the claim.
    pub claim: Option<(String, String)>,
}

impl Owner {
    pub fn new(cluster: impl Into<String>, record: RecordId) -> Self {
        Self { cluster: cluster.into(), record, origin: Origin::default() }
    }

    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.cluster == other.cluster && self.record == other.record
    }
}

impl Eq for Owner {}

impl std::hash::Hash for Owner {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.cluster.hash(state);
        self.record.hash(state);
    }
}

/// What a disk answers to an identity inquiry, in the kernel's form and lower case: `naa.…`, `eui.…`, `t10.…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wwid(String);

impl Wwid {
    pub fn new(text: &str) -> Self {
        Self(text.to_ascii_lowercase())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Wwid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a listing goes on. Opaque; only the array that made it understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(pub String);

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<PageToken>,
}
