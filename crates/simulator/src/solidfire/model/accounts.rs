//! Accounts: the owners of volumes and the CHAP secrets that reach them.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::{Cluster, next};

pub(super) struct Account {
    pub(super) id: u64,
    pub(super) username: String,
    pub(super) initiator_secret: String,
    pub(super) target_secret: String,
    pub(super) enable_chap: bool,
    pub(super) locked: bool,
    pub(super) attributes: Map<String, Value>,
    /// Its volumes, the deleted but not yet purged ones included.
    pub(super) volumes: BTreeSet<u64>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl Account {
    fn show(&self) -> Value {
        json!({
            "accountID": self.id,
            "username": self.username,
            "status": if self.locked { "locked" } else { "active" },
            "volumes": self.volumes,
            "initiatorSecret": self.initiator_secret,
            "targetSecret": self.target_secret,
            "attributes": self.attributes,
            "storageContainerID": Uuid::nil().to_string(),
            "enableChap": self.enable_chap,
        })
    }
}

/// A secret of 14 random characters, the length the array makes.
pub(super) fn random_secret() -> String {
    Uuid::new_v4().simple().to_string()[..14].to_owned()
}

impl Cluster {
    pub(super) fn account(&self, id: u64) -> Result<&Account, Refusal> {
        self.accounts.get(&id).ok_or_else(|| codes::no_account(id))
    }

    pub(crate) fn list_accounts(&mut self, params: &mut Params) -> Answer {
        let start = params.number("startAccountID")?.unwrap_or(0);
        let limit = params.id("limit")?.map_or(usize::MAX, |limit| limit as usize);
        params.ignore(&["includeStorageContainers"]);
        let accounts: Vec<Value> = self.accounts.range(start..).take(limit).map(|(_, a)| a.show()).collect();
        Ok(json!({"accounts": accounts}))
    }

    pub(crate) fn get_account_by_name(&mut self, params: &mut Params) -> Answer {
        let username = params.needed_text("username")?;
        let account = self.usernames.get(&username).and_then(|id| self.accounts.get(id));
        Ok(json!({"account": account.ok_or_else(codes::unknown_account)?.show()}))
    }

    pub(crate) fn get_account_by_id(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("accountID")?;
        Ok(json!({"account": self.accounts.get(&id).ok_or_else(codes::unknown_account)?.show()}))
    }

    pub(crate) fn add_account(&mut self, params: &mut Params) -> Answer {
        let username = params.needed_text("username")?;
        self.check_username(&username, None)?;
        if self.limits.reached("accountCountMax", self.accounts.len()) {
            return Err(codes::exceeded("Exceeded maximum number of accounts"));
        }
        let initiator_secret = self.secret(params, "initiatorSecret")?.unwrap_or_else(random_secret);
        let target_secret = self.secret(params, "targetSecret")?.unwrap_or_else(random_secret);
        let enable_chap = params.flag("enableChap")?.unwrap_or(true);
        let attributes = params.attributes()?.unwrap_or_default();
        let id = next(&mut self.counters.account);
        let account = Account {
            id,
            username: username.clone(),
            initiator_secret,
            target_secret,
            enable_chap,
            locked: false,
            attributes,
            volumes: BTreeSet::new(),
        };
        let shown = account.show();
        self.usernames.insert(username, id);
        self.accounts.insert(id, account);
        Ok(json!({"accountID": id, "account": shown}))
    }

    pub(crate) fn modify_account(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("accountID")?;
        self.account(id)?;
        let username = params.text("username")?;
        if let Some(username) = &username {
            self.check_username(username, Some(id))?;
        }
        let locked = match params.text("status")?.as_deref() {
            None => None,
            Some("active") => Some(false),
            Some("locked") => Some(true),
            Some(other) => return Err(codes::enumeration(other)),
        };
        let initiator_secret = self.secret(params, "initiatorSecret")?;
        let target_secret = self.secret(params, "targetSecret")?;
        let (enable_chap, attributes) = (params.flag("enableChap")?, params.attributes()?);
        let Some(account) = self.accounts.get_mut(&id) else { return Err(codes::no_account(id)) };
        if let Some(username) = username {
            self.usernames.remove(&account.username);
            self.usernames.insert(username.clone(), id);
            account.username = username;
        }
        account.locked = locked.unwrap_or(account.locked);
        account.enable_chap = enable_chap.unwrap_or(account.enable_chap);
        initiator_secret.into_iter().for_each(|secret| account.initiator_secret = secret);
        target_secret.into_iter().for_each(|secret| account.target_secret = secret);
        attributes.into_iter().for_each(|attributes| account.attributes = attributes);
        let (shown, volumes) = (account.show(), account.volumes.clone());
        volumes.into_iter().try_for_each(|volume| self.publish(volume))?;
        Ok(json!({"account": shown}))
    }

    pub(crate) fn remove_account(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("accountID")?;
        let account = self.account(id)?;
        if !account.volumes.is_empty() {
            return Err(codes::invalid(format!("AccountID {id} still has volumes.")));
        }
        let username = account.username.clone();
        self.usernames.remove(&username);
        self.accounts.remove(&id);
        Ok(json!({}))
    }

    fn check_username(&self, username: &str, owner: Option<u64>) -> Result<(), Refusal> {
        let length = username.chars().count() as u64;
        if !(self.limits.get("accountNameLengthMin")..=self.limits.get("accountNameLengthMax"))
            .contains(&length)
        {
            return Err(codes::invalid("The length of username must be 1 to 64 characters."));
        }
        match self.usernames.get(username) {
            Some(taken) if Some(*taken) != owner => {
                Err(Refusal::new("xDuplicateUsername", format!("Duplicate username {username}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn secret(&self, params: &mut Params, name: &'static str) -> Result<Option<String>, Refusal> {
        let secret = params.text(name)?;
        let (min, max) = (self.limits.get("secretLengthMin"), self.limits.get("secretLengthMax"));
        if secret.as_ref().is_some_and(|secret| !(min..=max).contains(&(secret.len() as u64))) {
            return Err(codes::invalid(format!("{name} must be {min} to {max} characters long.")));
        }
        Ok(secret)
    }
}
