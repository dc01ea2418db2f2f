//! Starting the arrays of a configuration and the handle on what runs.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::{ArrayConfig, Config, ConfigError, Vendor};
use crate::control::http::ControlFace;
use crate::control::{Control, Machine, Station};
use crate::kernel::clock::Clock;
use crate::kernel::fabric::FabricError;
use crate::kernel::listener::{self, Switch};
use crate::kernel::tls::{Authority, TlsError};
use crate::{solidfire, xiv};

/// Starts simulated arrays.
#[derive(Debug)]
pub struct Simulator;

/// Arrays that serve. Dropping it ends them as [`Running::stop`] does.
#[derive(Debug)]
pub struct Running {
    ready: Ready,
    ca_pem: String,
    control: Control,
    tasks: Vec<JoinHandle<()>>,
}

/// The line the binary prints once all of it listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    pub ready: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ca: Option<PathBuf>,
    pub arrays: Vec<ArrayInfo>,
}

/// Where an array is and what it calls itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ArrayInfo {
    pub name: String,
    pub vendor: String,
    pub address: IpAddr,
    pub port: u16,
    /// The vendor's identity of the array: a SolidFire cluster's UUID.
    pub serial: String,
    pub pools: Vec<PoolInfo>,
    pub iscsi: Vec<IscsiPort>,
    /// World-wide names of Fibre Channel ports.
    pub fc: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PoolInfo {
    pub name: String,
    pub id: String,
}

/// A portal. On SolidFire each volume has an IQN of its own, so `iqn` is only what they all begin with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IscsiPort {
    pub iqn: String,
    pub portal: SocketAddr,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("listening on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("writing the certificate of the authority to {}: {source}", path.display())]
    Certificate { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Tls(String),
    #[error("setting up the disks of array {array}: {problem}")]
    Fabric { array: String, problem: String },
}

impl From<TlsError> for StartError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error.to_string())
    }
}

impl Simulator {
    /// Serves every array of the configuration; returns when all of them listen.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        config.check()?;
        let (authority, stranger) = (Authority::new()?, Authority::new()?);
        let ca = write_authority(&config, &authority)?;
        let clock = Clock::new();
        let world = xiv::World::new(&config);
        let links = solidfire::Links::default();
        let site =
            Site { authority: &authority, stranger: &stranger, clock: &clock, world: &world, links: &links };
        let mut tasks = Tasks::default();
        let (mut stations, mut infos) = (Vec::new(), Vec::new());
        for array in &config.arrays {
            let socket = bind(array.listen).await?;
            let address = socket.local_addr().map_err(|source| listen(array.listen, source))?;
            let (station, info) = tasks.raise(array, socket, address, &site)?;
            stations.push(station);
            infos.push(info);
        }
        let control = Control::new(clock, stations);
        let mut ready = Ready { ready: true, control: None, ca, arrays: infos };
        if let Some(wanted) = config.control {
            let socket = bind(wanted).await?;
            let address = socket.local_addr().map_err(|source| listen(wanted, source))?;
            let face = Arc::new(ControlFace(control.clone()));
            tasks.serve(socket, &Arc::new(Switch::new(None)), &face, address)?;
            ready.control = Some(format!("http://{address}"));
        }
        Ok(Running { ready, ca_pem: authority.pem().to_owned(), control, tasks: tasks.take() })
    }
}

impl Running {
    pub fn arrays(&self) -> &[ArrayInfo] {
        &self.ready.arrays
    }

    /// The certificate of the authority that signed every server certificate of this run.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    pub fn control(&self) -> &Control {
        &self.control
    }

    /// What the binary prints as its one line.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Ends every array and takes down what stood behind its volumes.
    pub async fn stop(mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            // Aborted on purpose; waiting frees the port before the caller goes on.
            let _ = task.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        for station in self.control.stations() {
            station.array.close();
        }
    }
}

/// Tasks of a start that may still fail; those are ended with it.
#[derive(Default)]
struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    fn serve<F: listener::Speak>(
        &mut self,
        socket: TcpListener,
        switch: &Arc<Switch>,
        face: &Arc<F>,
        address: SocketAddr,
    ) -> Result<(), StartError> {
        let task = listener::serve(socket, Arc::clone(switch), Arc::clone(face));
        self.0.push(task.map_err(|source| listen(address, source))?);
        Ok(())
    }

    fn take(mut self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// What all arrays of a start share.
struct Site<'a> {
    authority: &'a Authority,
    stranger: &'a Authority,
    clock: &'a Clock,
    world: &'a Arc<xiv::World>,
    links: &'a solidfire::Links,
}

impl Tasks {
    /// Brings one array to life behind its socket.
    fn raise(
        &mut self,
        config: &ArrayConfig,
        socket: TcpListener,
        address: SocketAddr,
        site: &Site<'_>,
    ) -> Result<(Station, ArrayInfo), StartError> {
        let fabric = |error: FabricError| StartError::Fabric {
            array: config.name.clone(),
            problem: error.to_string(),
        };
        let (right, wrong) = (site.authority.server(address.ip())?, site.stranger.server(address.ip())?);
        let switch = Arc::new(Switch::new(Some(Arc::clone(&right))));
        let (array, info): (Arc<dyn Machine>, ArrayInfo) = match config.vendor {
            Vendor::Solidfire => {
                let array =
                    Arc::new(solidfire::Array::new(config, address, site.clock, site.links).map_err(fabric)?);
                let info = array.info(address);
                self.serve(socket, &switch, &array, address)?;
                (array, info)
            }
            Vendor::Xiv => {
                let array =
                    Arc::new(xiv::Array::new(config, address, site.clock, site.world).map_err(fabric)?);
                let info = array.info(address);
                self.serve(socket, &switch, &array, address)?;
                (array, info)
            }
        };
        Ok((Station { name: config.name.clone(), array, switch, right, wrong }, info))
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| listen(address, source))
}

fn listen(address: SocketAddr, source: io::Error) -> StartError {
    StartError::Listen { address, source }
}

fn write_authority(config: &Config, authority: &Authority) -> Result<Option<PathBuf>, StartError> {
    let Some(directory) = &config.tls.directory else { return Ok(None) };
    let path = directory.join("ca.pem");
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::write(&path, authority.pem()))
        .map_err(|source| StartError::Certificate { path: path.clone(), source })?;
    Ok(Some(path))
}
