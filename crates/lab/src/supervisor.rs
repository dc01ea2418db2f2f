//! The process that owns the lab from inside: builds network, keys, control plane and guests in that order, then
//! answers its control socket until told to stop.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    clock, control, control_plane, disk,
    events::{Board, CONTROL_PLANE, Stage},
    guest::Machine,
    https::Api,
    isolation, network, pki, relay,
    spec::{self, Role, Spec},
};

/// How long a guest may take, on a busy machine, from its start until it can be used.
const GUEST_LIMIT: Duration = Duration::from_secs(180);

/// What the threads of the supervisor share.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) spec: Spec,
    pub(crate) board: Board,
    api: Mutex<Option<Api>>,
    template: Mutex<Option<PathBuf>>,
    machines: Mutex<BTreeMap<String, Machine>>,
}

/// The life of the supervisor. Ends with the process.
pub fn run(spec: &Path) -> Result<()> {
    let spec = Spec::read(spec)?;
    // these two belong to the caller's network for ever
    let door = TcpListener::bind("127.0.0.1:0").context("opening the API server's door")?;
    let socket = spec.state.join("control");
    let control = UnixListener::bind(&socket).with_context(|| format!("opening {}", socket.display()))?;
    isolation::enter_network()?;

    let lab = Arc::new(Supervisor {
        spec,
        board: Board::new(),
        api: Mutex::default(),
        template: Mutex::default(),
        machines: Mutex::default(),
    });
    let server = SocketAddr::from((spec::CONTROL_PLANE, 443));
    let outside = door.local_addr()?.port();
    thread::spawn(move || relay::serve(&door, server));
    let builder = Arc::clone(&lab);
    thread::spawn(move || {
        if let Err(error) = builder.build(outside) {
            builder.board.post(CONTROL_PLANE, Stage::Failed, format!("{error:#}"));
        }
    });
    control::serve(&lab, &control)
}

impl Supervisor {
    fn build(self: &Arc<Self>, outside: u16) -> Result<()> {
        let spec = &self.spec;
        network::build(&spec.guests)?;
        self.keys(outside)?;
        self.board.post(CONTROL_PLANE, Stage::Step, "network, keys and kubeconfigs made");
        let mut servers = control_plane::Servers::start(spec)?;
        self.start_guests();
        let api = Api::new(SocketAddr::from((spec::CONTROL_PLANE, 443)), &spec.state)?;
        servers.finish(spec, &api, |message| self.board.post(CONTROL_PLANE, Stage::Step, message))?;
        *lock(&self.api) = Some(api);
        self.board.post(CONTROL_PLANE, Stage::Ready, "API server, controller manager and scheduler ready");
        clock::wait_for("control plane", Duration::MAX / 4, || servers.ended(), || None)
    }

    fn keys(&self, outside: u16) -> Result<()> {
        let ca = pki::Authority::new(&self.spec.state)?;
        let server = format!("https://{}:443", spec::CONTROL_PLANE);
        ca.api_server()?;
        ca.client("apiserver-kubelet", "apiserver-kubelet", Some("system:masters"))?;
        let (certificate, key) = ca.client("admin", "lab-admin", Some("system:masters"))?;
        ca.write_kubeconfig("admin", &format!("https://127.0.0.1:{outside}"), &certificate, &key)?;
        ca.write_kubeconfig("inside", &server, &certificate, &key)?;
        ca.kubeconfig("controller-manager", "system:kube-controller-manager", None, &server)?;
        ca.kubeconfig("scheduler", "system:kube-scheduler", None, &server)?;
        for guest in self.spec.guests.iter().filter(|g| g.role == Role::Node) {
            let name = format!("system:node:{}", guest.name);
            ca.kubeconfig(&guest.name, &name, Some("system:nodes"), &server)?;
        }
        Ok(())
    }

    /// Guests without Kubernetes at once, nodes as soon as their disk's template is there. Each guest has a thread of its own.
    fn start_guests(self: &Arc<Self>) {
        for guest in self.spec.guests.iter().filter(|g| g.role != Role::Node) {
            self.start_in_background(&guest.name);
        }
        let nodes: Vec<String> =
            self.spec.guests.iter().filter(|g| g.role == Role::Node).map(|g| g.name.clone()).collect();
        if nodes.is_empty() {
            return;
        }
        let lab = Arc::clone(self);
        thread::spawn(move || {
            let made = disk::ensure(&lab.spec, |message| lab.board.post("disk", Stage::Step, message));
            match made {
                Ok(path) => {
                    *lock(&lab.template) = Some(path);
                    nodes.iter().for_each(|n| lab.start_in_background(n));
                }
                Err(error) => {
                    nodes.iter().for_each(|n| lab.board.post(n, Stage::Failed, format!("{error:#}")));
                }
            }
        });
    }

    fn start_in_background(self: &Arc<Self>, name: &str) {
        let (lab, name) = (Arc::clone(self), name.to_owned());
        thread::spawn(move || {
            if let Err(error) = lab.start(&name) {
                lab.board.post(&name, Stage::Failed, format!("{error:#}"));
            }
        });
    }

    /// Starts a guest and returns when it can be used.
    pub(crate) fn start(&self, name: &str) -> Result<()> {
        let guest = self.spec.guest(name)?;
        {
            let mut machines = lock(&self.machines);
            if machines.contains_key(name) {
                bail!("guest {name} runs already");
            }
            let template = lock(&self.template).clone();
            machines.insert(name.into(), Machine::start(&self.spec, guest, template.as_deref())?);
        }
        self.board.post(name, Stage::Step, "started");
        let boot = clock::wait_for(
            &format!("the agent of guest {name}"),
            GUEST_LIMIT,
            || self.ended(name),
            || guest.agent().boot_id().ok(),
        )
        .with_context(|| format!("see {}", guest.dir(&self.spec).display()))?;
        self.board.post(name, Stage::Step, "kernel and agent up");
        if guest.role != Role::Node {
            // its commands want the modules and devices that the guest's start ends with
            guest.agent().settled()?;
        }
        for command in &guest.commands {
            guest.agent().spawn(command, &guest.dir(&self.spec))?;
        }
        if guest.role == Role::Node {
            clock::wait_for(
                &format!("node {name}"),
                GUEST_LIMIT,
                || self.ended(name),
                || lock(&self.api).clone().filter(|api| control_plane::node_ready(api, name, &boot)),
            )
            .with_context(|| format!("see kubelet.log in {}", guest.dir(&self.spec).display()))?;
        }
        self.board.post(name, Stage::Ready, "ready");
        Ok(())
    }

    /// Pulls a guest's plug.
    pub(crate) fn kill(&self, name: &str) -> Result<()> {
        self.spec.guest(name)?;
        let Some(mut machine) = lock(&self.machines).remove(name) else { bail!("guest {name} does not run") };
        machine.kill()?;
        self.board.post(name, Stage::Ended, "killed");
        Ok(())
    }

    fn ended(&self, name: &str) -> Option<String> {
        match lock(&self.machines).get_mut(name) {
            Some(machine) => machine.ended(),
            None => Some("it was killed".into()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
