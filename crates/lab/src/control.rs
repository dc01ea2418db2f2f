//! The control socket: a caller connects, writes one request as a line of JSON, and reads one answer; after `Events`
//! it reads on, after `Dial` the connection becomes a plain pipe to the address asked for.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::{network, relay, spec::Spec, supervisor::Supervisor};

#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Request {
    /// What this lab was made of.
    Spec,
    /// All that happened and will happen, a line each.
    Events,
    Start {
        guest: String,
    },
    Kill {
        guest: String,
    },
    Cut {
        guest: String,
    },
    Heal {
        guest: String,
    },
    Dial {
        address: SocketAddr,
    },
    Stop,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Answer {
    Done,
    Spec(Box<Spec>),
    Error(String),
}

/// Serves until a caller says stop.
pub(crate) fn serve(lab: &Arc<Supervisor>, socket: &UnixListener) -> Result<()> {
    let (stop, stopped) = std::sync::mpsc::channel();
    let (lab, socket) = (Arc::clone(lab), socket.try_clone()?);
    thread::spawn(move || {
        for caller in socket.incoming().flatten() {
            let (lab, stop) = (Arc::clone(&lab), stop.clone());
            thread::spawn(move || {
                if let Ok(true) = answer(&lab, caller) {
                    let _ = stop.send(());
                }
            });
        }
    });
    stopped.recv().context("the control socket closed")
}

/// Gives true when the lab shall end.
fn answer(lab: &Supervisor, caller: UnixStream) -> Result<bool> {
    let mut line = String::new();
    BufReader::new(&caller).read_line(&mut line)?;
    let request = match serde_json::from_str(&line) {
        Ok(request) => request,
        Err(error) => {
            send(&caller, &Answer::Error(format!("not a request: {error}")))?;
            return Ok(false);
        }
    };
    let done = match request {
        Request::Spec => {
            send(&caller, &Answer::Spec(Box::new(lab.spec.clone())))?;
            return Ok(false);
        }
        Request::Stop => {
            send(&caller, &Answer::Done)?;
            return Ok(true);
        }
        Request::Events => {
            let _ = follow(lab, &caller);
            return Ok(false);
        }
        Request::Dial { address } => {
            match TcpStream::connect_timeout(&address, Duration::from_secs(10)) {
                Ok(server) => {
                    send(&caller, &Answer::Done)?;
                    relay::join(caller, server)?;
                }
                Err(error) => send(&caller, &Answer::Error(format!("connecting to {address}: {error}")))?,
            }
            return Ok(false);
        }
        Request::Start { guest } => lab.start(&guest),
        Request::Kill { guest } => lab.kill(&guest),
        Request::Cut { guest } => lab.spec.guest(&guest).and_then(network::cut),
        Request::Heal { guest } => lab.spec.guest(&guest).and_then(network::heal),
    };
    let answer = done.map_or_else(|error| Answer::Error(format!("{error:#}")), |()| Answer::Done);
    send(&caller, &answer)?;
    Ok(false)
}

fn follow(lab: &Supervisor, mut caller: &UnixStream) -> Result<()> {
    let mut seen = 0;
    loop {
        let news = lab.board.after(seen);
        seen += news.len();
        for event in news {
            writeln!(caller, "{}", serde_json::to_string(&event)?)?;
        }
    }
}

fn send(mut caller: &UnixStream, answer: &Answer) -> Result<()> {
    writeln!(caller, "{}", serde_json::to_string(answer)?)?;
    Ok(())
}

/// The caller's side: sends a request and reads its answer; what follows can be read from the stream given back.
pub(crate) fn ask(state: &Path, request: &Request) -> Result<(Answer, UnixStream)> {
    let mut stream = connect(state, request)?;
    let mut line = Vec::new();
    let mut byte = [0];
    // byte by byte: what follows the answer belongs to the caller
    while std::io::Read::read(&mut stream, &mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    match serde_json::from_slice(&line).context("the lab ended before it answered")? {
        Answer::Error(error) => bail!(error),
        answer => Ok((answer, stream)),
    }
}

/// Sends a request whose answer the caller reads line by line.
pub(crate) fn connect(state: &Path, request: &Request) -> Result<UnixStream> {
    let socket = state.join("control");
    let mut stream = UnixStream::connect(&socket)
        .with_context(|| format!("connecting to the lab's control socket {}", socket.display()))?;
    writeln!(stream, "{}", serde_json::to_string(request)?)?;
    Ok(stream)
}
