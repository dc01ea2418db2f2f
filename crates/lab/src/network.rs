//! The lab's network: one bridge with a TAP device for each guest, in the supervisor's namespace. Nothing here has
//! a route to anywhere else.

use std::{fmt::Write, process::Command};

use anyhow::{Context, Result};

use crate::{
    process::run,
    spec::{CONTROL_PLANE, GuestSpec, Role, SERVICE},
};

pub(crate) fn build(guests: &[GuestSpec]) -> Result<()> {
    let mut script = format!(
        "link set lo up\nlink add br0 type bridge\naddr add {CONTROL_PLANE}/24 dev br0\n\
         addr add {SERVICE}/32 dev lo\nlink set br0 up\n"
    );
    for guest in guests {
        let tap = guest.tap();
        let _ = writeln!(script, "tuntap add dev {tap} mode tap\nlink set {tap} master br0 up");
        if guest.role == Role::Node {
            let _ = writeln!(script, "route add {} via {}", guest.pods(), guest.address());
        }
    }
    run(Command::new("ip").args(["-batch", "-"]), Some(&script)).context("building the lab's network")?;
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")
        .context("switching on forwarding in the lab's network")
}

/// Takes a guest's cable out. Never by setting its TAP device down, which ends the guest's network for good.
pub(crate) fn cut(guest: &GuestSpec) -> Result<()> {
    run(Command::new("ip").args(["link", "set", &guest.tap(), "nomaster"]), None)
        .with_context(|| format!("cutting the network of guest {}", guest.name))
}

pub(crate) fn heal(guest: &GuestSpec) -> Result<()> {
    run(Command::new("ip").args(["link", "set", &guest.tap(), "master", "br0"]), None)
        .with_context(|| format!("healing the network of guest {}", guest.name))
}
