//! Vendor tag to connected driver: the one place that knows which drivers there are.

use std::sync::Arc;

use perilune_array::{Array, ConnectSpec, Connector, Error, ErrorKind, Result, Vendor};
use perilune_driver_solidfire::Solidfire;
use perilune_driver_xiv::Xiv;

/// Connects to arrays of every vendor that has a driver.
#[derive(Debug, Clone, Copy, Default)]
pub struct VendorConnector;

#[async_trait::async_trait]
impl Connector for VendorConnector {
    async fn connect(&self, spec: &ConnectSpec) -> Result<Arc<dyn Array>> {
        match spec.vendor {
            Vendor::Solidfire => Ok(Arc::new(Solidfire::connect(spec).await?)),
            Vendor::Xiv => Ok(Arc::new(Xiv::connect(spec).await?)),
            planned @ (Vendor::Ds8k | Vendor::Storagecenter) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("support for {planned} is planned and not there yet"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use perilune_array::{
        ConnectSpec, Connector, Credentials, Endpoint, ErrorKind, Secret, Settings, Trust, Vendor,
    };

    use super::VendorConnector;

    #[tokio::test]
    async fn each_vendor_goes_to_its_driver_and_a_planned_one_says_so() {
        let spec = |vendor| ConnectSpec {
            vendor,
            endpoints: vec![Endpoint { address: "192.0.2.1".into(), port: None }],
            credentials: Credentials { username: "admin".into(), password: Secret::new("secret") },
            trust: Trust::System,
            server_name: None,
            chap: None,
            timeout: Duration::from_secs(1),
            settings: Settings(vec![("unheard".into(), "of".into())]),
        };
        for (vendor, kind) in [
            // A driver judges its settings before it sends anything.
            (Vendor::Solidfire, ErrorKind::Invalid),
            (Vendor::Xiv, ErrorKind::Invalid),
            (Vendor::Ds8k, ErrorKind::Unsupported),
            (Vendor::Storagecenter, ErrorKind::Unsupported),
        ] {
            assert_eq!(VendorConnector.connect(&spec(vendor)).await.unwrap_err().kind(), kind, "{vendor}");
        }
    }
}
