//! What a server says of itself: the answer to `INFO`, which needs no right to read the configuration.

use crate::client::unavailable;
use fred::prelude::{Client, ClientLike};
use fred::types::{ClusterHash, CustomCommand};
use netweave_model::Result;
use netweave_model::port::{Replica, StoreReport};
use std::collections::HashMap;

/// The lines of an answer by their names.
pub(crate) struct Info(HashMap<String, String>);

impl Info {
    /// Asks a server.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(crate) async fn of(client: &Client) -> Result<Self> {
        let command = CustomCommand::new_static("INFO", ClusterHash::FirstKey, false);
        let text: String = client.custom(command, Vec::<String>::new()).await.map_err(unavailable)?;
        Ok(Self::read(&text))
    }

    /// Reads an answer.
    pub(crate) fn read(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        Self(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Returns a line, or an empty text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Returns the number in a line, if there is one.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }

    /// Returns whether a line says exactly that.
    pub(crate) fn says(&self, name: &str, value: &str) -> bool {
        self.text(name) == value
    }

    /// Lays out what a report needs of it.
    pub(crate) fn report(&self) -> StoreReport {
        StoreReport {
            version: self.version(),
            primary: self.says("role", "master"),
            replicas: self.replicas(),
            used_bytes: self.number("used_memory").unwrap_or_default(),
            max_bytes: self.number("maxmemory").unwrap_or_default(),
            eviction: self.text("maxmemory_policy").to_owned(),
            evicted: self.number("evicted_keys").unwrap_or_default(),
            append_only: self.says("aof_enabled", "1"),
            ..StoreReport::default()
        }
    }

    /// Returns the replicas that follow it.
    pub(crate) fn replicas(&self) -> Vec<Replica> {
        (0..).map_while(|n| self.replica(n)).collect()
    }

    fn version(&self) -> String {
        match self.text("valkey_version") {
            "" => format!("redis {}", self.text("redis_version")),
            version => format!("valkey {version}"),
        }
    }

    /// Reads `slaveN:ip=127.0.0.1,port=6380,state=online,offset=1204,lag=0`.
    fn replica(&self, n: usize) -> Option<Replica> {
        let line = self.0.get(&format!("slave{n}"))?;
        let field = |name: &str| {
            let mut fields = line.split(',').filter_map(|field| field.split_once('='));
            fields.find(|(found, _)| *found == name).map_or("", |(_, value)| value)
        };
        let number = |name: &str| field(name).parse::<u64>().unwrap_or_default();
        let offset = self.number("master_repl_offset").unwrap_or_default();
        Some(Replica {
            address: format!("{}:{}", field("ip"), field("port")),
            online: field("state") == "online",
            lag_seconds: number("lag"),
            behind_bytes: offset.saturating_sub(number("offset")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_by_its_lines() {
        let text = "# Server\r\nredis_version:7.0.15\r\n\r\n# Memory\r\nused_memory:900\r\nmaxmemory:1000\r\n\
            maxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\n# Stats\r\nevicted_keys:3\r\n\
            # Replication\r\nrole:master\r\nconnected_slaves:2\r\n\
            slave0:ip=127.0.0.1,port=6380,state=online,offset=1204,lag=1\r\n\
            slave1:ip=::1,port=6381,state=wait_bgsave,offset=0,lag=0\r\nmaster_repl_offset:1210\r\n";
        let replica = |address: &str, online, lag_seconds, behind_bytes| Replica {
            address: address.to_owned(),
            online,
            lag_seconds,
            behind_bytes,
        };
        let expected = StoreReport {
            version: "redis 7.0.15".to_owned(),
            primary: true,
            replicas: vec![replica("127.0.0.1:6380", true, 1, 6), replica("::1:6381", false, 0, 1210)],
            used_bytes: 900,
            max_bytes: 1000,
            eviction: "noeviction".to_owned(),
            evicted: 3,
            append_only: true,
            ..StoreReport::default()
        };
        assert_eq!(Info::read(text).report(), expected);
        assert_eq!(Info::read("redis_version:7.2.4\nvalkey_version:8.0.1").report().version, "valkey 8.0.1");
    }
}
