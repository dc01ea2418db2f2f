//! Domains: pools and hosts belong to one or to none, and volumes are mapped within one.

use super::System;
use crate::xiv::arguments::{Arguments, new_name};
use crate::xiv::codes::Refusal;
use crate::xiv::document::{Answer, Row};

impl System {
    /// The domain that the arguments name, if they name one.
    pub(crate) fn known_domain(&self, arguments: &Arguments) -> Result<Option<String>, Refusal> {
        match arguments.text("domain") {
            None => Ok(None),
            Some(name) if self.domains.iter().any(|domain| domain == name) => Ok(Some(name.to_owned())),
            Some(_) => Err(Refusal::new("DOMAIN_DOESNT_EXIST", "Domain does not exist")),
        }
    }

    pub(crate) fn domain_list(&mut self, arguments: &Arguments) -> Answer {
        let wanted = arguments.text("domain");
        let found = self.domains.iter().filter(|name| wanted.is_none_or(|wanted| wanted == *name));
        Ok(found.enumerate().map(|(at, name)| Row::new("domain", at).with("name", name)).collect())
    }

    pub(crate) fn domain_create(&mut self, arguments: &Arguments) -> Answer {
        let name = new_name(arguments.needed("domain")?)?;
        if self.domains.contains(&name) {
            return Err(Refusal::new("DOMAIN_ALREADY_EXISTS", "Domain already exists"));
        }
        self.domains.push(name);
        Ok(Vec::new())
    }

    pub(crate) fn domain_delete(&mut self, arguments: &Arguments) -> Answer {
        let name = arguments.needed("domain")?;
        let used = self.pools.values().any(|pool| pool.domain.as_deref() == Some(name))
            || self.hosts.values().any(|host| host.domain.as_deref() == Some(name));
        if used {
            return Err(Refusal::new("DOMAIN_HAS_OBJECTS", "Domain is not empty"));
        }
        match self.domains.iter().position(|domain| domain == name) {
            Some(at) => drop(self.domains.remove(at)),
            None => return Err(Refusal::new("DOMAIN_DOESNT_EXIST", "Domain does not exist")),
        }
        Ok(Vec::new())
    }
}
