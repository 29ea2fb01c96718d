//! A vCenter simulator for one test, and an administrator who changes things in it.

mod admin;

pub use admin::Admin;

use super::peers;
use super::pki::Pki;
use super::ports::Port;
use super::wait;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long it may take until it answers.
const START: Duration = Duration::from_secs(20);
/// Who may log in.
pub const USER: &str = "netweave@vsphere.local";
const PASSWORD: &str = "a password of <the> tests & none else";

/// A running simulator with an inventory that lasts as long as its process; killed by its own id when this is dropped.
pub struct Vcsim {
    command: Command,
    child: Child,
    folder: TempDir,
    port: Port,
    scheme: &'static str,
}

impl Vcsim {
    /// Starts it with TLS and a certificate for `localhost`; `None` if it is not built and `NETWEAVE_REQUIRE_PEERS` does
    /// not ask for it. `options` are those of `tests/peers/vcsim`.
    pub async fn start(options: &[&str]) -> Option<Self> {
        let pki = Pki::new();
        let folder = tempfile::tempdir().expect("a temporary folder");
        pki.write_server(folder.path());
        let mut all = vec!["-tlscert", "tls.crt", "-tlskey", "tls.key"];
        all.extend(options);
        Self::launch(folder, "https", &all).await
    }

    /// Starts it without TLS, so that a failing wire can be put before it.
    pub async fn start_plain(options: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut all = vec!["-plain"];
        all.extend(options);
        Self::launch(folder, "http", &all).await
    }

    async fn launch(folder: TempDir, scheme: &'static str, options: &[&str]) -> Option<Self> {
        let program = peers::program("vcsim", "build.sh vcsim")?;
        std::fs::write(folder.path().join("password"), PASSWORD).expect("a file of the password");
        let port = Port::reserve();
        let mut command = Command::new(program);
        command
            .args(["-l", &port.address().to_string(), "-username", USER, "-password", PASSWORD])
            .args(options)
            .current_dir(folder.path())
            // Where it keeps the files of its datastores; they go with the folder.
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null());
        let child = spawn(&mut command, folder.path());
        let mut vcsim = Self { command, child, folder, port, scheme };
        vcsim.answers().await;
        Some(vcsim)
    }

    /// Kills it at once.
    pub fn kill9(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process is gone");
    }

    /// Starts it again after its end, with a new inventory.
    pub async fn start_again(&mut self) {
        self.child = spawn(&mut self.command, self.folder.path());
        self.answers().await;
    }

    /// Returns its address as the gateway is told it.
    pub fn url(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.port.number())
    }

    /// Returns the port's address.
    pub fn address(&self) -> std::net::SocketAddr {
        self.port.address()
    }

    /// Returns the authority of its certificate.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// Returns the file of the password.
    pub fn password_file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    /// Logs an administrator in.
    pub async fn admin(&self) -> Admin {
        let ca = (self.scheme == "https").then(|| self.ca());
        Admin::login(&self.url(), ca.as_deref(), PASSWORD).await
    }

    async fn answers(&mut self) {
        wait::until(START, "vcsim to listen", async || {
            let ended = self.child.try_wait().expect("the child's state");
            assert!(ended.is_none(), "vcsim ended: {ended:?}");
            tokio::net::TcpStream::connect(self.port.address()).await.ok()
        })
        .await;
    }
}

impl Drop for Vcsim {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

fn spawn(command: &mut Command, folder: &Path) -> Child {
    let log = File::options().append(true).create(true).open(folder.join("log")).expect("the log file");
    command.stdout(log.try_clone().expect("the log file, twice")).stderr(log).spawn().expect("vcsim starts")
}
