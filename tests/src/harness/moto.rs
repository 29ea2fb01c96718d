//! A stand-in for Amazon Web Services for one test: moto, with signatures and permissions checked.
//!
//! Two users are in it: the gateway's, who may do what the policy in `deploy/iam` says, and the test's, who may do all. In
//! another account there are two roles that may do the same; the gateway's user may assume that of the gateway.

mod sign;

pub use sign::Keys;

use super::peers;
use super::ports::Port;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The account in which everything is, unless a role of the other one is assumed.
pub const ACCOUNT: &str = "123456789012";
/// The other account.
pub const OTHER: &str = "210987654321";
/// The region of the tests' own calls.
pub const REGION: &str = "us-east-1";
/// Services and their versions.
const EC2: (&str, &str) = ("ec2", "2016-11-15");
const AUTO_SCALING: (&str, &str) = ("autoscaling", "2011-01-01");
const IAM: (&str, &str) = ("iam", "2010-05-08");
const STS: (&str, &str) = ("sts", "2011-06-15");
/// How long it may take until it answers; a Python program on a busy machine.
const START: Duration = Duration::from_mins(1);
/// Calls that set up users and roles. From then on every call must be signed.
const SETUP_CALLS: usize = 12;
/// What the gateway's user may do.
const POLICY: &str = include_str!("../../../deploy/iam/aws-policy.json");
/// What the tests may do.
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A running server; it is killed by its own id when this is dropped.
pub struct Moto {
    child: Child,
    folder: TempDir,
    port: Port,
    http: reqwest::Client,
    admin: Keys,
    gateway: Keys,
    other: Keys,
}

impl Moto {
    /// Starts one; `None` if it is not installed and `NETWEAVE_REQUIRE_PEERS` does not ask for it.
    pub async fn start() -> Option<Self> {
        let Some(program) = peers::program("moto_server", "moto.sh") else {
            std::io::stderr().write_all(b"SKIPPED: there is no moto; run tests/peers/moto.sh\n").ok();
            return None;
        };
        let (folder, port) = (tempfile::tempdir().expect("a temporary folder"), Port::reserve());
        let log = File::create(folder.path().join("log")).expect("a log");
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.number().to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", SETUP_CALLS.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("moto starts");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (admin, gateway, other) = (Keys::nobody(), Keys::nobody(), Keys::nobody());
        let mut moto = Self { child, folder, port, http, admin, gateway, other };
        moto.answers().await;
        moto.set_up().await;
        Some(moto)
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Returns the role that the gateway may assume in the other account.
    pub fn role() -> String {
        role("netweave")
    }

    /// Writes the gateway's keys into a file as the AWS tools have it.
    pub fn credentials(&self) -> PathBuf {
        self.write_credentials(&self.gateway)
    }

    /// Replaces the keys in that file by some that nobody has.
    pub fn spoil_credentials(&self) -> PathBuf {
        self.write_credentials(&Keys::nobody())
    }

    /// Makes another user, who may do what a policy says, and puts its keys into that file.
    pub async fn credentials_for(&self, name: &str, policy: &str) -> PathBuf {
        let keys = self.user(name, &[policy]).await;
        self.write_credentials(&keys)
    }

    /// Calls EC2 as the test; returns the texts of all elements of a name, in their order.
    pub async fn ec2(&self, action: &str, params: &[(&str, &str)], element: &str) -> Vec<String> {
        texts(&self.call(&self.admin, (REGION, EC2), action, params).await, element)
    }

    /// Calls EC2 in the other account, in a region.
    pub async fn other_ec2(
        &self,
        region: &str,
        action: &str,
        params: &[(&str, &str)],
        element: &str,
    ) -> Vec<String> {
        texts(&self.call(&self.other, (region, EC2), action, params).await, element)
    }

    /// Calls Auto Scaling as the test.
    pub async fn auto_scaling(&self, action: &str, params: &[(&str, &str)]) {
        self.call(&self.admin, (REGION, AUTO_SCALING), action, params).await;
    }

    /// Calls a service with someone's keys; returns the answer, which must be a success.
    async fn call(
        &self,
        keys: &Keys,
        (region, (service, version)): (&str, (&str, &str)),
        action: &str,
        params: &[(&str, &str)],
    ) -> String {
        let body = sign::form(&[&[("Action", action), ("Version", version)], params].concat());
        let host = self.address().to_string();
        let mut request = self.http.post(format!("http://{host}/"));
        for (name, value) in keys.sign(&host, region, service, &body) {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.expect("moto answers");
        let (status, text) = (answer.status(), answer.text().await.expect("a whole answer"));
        assert!(status.is_success(), "{action}: {status} {text}");
        text
    }

    async fn set_up(&mut self) {
        let assume = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"{}"}}]}}"#,
            Self::role()
        );
        self.gateway = self.user("gateway", &[POLICY, &assume]).await;
        // Whoever assumes a role is in its account, and as yet nobody checks whether it exists.
        let session = [("RoleArn", &*role("admin")), ("RoleSessionName", "test")];
        self.other = Keys::read(&self.call(&self.admin, (REGION, STS), "AssumeRole", &session).await);
        for (name, policy) in [("admin", ALL), ("netweave", POLICY)] {
            let trust = [("RoleName", name), ("AssumeRolePolicyDocument", ALL)];
            self.call(&self.other, (REGION, IAM), "CreateRole", &trust).await;
            let document = [("RoleName", name), ("PolicyName", "policy"), ("PolicyDocument", policy)];
            self.call(&self.other, (REGION, IAM), "PutRolePolicy", &document).await;
        }
        self.admin = self.user("admin", &[ALL]).await;
    }

    async fn user(&self, name: &str, policies: &[&str]) -> Keys {
        let iam = async |action: &str, params: &[(&str, &str)]| {
            self.call(&self.admin, (REGION, IAM), action, params).await
        };
        iam("CreateUser", &[("UserName", name)]).await;
        for (number, policy) in policies.iter().enumerate() {
            let number = format!("policy-{number}");
            let document = [("UserName", name), ("PolicyName", &number), ("PolicyDocument", policy)];
            iam("PutUserPolicy", &document).await;
        }
        Keys::read(&iam("CreateAccessKey", &[("UserName", name)]).await)
    }

    fn write_credentials(&self, keys: &Keys) -> PathBuf {
        let path = self.folder.path().join("credentials");
        std::fs::write(&path, keys.file()).expect("a file of credentials");
        path
    }

    async fn answers(&mut self) {
        let (start, url) = (Instant::now(), format!("http://{}/moto-api/data.json", self.address()));
        while self.http.get(&url).send().await.is_err() {
            let ended = self.child.try_wait().expect("a state");
            let waiting = ended.is_none() && start.elapsed() <= START;
            assert!(waiting, "moto does not answer: {ended:?}, {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            let log = self.log();
            let tail = log.get(log.len().saturating_sub(4 << 10)..).unwrap_or(&log);
            std::io::stderr().write_all(format!("--- moto's log ends:\n{tail}\n").as_bytes()).ok();
        }
    }
}

/// Names a role of the other account.
fn role(name: &str) -> String {
    format!("arn:aws:iam::{OTHER}:role/{name}")
}

/// Returns the texts of all elements of a name.
fn texts(xml: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let parts = xml.split(&open).skip(1);
    parts.filter_map(|part| part.split_once(&close)).map(|(text, _)| text.to_owned()).collect()
}
