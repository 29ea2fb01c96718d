//! `netweave support-bundle`: all that helps to find a trouble, in one file without secrets.
//!
//! Configuration with secrets masked, what gateways and Redis say, the doctor's verdict, facts of certificates. Keys, passwords
//! and tokens are in none of them, and files that hold some are not opened.

mod archive;

use super::certs::Inspected;
use super::doctor::{self, About};
use super::gateways;
use super::plain;
use super::redis::Looked;
use super::source::{self, Asked, Ports};
use super::{Exit, Failure, Output, Process, version};
use crate::conf::print;
use crate::conf::tree::Conf;
use archive::Archive;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// How long `/status` has to be answered.
const ANSWER: Duration = Duration::from_secs(5);

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to write; only its owner may read it, and it must not exist
    #[arg(long, value_name = "FILE.tar.gz")]
    to: PathBuf,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    about: About,
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    let text = args.asked.file().map(source::read).transpose()?;
    let loaded = source::loaded(process, text.as_deref(), None, Ports::default());
    let mut archive = Archive::create(&args.to, process.now())?;
    archive.json("version.json", &version::facts())?;
    archive.add("configuration.yaml", &print::effective(loaded.tree(), true))?;
    archive.json("faults.json", &json!({ "faults": loaded.faults, "warnings": loaded.warnings }))?;
    archive.json("doctor.json", &doctor::examine(&args.asked, &args.about, process).await?)?;
    let conf = loaded.checked().ok();
    if let Some(conf) = &conf {
        archive.json("certificates.json", &Inspected::of_files(conf, process.now()))?;
        archive.json("redis.json", &redis(conf).await)?;
    }
    for (index, url) in gateways::addresses(&args.about.ops, conf.as_ref()).iter().enumerate() {
        gateway(&format!("gateway-{}", index + 1), url, &mut archive).await?;
    }
    let members = archive.finish()?;
    match args.asked.output {
        Output::Json => process.out.json(&json!({ "file": args.to, "members": members })),
        Output::Text => {
            for member in &members {
                process.out.line(member)?;
            }
            process.out.line(&format!("written to {}", args.to.display()))
        }
    }
}

/// Returns what the servers of a configuration say.
async fn redis(conf: &Conf) -> Value {
    fn said<T: Serialize>(of: Option<Result<T, String>>) -> Value {
        match of {
            None => Value::Null,
            Some(Ok(report)) => json!(report),
            Some(Err(failure)) => json!({ "failure": failure }),
        }
    }
    let looked = Looked::at(Some(conf)).await;
    json!({ "server": said(looked.state), "cache": said(looked.cache), "stored": looked.load })
}

/// Writes what one gateway says.
async fn gateway(folder: &str, url: &Url, archive: &mut Archive) -> Result<(), Failure> {
    archive.add(&format!("{folder}/url.txt"), &format!("{url}\n"))?;
    for (path, name) in
        [("/readyz?verbose", "readyz.json"), ("/metrics", "metrics.txt"), ("/status", "status.json")]
    {
        let name = format!("{folder}/{name}");
        match plain::get(url, path, ANSWER).await {
            // A gateway that is not ready says why with its 503; what it does not know it answers with 404.
            Ok(answer) if answer.status != 404 => archive.add(&name, &answer.text)?,
            Ok(_) => {}
            Err(failure) if failure.exit == Exit::Unreachable => {
                archive.add(&name, &format!("{}\n", failure.message))?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}
