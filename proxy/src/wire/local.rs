//! What connects the edge with this machine: the control socket, the configuration's file, and another process's sockets.

use crate::cli::serve::ServeOptions;
use crate::conf::tree::Conf;
use crate::control::client::Client;
use crate::control::socket::{self, File};
use crate::control::{Desk, Level, Profiler, Reloader};
use crate::listen::Edge;
use crate::listen::handover::{Giver, Inherited, Waiting};
use crate::ops::Readiness;
use crate::services::config_file::ConfigFile;
use crate::services::takeover::Takeover;
use http::Method;
use netweave_model::{Error, Result};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tracing::{error, info};

/// The file of the control socket, once there is one; it goes when this does.
pub(super) type Held = Arc<Mutex<Option<File>>>;

/// Takes the sockets of a gateway that runs on the same control socket, if that is asked for and one does.
///
/// # Errors
/// `Invalid`: there is no control socket to ask. `Timeout`, `Unavailable`: the running gateway did not give them.
pub(super) async fn take_over(conf: &Conf, options: &ServeOptions) -> Result<(Inherited, Option<Giver>)> {
    if !options.upgrade {
        return Ok((Inherited::default(), None));
    }
    let Some(control) = conf.ops.control.as_deref() else {
        return Err(Error::invalid("ops.control", "must be set for `serve --upgrade`"));
    };
    if !socket::answers(control) {
        info!("no gateway answers on the control socket, so there are no sockets to take over");
        return Ok((Inherited::default(), None));
    }
    let waiting = Waiting::beside(control)?;
    Client::connect(control).await?.call(Method::POST, "/hand-over", None).await?;
    let (inherited, giver) = waiting.take().await?;
    Ok((inherited, Some(giver)))
}

/// Connects the edge; needs the runtime that lives as long as the process, on which the control socket is served.
///
/// # Errors
/// `Conflict`, `Invalid`: the control socket cannot be made.
pub(super) fn connect(
    edge: &mut Edge,
    conf: &Conf,
    (reloader, level): (Arc<Reloader>, Arc<Level>),
    (giver, readiness): (Option<Giver>, Arc<dyn Readiness>),
) -> Result<Held> {
    let (renewal, again) = (edge.renewal(), Arc::clone(&reloader));
    edge.on_reload(Arc::new(move || {
        renewal.load();
        // It logs what comes of it.
        again.reload().ok();
    }));
    edge.add_service(Arc::new(ConfigFile::new(Arc::clone(&reloader))));
    let renewal = edge.renewal();
    let path = conf.ops.control.clone();
    // Where the socket's file is made, a file of the profiler can be.
    let folder = path.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
    let desk = Arc::new(Desk {
        handle: edge.handle(),
        stopping: edge.stopping(),
        reloader,
        certificates: Box::new(move || renewal.load()),
        level,
        shutdown: conf.shutdown.clone(),
        profiler: Profiler::new(folder),
    });
    let held = Held::default();
    let Some(giver) = giver else {
        if let Some(path) = path {
            hold(&held, &Handle::current(), desk, socket::listen(&path, false)?);
        }
        return Ok(held);
    };
    let after = replace(path, Arc::clone(&held), desk);
    edge.add_service(Arc::new(Takeover::new(giver, readiness, (edge.opener(), edge.handle()), after)));
    Ok(held)
}

/// Takes the place of the old process's control socket, when that one has given its sockets away.
fn replace(path: Option<PathBuf>, held: Held, desk: Arc<Desk>) -> Box<dyn FnOnce() + Send> {
    let runtime = Handle::current();
    let listen = |path: &Path| {
        let refused = |error: &Error| error!(%error, "there is no control socket");
        socket::listen(path, true).inspect_err(refused).ok()
    };
    Box::new(move || {
        if let Some(bound) = path.as_deref().and_then(listen) {
            hold(&held, &runtime, desk, bound);
        }
    })
}

fn hold(held: &Held, runtime: &Handle, desk: Arc<Desk>, (listener, file): (UnixListener, File)) {
    runtime.spawn(desk.serve(listener));
    held.lock().unwrap_or_else(PoisonError::into_inner).replace(file);
}
