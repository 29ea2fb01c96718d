//! Another region: servers that follow the primary of a lab and are watched by nobody.

use super::{JOIN, RedisLab};
use crate::harness::ports::Port;
use crate::harness::redis::{Process, program};
use crate::harness::wait;
use serde_json::{Value, json};
use std::process::Command;

/// A server that follows the primary of the lab, and one that follows this one; they end with this.
pub struct Region {
    servers: [Process; 2],
    section: Value,
    _ports: [Port; 2],
}

impl RedisLab {
    /// Starts another region; returns when it has all that the primary has.
    pub async fn region(&self) -> Region {
        let ports = [Port::reserve(), Port::reserve()];
        let primary = self.server(self.primary()).address.port();
        let start = |n: usize, follows: u16| {
            let (home, port) = (self.files.home(&format!("region{n}")), &ports[n]);
            let mut command = Command::new(program().expect("the lab's own program"));
            command.arg(self.files.state(&home, port.number(), Some(follows)));
            // The lab's Sentinels must never take it for the next primary.
            command.args(["--replica-priority", "0"]);
            Process::start(command, &home, self.files.access(port.address()))
        };
        let servers = [start(0, primary), start(1, ports[0].number())];
        let mut section = self.files.section();
        section["kind"] = json!("redis");
        section["url"] = json!(format!("redis://{}", servers[0].access().address));
        let mut region = Region { servers, section, _ports: ports };
        for server in &mut region.servers {
            server.answers().await;
        }
        let joined = async || {
            let up =
                |server: &Process| server.access().ask(&["ROLE"]).is_ok_and(|role| role[3] == "connected");
            region.servers.iter().all(up).then_some(())
        };
        wait::until(JOIN, "the region", joined).await;
        region
    }

    /// Ends everything in the lab's own region at once.
    pub fn lose(&mut self) {
        for process in self.sentinels.iter_mut().chain(&mut self.servers) {
            process.kill9();
        }
    }
}

impl Region {
    /// Returns the section `state` of a gateway there, for `Setup::state`.
    pub fn state(&self, name: &str) -> Value {
        let mut section = self.section.clone();
        section["region"] = json!(name);
        section
    }

    /// Has it follow nobody any more.
    pub fn promote(&self) {
        self.servers[0].access().ask(&["REPLICAOF", "NO", "ONE"]).expect("a promotion");
    }
}
