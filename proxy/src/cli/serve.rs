//! `netweave serve`: loads and checks the configuration, then hands it to `wire`.

use super::out::Out;
use super::source::{self, Ports};
use super::{Failure, Process};
use crate::conf::check;
use crate::conf::fault::Fault;
use crate::conf::load::Loaded;
use crate::conf::profile::{self, Dev};
use crate::conf::tree::{Conf, Environment};
use crate::control::{Read, Source};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Arguments of the command.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration file
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Needs nothing: development certificates, loopback only, a sample inventory that changes now and then
    #[arg(long)]
    dev: bool,
    /// With --dev: serves this cluster instead of the sample
    #[arg(long, value_name = "FILE", requires = "dev")]
    kubeconfig: Option<PathBuf>,
    /// With --dev: folder of certificates, sample and state
    #[arg(long, value_name = "DIR", requires = "dev", default_value = DEV_DIR)]
    dir: PathBuf,
    /// Takes the sockets of the gateway that runs on the same control socket, which then ends; starts as usual if none does
    #[arg(long)]
    upgrade: bool,
    #[command(flatten)]
    ports: Ports,
}

/// The folder of `serve --dev`.
pub(super) const DEV_DIR: &str = ".netweave/dev";

/// What `serve` knows beside the configuration.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// Set by `--dev`.
    pub dev: Option<DevOptions>,
    /// What should be looked at in the configuration; for the log.
    pub warnings: Vec<Fault>,
    /// Whether the sockets of a running gateway are taken over.
    pub upgrade: bool,
    /// Where the configuration is read again.
    pub source: Source,
}

/// What `serve --dev` sets up before it serves.
///
/// The files in `dir` are named in [`profile`]: certificates are made or reused, the sample is written if it is missing.
#[derive(Clone, Debug)]
pub struct DevOptions {
    /// The folder of certificates, sample and state.
    pub dir: PathBuf,
    /// Whether the sample inventory is served; otherwise a cluster is.
    pub sample: bool,
}

pub(super) fn run(args: &Args, process: &mut Process) -> Result<ExitCode, Failure> {
    let (conf, mut options) = prepare(args, process)?;
    options.source = source_of(args, process);
    Ok(crate::wire::serve(&conf, &options))
}

fn prepare(args: &Args, process: &Process) -> Result<(Conf, ServeOptions), Failure> {
    let text = args.config.as_deref().map(source::read).transpose()?;
    let dev = args.dev.then(|| Dev {
        dir: &args.dir,
        kubeconfig: args.kubeconfig.as_deref(),
        terminal: std::io::stdout().is_terminal(),
    });
    let mut loaded = source::loaded(process, text.as_deref(), dev.as_ref().map(profile::dev), args.ports);
    let findings = match dev {
        Some(_) => stays_here(loaded.unchecked()),
        None => check::files(loaded.unchecked(), process.now()),
    };
    loaded.add(findings);
    let dev = dev.map(|_| DevOptions { dir: args.dir.clone(), sample: serves_sample(&loaded, &args.dir) });
    let warnings = loaded.warnings.clone();
    let options = ServeOptions { dev, warnings, upgrade: args.upgrade, source: Source::default() };
    let file = args.config.as_deref();
    let conf = loaded.checked().map_err(|faults| source::failure(file, &faults))?;
    Ok((conf, options))
}

/// Reads the configuration as it was read for the start.
fn source_of(args: &Args, process: &Process) -> Source {
    if args.config.as_deref() == Some(Path::new("-")) {
        let read = || {
            Err(vec!["the configuration came through standard input, so it cannot be read again".to_owned()])
        };
        return Source { file: None, read: Arc::new(read) };
    }
    let (file, args) = (args.config.clone(), args.clone());
    let (environment, clock) = (process.environment.clone(), Arc::clone(&process.clock));
    let read = move || {
        let out = Out::of_process(&environment);
        let process = Process { environment: environment.clone(), clock: Arc::clone(&clock), out };
        let lines = |failure: Failure| failure.message.lines().map(str::to_owned).collect::<Vec<_>>();
        let (conf, options) = prepare(&args, &process).map_err(lines)?;
        Ok(Read { conf, warnings: options.warnings.iter().map(ToString::to_string).collect() })
    };
    Source { file, read: Arc::new(read) }
}

fn serves_sample(loaded: &Loaded, dir: &Path) -> bool {
    let sample = dir.join(profile::SAMPLE);
    let path = loaded.tree().get("backends").map(serde_json::Value::from);
    path.is_some_and(|backends| {
        backends.as_array().is_some_and(|all| {
            all.iter()
                .any(|backend| backend.get("path").is_some_and(|path| *path == *sample.to_string_lossy()))
        })
    })
}

/// Refuses what a development gateway may not do: serve other machines, or be production.
fn stays_here(conf: &Conf) -> Vec<check::Finding> {
    let fatal =
        |path: String, message: &str| check::Finding { path, message: message.to_owned(), fatal: true };
    let mut findings = Vec::new();
    if conf.environment != Environment::Dev {
        findings.push(fatal("environment".to_owned(), "serve --dev refuses every topology but `dev`"));
    }
    for (index, address) in conf.api.listen.iter().enumerate() {
        if !address.ip().is_loopback() {
            findings.push(fatal(
                format!("api.listen[{index}]"),
                "serve --dev listens on loopback addresses only",
            ));
        }
    }
    if !conf.ops.listen.ip().is_loopback() {
        findings.push(fatal("ops.listen".to_owned(), "serve --dev listens on loopback addresses only"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::{Exit, out::Out};
    use super::*;
    use clap::Parser;
    use std::sync::Arc;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn prepared(arguments: &[&str], variables: &[(&str, &str)]) -> Result<(Conf, ServeOptions), Failure> {
        let line = Line::try_parse_from(["serve"].iter().chain(arguments)).unwrap();
        let environment =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        prepare(
            &line.args,
            &Process {
                out: Out::of_process(&environment),
                environment,
                clock: Arc::new(crate::clock::SystemClock),
            },
        )
    }

    #[test]
    fn dev_takes_free_ports_and_its_folder() {
        let (conf, options) =
            prepared(&["--dev", "--port", "0", "--ops-port", "0", "--dir", "here"], &[]).unwrap();
        assert_eq!(conf.api.listen, ["127.0.0.1:0".parse().unwrap()]);
        assert_eq!(conf.api.tls.client_ca, Path::new("here/ca.crt"));
        let dev = options.dev.unwrap();
        assert!(dev.sample);
        assert_eq!(dev.dir, Path::new("here"));
    }

    #[test]
    fn dev_with_a_kubeconfig_serves_that_cluster() {
        let (conf, options) = prepared(&["--dev", "--kubeconfig", "k.yaml"], &[]).unwrap();
        assert_eq!(conf.backends.len(), 1);
        assert_eq!(conf.backends[0].kind(), "kubernetes");
        assert!(!options.dev.unwrap().sample);
    }

    #[test]
    fn dev_refuses_prod_and_other_machines() {
        let failure =
            prepared(&["--dev"], &[("NETWEAVE_ENVIRONMENT", "prod"), ("NETWEAVE_OPS_LISTEN", "0.0.0.0:1")]);
        let failure = failure.unwrap_err();
        assert_eq!(failure.exit, Exit::Configuration);
        assert!(
            failure.message.contains("NETWEAVE_ENVIRONMENT: environment: serve --dev refuses"),
            "{failure:?}"
        );
        assert!(failure.message.contains("NETWEAVE_OPS_LISTEN: ops.listen: serve --dev listens on loopback"));
    }

    #[test]
    fn flags_of_dev_need_dev() {
        assert!(Line::try_parse_from(["serve", "--kubeconfig", "x"]).is_err());
    }

    #[test]
    fn without_dev_the_named_files_must_be_there() {
        let failure = prepared(&[], &[("NETWEAVE_API_TLS_KEY", "/none/key")]).unwrap_err();
        assert_eq!(failure.exit, Exit::Configuration);
        assert!(failure.message.contains("NETWEAVE_API_TLS_KEY: api.tls.key: cannot be read"), "{failure:?}");
    }
}
