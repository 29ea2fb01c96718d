//! Reads a configuration for a command: file, environment and flags.

use super::{Exit, Failure, Output, Process};
use crate::conf::fault::{Fault, Origin};
use crate::conf::load::{Flag, Loaded, Sources, load};
use crate::conf::node::MAX_BYTES;
use crate::conf::tree::Conf;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Flags that replace the ports of the listeners.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct Ports {
    /// Port of the API listeners; 0 takes a free one
    #[arg(long, value_name = "N")]
    pub(super) port: Option<u16>,
    /// Port of the operations listener; 0 takes a free one
    #[arg(long, value_name = "N")]
    pub(super) ops_port: Option<u16>,
}

/// What a command goes by that uses a part of the configuration and prints a result.
#[derive(Debug, clap::Args)]
pub(super) struct Asked {
    /// The configuration file
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The form of the result
    #[arg(short, long, value_enum, default_value_t, global = true)]
    pub(super) output: Output,
}

impl Asked {
    /// Returns the file that was given.
    pub(super) fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Loads the configuration; files that it names are not opened.
    pub(super) fn conf(&self, process: &Process) -> Result<Conf, Failure> {
        checked(process, self.config.as_deref())
    }
}

/// Reads the text of a file; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let failure = |reason: String| Failure::new(Exit::Configuration, format!("{}: {reason}", path.display()));
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let read = if path == Path::new("-") {
        std::io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.map_err(|error| failure(format!("cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|error| failure(format!("is not UTF-8: {error}")))
}

/// Loads a configuration from a file's text, the environment and the flags.
pub(super) fn loaded(process: &Process, file: Option<&str>, profile: Option<String>, ports: Ports) -> Loaded {
    let mut sources = Sources { profile, file, environment: process.environment.clone(), flags: Vec::new() };
    let loaded = load(&sources);
    let own_uri =
        matches!(loaded.tree().origin_of("oCloud.serviceUri"), Origin::Default | Origin::Profile(_));
    let dev = sources.profile.is_some() && own_uri;
    let at = |port: u16| move |address: &SocketAddr| SocketAddr::new(address.ip(), port).to_string();
    let conf = loaded.unchecked();
    if let Some(port) = ports.port {
        let listen: Vec<String> = conf.api.listen.iter().map(at(port)).collect();
        sources.flags.push(Flag { name: "--port".to_owned(), path: "api.listen", value: listen.join(",") });
        if dev && port != 0 {
            let value = format!("https://127.0.0.1:{port}");
            sources.flags.push(Flag { name: "--port".to_owned(), path: "oCloud.serviceUri", value });
        }
    }
    if let Some(port) = ports.ops_port {
        let value = at(port)(&conf.ops.listen);
        sources.flags.push(Flag { name: "--ops-port".to_owned(), path: "ops.listen", value });
    }
    if sources.flags.is_empty() { loaded } else { load(&sources) }
}

/// Loads the configuration of a command that uses a part of it; files that it names are not opened.
fn checked(process: &Process, file: Option<&Path>) -> Result<Conf, Failure> {
    let text = file.map(read).transpose()?;
    let loaded = loaded(process, text.as_deref(), None, Ports::default());
    loaded.checked().map_err(|faults| failure(file, &faults))
}

/// Tells all faults, one a line, with the name of the file.
pub(super) fn failure(file: Option<&Path>, faults: &[Fault]) -> Failure {
    let name = file.map_or_else(String::new, |file| format!("{}:", file.display()));
    let line = |fault: &Fault| match fault.origin.position() {
        Some(_) => format!("{name}{fault}"),
        None => fault.to_string(),
    };
    Failure::new(Exit::Configuration, faults.iter().map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::out::Out;
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_port_flags_keep_the_hosts() {
        let environment = [("NETWEAVE_OPS_LISTEN".to_owned(), "127.0.0.1:1".to_owned())].into();
        let process = Process {
            out: Out::of_process(&environment),
            environment,
            clock: Arc::new(crate::clock::SystemClock),
        };
        let file = "api: { listen: ['127.0.0.1:1', '[::1]:2'] }";
        let loaded = loaded(&process, Some(file), None, Ports { port: Some(0), ops_port: Some(9) });
        assert_eq!(loaded.tree().origin_of("api.listen"), &Origin::Flag("--port".to_owned()));
        let conf = loaded.checked().unwrap();
        let listen: Vec<String> = conf.api.listen.iter().map(ToString::to_string).collect();
        assert_eq!(listen, ["127.0.0.1:0", "[::1]:0"]);
        assert_eq!(conf.ops.listen.to_string(), "127.0.0.1:9");
    }
}
