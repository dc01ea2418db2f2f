//! Vendor tag to connected driver: the one place that knows which drivers there are.

use std::sync::Arc;

use perilune_array::{Array, ConnectSpec, Connector, Error, ErrorKind, Result, Vendor};
use perilune_driver_solidfire::Solidfire;

/// Connects to arrays of every vendor that has a driver.
#[derive(Debug, Clone, Copy, Default)]
pub struct VendorConnector;

#[async_trait::async_trait]
impl Connector for VendorConnector {
    async fn connect(&self, spec: &ConnectSpec) -> Result<Arc<dyn Array>> {
        match spec.vendor {
            Vendor::Solidfire => Ok(Arc::new(Solidfire::connect(spec).await?)),
            planned @ (Vendor::Xiv | Vendor::Ds8k | Vendor::Storagecenter) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("support for {planned} is planned and not there yet"),
            )),
        }
    }
}
