//! A connector that finds in-memory arrays by management address.

use std::sync::Arc;

use super::FakeArray;
use crate::{Array, ConnectSpec, Connector, Error, ErrorKind, Result};

/// Connects to the array whose address is the first known one among the endpoints; the password must be `password`.
#[derive(Debug, Clone, Default)]
pub struct FakeConnector {
    arrays: Vec<(String, FakeArray)>,
}

impl FakeConnector {
    #[must_use]
    pub fn with(mut self, address: &str, array: FakeArray) -> Self {
        self.arrays.push((address.to_owned(), array));
        self
    }
}

#[async_trait::async_trait]
impl Connector for FakeConnector {
    async fn connect(&self, spec: &ConnectSpec) -> Result<Arc<dyn Array>> {
        let known = |address: &str| self.arrays.iter().find(|(a, _)| a == address).map(|(_, array)| array);
        let Some(array) = spec.endpoints.iter().find_map(|endpoint| known(&endpoint.address)) else {
            return Err(Error::new(ErrorKind::Unreachable, "no array answers at any of the endpoints"));
        };
        array.call("connect", |_| Ok(())).await?;
        if spec.credentials.password.reveal() != "password" {
            return Err(Error::new(ErrorKind::Unauthenticated, "array does not accept the credentials"));
        }
        Ok(Arc::new(array.clone()))
    }
}
