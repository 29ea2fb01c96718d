//! `netweave lab up`: writes the files, starts the parts in their order, and waits for each.

use super::conf::{self, GATEWAY, INVENTORY, SECRET_KEY};
use super::load::Load;
use super::ports::Ports;
use super::process;
use super::process::Life;
use super::redis;
use super::state::{Kind, Lab, Part, failed, hold, wait, write};
use super::{pki, status};
use crate::cli::{Exit, Failure, Output, Process};
use crate::clock::SystemIds;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netweave_adapters::sample;
use netweave_model::port::Ids;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a part may take until it answers.
const START: Duration = Duration::from_mins(1);
/// Lines of a log that are shown when a part fails.
const TAIL: usize = 5;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The first of 15 ports; without it, free ones are taken
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1024..=65500))]
    base_port: Option<u16>,
    /// The program of Redis, 7.0 or later; without it, `redis-server` of the PATH
    #[arg(long, value_name = "FILE")]
    redis_server: Option<PathBuf>,
    /// The program of Prometheus; without it, `prometheus` of the PATH, if there is one
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
}

/// The programs that parts run.
struct Programs {
    own: String,
    redis: String,
    prometheus: Option<String>,
}

pub(super) fn run(args: &Args, dir: &Path, output: Output, process: &mut Process) -> Result<(), Failure> {
    let programs = programs(args)?;
    let _held = hold(dir)?;
    if let Some(former) = Lab::find(dir)? {
        if former.parts.iter().any(|part| part.process.life() != Life::Ended) {
            let message = format!("a lab runs in {}; end it with `netweave lab down`", dir.display());
            return Err(Failure::new(Exit::Conflict, message));
        }
        former.forget()?;
    }
    let ports = Ports::take(args.base_port)?;
    let mut lab =
        Lab { dir: dir.to_owned(), parts: parts(dir, &programs, &ports), faults: BTreeMap::default() };
    fresh(&lab)?;
    files(&lab, &ports, process)?;
    if let Err(failure) = start(&mut lab) {
        lab.end()?;
        lab.forget()?;
        return Err(failure);
    }
    match output {
        Output::Json => status::run(dir, output, process).map(drop),
        Output::Text => process.out.text(&status::greeting(&lab, &programs.own)),
    }
}

fn programs(args: &Args) -> Result<Programs, Failure> {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let own = std::env::current_exe().map_err(|error| failed(Path::new("netweave"), &error))?;
    let given = |file: &Option<PathBuf>, name: &str| match file {
        Some(file) if file.is_file() => {
            std::path::absolute(file).map(|path| Some(text(path))).map_err(|error| failed(file, &error))
        }
        Some(file) => {
            Err(Failure::new(Exit::Unreachable, format!("{}: there is no such file", file.display())))
        }
        None => Ok(found(name).map(text)),
    };
    let redis = given(&args.redis_server, "redis-server")?.ok_or_else(|| {
        let message = "there is no redis-server in the PATH; install Redis 7.0 or later, or name it with --redis-server";
        Failure::new(Exit::Unreachable, message)
    })?;
    Ok(Programs { own: text(own), redis, prometheus: given(&args.prometheus, "prometheus")? })
}

/// Finds a program in the folders of the PATH.
fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn parts(dir: &Path, programs: &Programs, ports: &Ports) -> Vec<Part> {
    let part = |name: String, kind: Kind, (port, ops): (u16, u16), command: &[&str]| Part {
        name,
        kind,
        port,
        ops,
        command: command.iter().map(|&word| word.to_owned()).collect(),
        process: process::Process::default(),
    };
    let own = programs.own.as_str();
    let dir = dir.to_string_lossy();
    let numbered = |kind: &str, n: usize| format!("{kind}-{}", n + 1);
    let mut all = Vec::new();
    for (n, port) in ports.servers.into_iter().enumerate() {
        all.push(part(numbered("redis", n), Kind::Redis, (port, 0), &[&programs.redis, "redis.conf"]));
    }
    for (n, port) in ports.sentinels.into_iter().enumerate() {
        let command = [programs.redis.as_str(), "redis.conf", "--sentinel"];
        all.push(part(numbered("sentinel", n), Kind::Sentinel, (port, 0), &command));
    }
    let listen = |name: &str, kind: Kind, port: u16, more: &[&str]| {
        let number = port.to_string();
        let command = [&[own, "webhook", "listen", "--port", number.as_str()], more].concat();
        part(name.to_owned(), kind, (port, 0), &command)
    };
    all.push(listen("collector", Kind::Collector, ports.collector, &["--answer", "200"]));
    all.push(listen("smo", Kind::Smo, ports.smo, &[]));
    for (n, both) in ports.api.into_iter().zip(ports.ops).enumerate() {
        all.push(part(numbered("gateway", n), Kind::Gateway, both, &[own, "serve", "-c", GATEWAY]));
    }
    for (name, kind) in [("source", Kind::Source), ("client", Kind::Client)] {
        let command = [own, "lab", "part", name, "--dir", &dir];
        all.push(part(name.to_owned(), kind, (0, 0), &command));
    }
    if let Some(program) = &programs.prometheus {
        let listen = format!("--web.listen-address=127.0.0.1:{}", ports.prometheus);
        let command = [
            program,
            "--config.file=prometheus.yaml",
            "--storage.tsdb.path=data",
            listen.as_str(),
            "--web.enable-lifecycle",
        ];
        all.push(part("prometheus".to_owned(), Kind::Prometheus, (ports.prometheus, 0), &command));
    }
    all
}

/// Removes what a former lab left in the folders of the parts; nothing else in the folder is touched.
fn fresh(lab: &Lab) -> Result<(), Failure> {
    for part in &lab.parts {
        let home = part.home(&lab.dir);
        match std::fs::remove_dir_all(&home) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&home, &error)),
            _ => {}
        }
        std::fs::create_dir_all(&home).map_err(|error| failed(&home, &error))?;
    }
    Ok(())
}

fn files(lab: &Lab, ports: &Ports, process: &Process) -> Result<(), Failure> {
    let dir = &lab.dir;
    pki::make(dir, process.now())?;
    redis::shared(dir)?;
    write(&dir.join(INVENTORY), sample::text())?;
    write(&dir.join(SECRET_KEY), &STANDARD.encode(SystemIds.secret()))?;
    Load::default().save(dir)?;
    let [primary, ..] = ports.servers;
    for part in &lab.parts {
        match part.kind {
            Kind::Redis => redis::server(dir, part, (part.port != primary).then_some(primary))?,
            Kind::Sentinel => redis::sentinel(dir, part, primary)?,
            Kind::Gateway => write(&part.home(dir).join(GATEWAY), &conf::gateway(dir, part, ports))?,
            Kind::Prometheus => conf::prometheus(lab, part)?,
            Kind::Smo | Kind::Collector | Kind::Source | Kind::Client | Kind::Helper => {}
        }
    }
    Ok(())
}

/// Starts all parts, those first that others need; the file names each as soon as it runs.
fn start(lab: &mut Lab) -> Result<(), Failure> {
    let stages: [&[Kind]; 4] = [
        &[Kind::Redis],
        &[Kind::Sentinel, Kind::Smo, Kind::Collector],
        &[Kind::Gateway, Kind::Prometheus],
        &[Kind::Source, Kind::Client],
    ];
    for kinds in stages {
        let dir = lab.dir.clone();
        for n in 0..lab.parts.len() {
            let Some(part) = lab.parts.get_mut(n).filter(|part| kinds.contains(&part.kind)) else { continue };
            part.start(&dir)?;
            lab.save()?;
        }
        for part in lab.parts.iter().filter(|part| kinds.contains(&part.kind)) {
            ready(lab, part)?;
        }
    }
    // What runs only for a moment has failed: the client and the source have nothing that could be asked.
    let ended = lab.parts.iter().find(|part| part.process.life() == Life::Ended);
    ended.map_or(Ok(()), |part| Err(broken(lab, part)))
}

/// Waits until a part does what others need of it.
fn ready(lab: &Lab, part: &Part) -> Result<(), Failure> {
    let primary = lab.parts.first().map_or(0, |part| part.port);
    let is_ready = || match part.kind {
        Kind::Redis if part.port == primary => redis::has_replicas(part.port, 2),
        Kind::Redis => redis::ask(part.port, &["PING"]).is_ok(),
        Kind::Sentinel => redis::sees_all(part.port),
        Kind::Gateway => status::gateway(part).is_ok_and(|checks| checks.iter().all(|check| !check.degraded)),
        Kind::Prometheus => status::answers(part.port, "-/ready"),
        Kind::Smo | Kind::Collector => status::answers(part.port, ""),
        Kind::Source | Kind::Client | Kind::Helper => true,
    };
    let look = || (is_ready() || part.process.life() == Life::Ended).then_some(());
    let waited = wait(START, &part.name, look);
    if waited.is_ok() && part.process.life() != Life::Ended { Ok(()) } else { Err(broken(lab, part)) }
}

/// Says that a part did not come up, with the end of its log.
fn broken(lab: &Lab, part: &Part) -> Failure {
    let log = part.log(&lab.dir);
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n");
    Failure::new(Exit::Failed, format!("{} is not ready; {} ends:\n{tail}", part.name, log.display()))
}
