//! Accounts.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Debug, Serialize)]
pub(crate) struct ByUsername<'a> {
    pub(crate) username: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct ByAccount {
    #[serde(rename = "accountID")]
    pub(crate) account: u64,
}

/// `AddAccount`, and `ModifyAccount` where `account` is given. Never printed: it holds secrets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountParams<'a> {
    #[serde(rename = "accountID", skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) initiator_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_secret: Option<&'a str>,
    pub(crate) attributes: &'a Map<String, Value>,
    pub(crate) enable_chap: bool,
}

#[derive(Deserialize)]
pub(crate) struct AccountAnswer {
    pub(crate) account: Account,
}

/// Never printed: it holds secrets.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    #[serde(rename = "accountID")]
    pub(crate) id: u64,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) volumes: Vec<u64>,
    pub(crate) initiator_secret: Option<String>,
    pub(crate) target_secret: Option<String>,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
    /// Older clusters have no way without CHAP and do not say it.
    pub(crate) enable_chap: Option<bool>,
}
