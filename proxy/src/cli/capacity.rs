//! `netweave capacity`: what is used of what is configured, and which limit would be reached first.

use super::exposition::Samples;
use super::gateways::{self, Told};
use super::redis::Looked;
use super::source::Asked;
use super::{Exit, Failure, Output, Process};
use crate::cli::doctor::free;
use crate::conf::tree::{Conf, Environment, SinkKind};
use crate::conf::unit::Size;
use serde::Serialize;
use serde_json::json;
use url::Url;

/// Above this part of a limit it is time to raise it.
const NEAR: f64 = 0.8;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// The operations listener of a gateway; may be repeated. Without one, that of the configuration
    #[arg(long, value_name = "URL")]
    ops: Vec<Url>,
    /// Memory that one gateway may use; 1GiB, in staging 512MiB, in dev 128MiB
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
}

/// One thing that is used up.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    /// What it is.
    what: &'static str,
    /// How much is used; of gateways, by the one that uses most.
    used: f64,
    /// How much there is; null if nothing bounds it.
    limit: Option<f64>,
    /// Which part of it is used.
    ratio: Option<f64>,
    /// Where the limit is set.
    key: &'static str,
    /// Whether both are bytes.
    bytes: bool,
}

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let conf = args.asked.conf(process)?;
    let urls = gateways::addresses(&args.ops, Some(&conf));
    let (told, servers) = tokio::join!(gateways::ask_all(&urls), Looked::at(Some(&conf)));
    let silent = told.iter().find_map(|told| told.metrics.as_ref().err().map(|reason| (&told.url, reason)));
    if let Some((url, reason)) = silent {
        return Err(Failure::new(Exit::Unreachable, format!("{url}: {reason}")));
    }
    let rows = rows(&conf, &told, &servers, args.memory.unwrap_or_else(|| memory(conf.environment)));
    let first = first(&rows);
    match args.asked.output {
        Output::Json => process.out.json(&json!({ "rows": rows, "first": first.map(|row| row.what) }))?,
        Output::Text => {
            let cells: Vec<_> = rows.iter().map(Row::cells).collect();
            process.out.table(&["WHAT", "USED", "LIMIT", "PART", "SET BY"], &cells)?;
            if let Some(row) = first {
                process.out.line(&format!("first to be reached: {}, {}", row.what, row.key))?;
            }
        }
    }
    let near = first.and_then(|row| row.ratio).is_some_and(|ratio| ratio >= NEAR);
    Ok(if near { Exit::Warnings } else { Exit::Done })
}

/// Returns what a gateway of a topology may use. Source: docs/monitoring.md, `netweave:threshold:memory_bytes`.
fn memory(environment: Environment) -> Size {
    Size::kib(match environment {
        Environment::Dev => 128 << 10,
        Environment::Staging => 512 << 10,
        Environment::Prod => 1 << 20,
    })
}

fn first(rows: &[Row]) -> Option<&Row> {
    let part = |row: &&Row| row.ratio.unwrap_or_default();
    rows.iter().filter(|row| row.ratio.is_some()).max_by(|one, other| part(one).total_cmp(&part(other)))
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes below 2^53")]
fn rows(conf: &Conf, told: &[Told], servers: &Looked, memory: Size) -> Vec<Row> {
    let measured: Vec<Samples> = told.iter().filter_map(Told::samples).collect();
    let most = |name: &str| {
        let sums = measured.iter().map(|samples| samples.sum(name, |_| true));
        sums.max_by(f64::total_cmp).unwrap_or_default()
    };
    let stored =
        |of: fn(&netweave_model::port::StoreLoad) -> u64| servers.load.as_ref().map(|load| of(load) as f64);
    let (limits, delivery) = (&conf.limits, &conf.delivery);
    let subscriptions = stored(|load| load.subscriptions);
    let subscriptions = subscriptions.unwrap_or_else(|| most("o2ims_adapter_subscriptions_active"));
    let mut rows = vec![
        Row::free_of_limit("resources", most("o2ims_adapter_resources_total")),
        Row::new("subscriptions", subscriptions, conf.subscriptions.total as f64, "subscriptions.total"),
        Row::new(
            "connections",
            most("netweave_connections"),
            limits.connections as f64,
            "limits.connections",
        ),
        Row::new(
            "requests in flight",
            most("o2ims_http_requests_in_flight"),
            limits.in_flight as f64,
            "limits.inFlight",
        ),
        Row::new(
            "deliveries in flight",
            most("o2ims_active_webhook_workers"),
            delivery.concurrency as f64,
            "delivery.concurrency",
        ),
        Row::new("memory", most("process_resident_memory_bytes"), memory.0 as f64, "--memory").of_bytes(),
    ];
    if let Some(longest) = stored(|load| load.longest.as_ref().map_or(0, |(_, length)| *length)) {
        rows.push(Row::new("longest queue", longest, delivery.max_queue as f64, "delivery.maxQueue"));
    }
    for (what, report) in [("Redis of the state", &servers.state), ("Redis of the cache", &servers.cache)] {
        if let Some(Ok(report)) = report {
            rows.push(
                Row::new(what, report.used_bytes as f64, report.max_bytes as f64, "maxmemory").of_bytes(),
            );
        }
    }
    if conf.audit.goes_to(SinkKind::File)
        && let Ok((part, bytes)) = free(&conf.audit.file.directory)
    {
        let all = bytes as f64 / part.max(f64::MIN_POSITIVE);
        rows.push(Row::new("disk of the audit log", all - bytes as f64, all, "its disk").of_bytes());
    }
    rows
}

impl Row {
    /// A limit of 0 is none.
    fn new(what: &'static str, used: f64, limit: f64, key: &'static str) -> Self {
        let limit = (limit > 0.0).then_some(limit);
        Self { what, used, limit, ratio: limit.map(|limit| used / limit), key, bytes: false }
    }

    fn free_of_limit(what: &'static str, used: f64) -> Self {
        Self { key: "", ..Self::new(what, used, 0.0, "") }
    }

    fn of_bytes(self) -> Self {
        Self { bytes: true, ..self }
    }

    fn cells(&self) -> Vec<String> {
        let amount = |value: f64| {
            if self.bytes { format!("{:.0} MiB", value / f64::from(1 << 20)) } else { format!("{value:.0}") }
        };
        vec![
            self.what.to_owned(),
            amount(self.used),
            self.limit.map_or_else(|| "none".to_owned(), amount),
            self.ratio.map(|ratio| format!("{:.1} %", ratio * 100.0)).unwrap_or_default(),
            self.key.to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::plain::Plain;
    use netweave_model::port::{StoreLoad, StoreReport};

    #[test]
    fn the_limit_that_is_used_most_is_the_first_to_be_reached() {
        let answer = |text: &str| Ok(Plain { status: 200, text: text.to_owned() });
        let told = |connections: u32| Told {
            url: Url::parse("http://127.0.0.1:1").unwrap(),
            live: answer(""),
            ready: answer(""),
            metrics: answer(&format!("netweave_connections {connections}\n")),
        };
        let report = StoreReport { used_bytes: 10, max_bytes: 0, ..StoreReport::default() };
        let load = StoreLoad { subscriptions: 40, ..StoreLoad::default() };
        let servers = Looked { state: Some(Ok(report)), cache: None, load: Some(load) };
        let conf = Conf::default();
        let rows = rows(&conf, &[told(100), told(5000)], &servers, memory(conf.environment));
        let first = first(&rows).unwrap();
        assert_eq!((first.what, first.used, first.ratio), ("connections", 5000.0, Some(0.5)));
        let of = |what: &str| rows.iter().find(|row| row.what == what).unwrap();
        assert_eq!(of("subscriptions").ratio, Some(40.0 / 10_000.0));
        assert_eq!((of("Redis of the state").limit, of("resources").limit), (None, None));
    }
}
