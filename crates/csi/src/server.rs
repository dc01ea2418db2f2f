//! Serves gRPC on a Unix socket: takes the path over from a predecessor, wraps every call in [`crate::observe`],
//! lets running calls end when told to stop, and leaves no socket behind.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::authority::Mended;
use crate::observe::Observe;
use crate::status::Failure;

pub use crate::observe::note_object;

/// How long calls that run when a stop is asked for may go on.
pub const DRAIN: Duration = Duration::from_secs(20);

/// Linux keeps this many bytes for a socket's path, the closing NUL included.
const PATH_LIMIT: usize = 108;

/// Where a plugin listens: `unix:///path`, `unix:/path` or an absolute path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(PathBuf);

impl Endpoint {
    /// The socket's path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let path = text.strip_prefix("unix://").or_else(|| text.strip_prefix("unix:")).unwrap_or(text);
        if path.starts_with('/') && !path.ends_with('/') {
            return Ok(Self(path.into()));
        }
        Err(Failure::field("endpoint", format!("{text:?} is not a Unix socket such as unix:///csi/csi.sock")))
    }
}

/// A socket that takes connections; they wait until [`Socket::serve`].
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// Listens at `path`, in place of whatever socket is there. `mode` are its permissions: 0600 if the peers run
    /// under our user, 0660 or 0666 for sidecars of the same pod that do not.
    pub fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        let fresh = beside(path)?;
        refuse_other_than_socket(path)?;
        refuse_other_than_socket(&fresh)?;
        remove_if_there(&fresh)?;
        // Under another name first, so that the socket appears with its permissions, and in one step.
        let listener = UnixListener::bind(&fresh)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(mode))?;
        let inode = fs::symlink_metadata(&fresh)?.ino();
        fs::rename(&fresh, path)?;
        Ok(Self { listener, path: path.to_owned(), inode })
    }

    /// Serves until `stop` turns true or its sender is gone, then at most [`DRAIN`] longer, and removes the socket.
    pub async fn serve(
        self,
        routes: Routes,
        stop: watch::Receiver<bool>,
    ) -> Result<(), tonic::transport::Error> {
        let Self { listener, path, inode } = self;
        let server = Server::builder().layer(Observe).serve_with_incoming_shutdown(
            routes.prepare(),
            UnixListenerStream::new(listener).map(|peer| peer.map(Mended::new)),
            stopped(stop.clone()),
        );
        let outcome = tokio::select! {
            outcome = server => outcome,
            () = async { stopped(stop).await; tokio::time::sleep(DRAIN).await } => {
                tracing::warn!(socket = %path.display(), "stopped before every peer had hung up; what they were waiting for they will ask again");
                Ok(())
            }
        };
        // A successor may already have put its own socket there.
        if fs::symlink_metadata(&path).is_ok_and(|found| found.ino() == inode) {
            let _ = fs::remove_file(&path);
        }
        outcome
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that nobody is left who could say so: stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A hidden name in the same folder: kubelet watches one of these folders and passes over hidden names.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let invalid = |problem: String| io::Error::new(io::ErrorKind::InvalidInput, problem);
    let name = path.file_name().ok_or_else(|| invalid(format!("{} names no socket", path.display())))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    let fresh = path.with_file_name(hidden);
    if fresh.as_os_str().len() >= PATH_LIMIT {
        let problem =
            format!("{} is too long for a socket, {} bytes are allowed", path.display(), PATH_LIMIT - 2);
        return Err(invalid(problem));
    }
    Ok(fresh)
}

fn refuse_other_than_socket(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is there and is no socket; remove it if it is not needed", path.display()),
        )),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
