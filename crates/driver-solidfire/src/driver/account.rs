//! The account that owns our volumes and whose CHAP secret reaches them.

use perilune_array::{Error, ErrorKind, Host, HostId, Name, Result, Secret};
use serde_json::{Map, Value};

use super::{Solidfire, mark, not_found};
use crate::fault;
use crate::protocol::account::{Account, AccountAnswer, AccountParams, ByAccount, ByUsername};

impl Solidfire {
    /// The account, made if it is not there, with our secrets if we may write them.
    pub(super) async fn ensure_account(&self) -> Result<u64> {
        if let Some(account) = self.find_account().await? {
            return self.agree(&account).await;
        }
        match self.add_account().await {
            // Another replica was quicker.
            Err(error) if error.kind() == ErrorKind::Exists => match self.find_account().await? {
                Some(account) => self.agree(&account).await,
                None => Err(error),
            },
            made => made,
        }
    }

    async fn find_account(&self) -> Result<Option<Account>> {
        let by = ByUsername { username: &self.config.tenant };
        match self.session.call::<AccountAnswer>("GetAccountByName", by).await {
            Ok(answer) => Ok(Some(answer.account)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.of_account("look for", error)),
        }
    }

    async fn add_account(&self) -> Result<u64> {
        let attributes = mark::account();
        let params = self.account_params(None, &attributes);
        let made: AccountAnswer =
            self.session.call("AddAccount", params).await.map_err(|error| self.of_account("make", error))?;
        Ok(made.account.id)
    }

    fn account_params<'a>(
        &'a self,
        id: Option<u64>,
        attributes: &'a Map<String, Value>,
    ) -> AccountParams<'a> {
        let chap = self.config.chap();
        let mutual = chap.and_then(|chap| chap.mutual.as_ref());
        AccountParams {
            account: id,
            username: id.is_none().then_some(&self.config.tenant),
            // Without one the array makes up a secret that nobody knows.
            initiator_secret: chap.map(|chap| chap.password.reveal()),
            target_secret: mutual.map(|login| login.password.reveal()),
            attributes,
            enable_chap: true,
        }
    }

    /// Hosts will present our secrets, so the account must hold them.
    async fn agree(&self, account: &Account) -> Result<u64> {
        let tenant = &self.config.tenant;
        if account.status != "active" {
            let text = format!("account {tenant} is {} at the array; unlock it there", account.status);
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        let Some(chap) = self.config.chap() else { return Ok(account.id) };
        let same = |theirs: &Option<String>, ours: &Secret| theirs.as_deref() == Some(ours.reveal());
        let agrees = same(&account.initiator_secret, &chap.password)
            && chap.mutual.as_ref().is_none_or(|login| same(&account.target_secret, &login.password))
            && account.enable_chap != Some(false);
        if agrees {
            return Ok(account.id);
        }
        if !mark::is_our_account(&account.attributes) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "account {tenant} exists at the array with another CHAP secret or with CHAP switched off, and was not made \
                     by this driver; give its secret in the CHAP credentials, or choose another tenant"
                ),
            ));
        }
        let params = self.account_params(Some(account.id), &account.attributes);
        let altered: AccountAnswer = self
            .session
            .call("ModifyAccount", params)
            .await
            .map_err(|error| self.of_account("alter", error))?;
        Ok(altered.account.id)
    }

    /// The account that stands for all hosts, looked for if it was lost.
    pub(super) async fn account_host(&self) -> Result<Option<Host>> {
        let known = self.known().account;
        let id = match known {
            Some(id) => Some(id),
            None => self.find_account().await?.map(|account| account.id),
        };
        self.known().account = id;
        Ok(id.map(|id| self.shown(id)))
    }

    pub(super) async fn add_account_host(&self) -> Result<Host> {
        let id = self.add_account().await?;
        self.known().account = Some(id);
        Ok(self.shown(id))
    }

    pub(super) async fn remove_account_host(&self, id: &HostId) -> Result<()> {
        let number = self.is_account(id).await?;
        let by = ByAccount { account: number };
        let found: AccountAnswer = self
            .session
            .call("GetAccountByID", by)
            .await
            .map_err(|error| self.of_account("look for", error))?;
        if !mark::is_our_account(&found.account.attributes) {
            let text = format!("account {} was not made by this driver", self.config.tenant);
            return Err(Error::new(ErrorKind::Forbidden, text));
        }
        if !found.account.volumes.is_empty() {
            let text = format!("account {} owns {} volumes", self.config.tenant, found.account.volumes.len());
            return Err(Error::new(ErrorKind::InUse, text));
        }
        let by = ByAccount { account: number };
        self.session.act("RemoveAccount", by).await.map_err(|error| self.of_account("remove", error))?;
        self.known().account = None;
        Ok(())
    }

    /// The account's number, if the id is that of our account.
    pub(super) async fn is_account(&self, id: &HostId) -> Result<u64> {
        let host = self.account_host().await?;
        let number = host.filter(|host| host.id == *id).and_then(|host| host.id.as_str().parse().ok());
        number.ok_or_else(|| not_found(format_args!("account {id}")))
    }

    /// The account that new volumes belong to.
    pub(super) fn owner_account(&self) -> Result<u64> {
        let known = self.known().account;
        known.ok_or_else(|| {
            let text = format!("account {} was removed at the array", self.config.tenant);
            Error::new(ErrorKind::WrongState, text)
        })
    }

    /// That the account is not there any more is not the fault of the volume that was asked for.
    pub(super) fn without_account(&self, error: Error) -> Error {
        if !fault::is(&error, "xAccountIDDoesNotExist") {
            return error;
        }
        self.known().account = None;
        let text = format!("account {} was removed at the array", self.config.tenant);
        Error::new(ErrorKind::WrongState, text).with_source(error)
    }

    fn shown(&self, id: u64) -> Host {
        Host {
            id: HostId::new(id.to_string()),
            name: Name::new(self.config.tenant.clone()),
            initiators: Vec::new(),
        }
    }

    fn of_account(&self, doing: &str, error: Error) -> Error {
        error.context(format_args!("{doing} account {}", self.config.tenant))
    }
}
