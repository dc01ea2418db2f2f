//! Simulated arrays of the XIV family: XIV Gen3, Spectrum Accelerate, FlashSystem A9000 and A9000R, speaking XCLI.
//!
//! All of them in one simulator share a [`World`], since mirrors relate volumes of two.

mod arguments;
mod codes;
mod commands;
mod document;
mod face;
mod limits;
mod model;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::config::{ArrayConfig, Chap, Config, ConfigError, Credentials, Data, Vendor, wrong};
use crate::control::{Machine, Statistics};
use crate::kernel::clock::Clock;
use crate::kernel::fabric::{Fabric, FabricError, Lio, Memory};
use crate::kernel::faults::Faults;
use crate::kernel::journal::Journal;
use crate::kernel::lock::hold;
use crate::running::{ArrayInfo, IscsiPort, PoolInfo};

use model::facts::{Facts, Model};
use model::{Net, System};

/// The systems of one simulator.
#[derive(Debug)]
pub(crate) struct World {
    /// Who mirrors to whom, by name, both ways.
    partners: Vec<(String, String)>,
    net: Mutex<Net>,
}

impl World {
    /// Knows who is to be whose partner before any system lives.
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        let family: Vec<&ArrayConfig> = config.arrays.iter().filter(|a| a.vendor == Vendor::Xiv).collect();
        let named = family.iter().filter_map(|array| Some((array.name.clone(), array.partner.clone()?)));
        let mut partners: Vec<(String, String)> = named.collect();
        if let (true, [one, other]) = (partners.is_empty(), family.as_slice()) {
            partners.push((one.name.clone(), other.name.clone()));
        }
        Arc::new(Self { partners, net: Mutex::default() })
    }

    fn partners_of(&self, name: &str) -> Vec<String> {
        let of = |(one, other): &(String, String)| {
            let (mine, theirs) = (one == name, other == name);
            mine.then(|| other.clone()).or_else(|| theirs.then(|| one.clone()))
        };
        self.partners.iter().filter_map(of).collect()
    }
}

/// One system behind its management address.
pub(crate) struct Array {
    name: String,
    credentials: Credentials,
    latency: Duration,
    /// Commands wait for processes and so must not hold up the runtime.
    blocking: bool,
    clock: Clock,
    world: Arc<World>,
    /// Its place in the world.
    at: usize,
    faults: Faults,
    journal: Journal,
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Array {
    pub(crate) fn new(
        config: &ArrayConfig,
        address: SocketAddr,
        clock: &Clock,
        world: &Arc<World>,
    ) -> Result<Self, FabricError> {
        let model = Model::read(&config.model).unwrap_or(Model::A9000);
        let facts = Facts::new(config, model, address.ip());
        let fabric: Box<dyn Fabric> = match config.data {
            Data::Memory => Box::new(Memory::default()),
            Data::Lio => {
                let bytes = if config.pools.is_empty() {
                    config.data.usual_capacity()
                } else {
                    config.pools.iter().map(|pool| pool.capacity).sum()
                };
                Box::new(Lio::new(config, &facts.portals, bytes)?)
            }
        };
        let mut net = hold(&world.net);
        let at = net.systems.len();
        let mut system = System::new(at, config, facts, clock.clone(), fabric);
        system.partners = world.partners_of(&config.name);
        net.systems.push(system);
        Ok(Self {
            name: config.name.clone(),
            credentials: config.credentials.clone(),
            latency: config.latency,
            blocking: config.data == Data::Lio,
            clock: clock.clone(),
            world: Arc::clone(world),
            at,
            faults: Faults::default(),
            journal: Journal::default(),
        })
    }

    pub(crate) fn info(&self, address: SocketAddr) -> ArrayInfo {
        let net = hold(&self.world.net);
        let system = &net.systems[self.at];
        let portal = |portal: &SocketAddr| IscsiPort { iqn: system.facts.iqn(), portal: *portal };
        let pool = |name: &String| PoolInfo { name: name.clone(), id: name.clone() };
        ArrayInfo {
            name: self.name.clone(),
            vendor: "xiv".to_owned(),
            address: address.ip(),
            port: address.port(),
            serial: system.facts.serial_text(),
            pools: system.pools.keys().map(pool).collect(),
            iscsi: system.facts.portals.iter().map(portal).collect(),
            fc: system.facts.fibre_channel.clone(),
        }
    }

    /// Looks at the world after time has done its work.
    fn settled<T>(&self, look: impl FnOnce(&mut Net) -> T) -> T {
        let mut net = hold(&self.world.net);
        // What fails here fails again, and is answered, at the next command.
        let _ = net.tick();
        look(&mut net)
    }
}

impl Machine for Array {
    fn journal(&self) -> &Journal {
        &self.journal
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn set_fullness(&self, stage: u8) {
        self.settled(|net| net.systems[self.at].fullness = stage);
    }

    fn statistics(&self) -> Statistics {
        self.settled(|net| net.systems[self.at].statistics(net.mirrors(self.at)))
    }

    fn audit(&self) -> Vec<String> {
        self.settled(|net| net.audit(self.at))
    }

    fn read(&self, volume: u64, offset: u64, length: usize) -> Result<Vec<u8>, String> {
        self.settled(|net| {
            let system = &net.systems[self.at];
            let image = system.volumes.get(&volume).ok_or("the volume does not exist")?.image;
            system.fabric.read(image, offset, length).map_err(|error| error.to_string())
        })
    }

    fn write(&self, volume: u64, offset: u64, data: &[u8]) -> Result<(), String> {
        self.settled(|net| {
            let found = net.systems[self.at].volumes.get(&volume).ok_or("the volume does not exist")?;
            if found.locked {
                return Err("the volume is locked".to_owned());
            }
            for (at, number) in net.written_too(self.at, volume).into_iter().chain([(self.at, volume)]) {
                let system = &mut net.systems[at];
                let Some(image) = system.volumes.get(&number).map(|volume| volume.image) else { continue };
                system.fabric.write(image, offset, data).map_err(|error| error.to_string())?;
            }
            Ok(())
        })
    }

    fn close(&self) {
        self.settled(|net| net.systems[self.at].close());
    }

    fn set_link(&self, up: bool) -> bool {
        self.settled(|net| {
            net.systems[self.at].linked = up;
            let _ = net.tick();
        });
        true
    }

    /// For its partners a system off the network is dead.
    fn set_online(&self, online: bool) {
        self.settled(|net| {
            net.systems[self.at].online = online;
            let _ = net.tick();
        });
    }
}

/// What a configuration of this family must keep to.
pub(crate) fn check(config: &ArrayConfig, field: &dyn Fn(&str) -> String) -> Result<(), ConfigError> {
    if Model::read(&config.model).is_none() {
        return Err(wrong(field("model"), "must be Gen3, SpectrumAccelerate, A9000 or A9000R"));
    }
    if config.data == Data::Lio && !Model::read(&config.model).is_some_and(Model::flash) {
        return Err(wrong(
            field("data"),
            "must be memory: the kernel's target cannot show the identity of this model's disks",
        ));
    }
    if config.data == Data::Lio && config.lio.chap == Chap::Mutual {
        return Err(wrong(field("lio.chap"), "must be one-way: this family does not prove itself to hosts"));
    }
    let seven = |serial: &String| serial.len() == 7 && serial.bytes().all(|b| b.is_ascii_digit());
    if config.serial.as_ref().is_some_and(|serial| !seven(serial)) {
        return Err(wrong(field("serial"), "must be seven digits"));
    }
    for (at, pool) in config.pools.iter().enumerate() {
        let domain = pool.domain.as_ref();
        if domain.is_some_and(|domain| !config.xiv.domains.contains(domain)) {
            return Err(wrong(field(&format!("pools[{at}].domain")), "is not one of xiv.domains"));
        }
    }
    match config.limits.keys().find(|name| !limits::is_known(name)) {
        Some(name) => Err(wrong(field(&format!("limits.{name}")), "is no limit of this family")),
        None => Ok(()),
    }
}
