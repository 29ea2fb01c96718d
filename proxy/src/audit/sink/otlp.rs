//! The sink of OpenTelemetry logs: OTLP over HTTP with JSON, one record of the log as the body of a log record.
//!
//! A collector that answers has taken the records, and may hold them in memory, so they are not taken for safe.
//! Source: OpenTelemetry protocol 1.x, OTLP/HTTP; opentelemetry-proto, `logs/v1/logs.proto`.

use super::{Batch, Sink};
use crate::audit::record::Record;
use crate::conf::tree::AuditOtlp;
use crate::telemetry::otlp::{Carrier, Collector};
use netweave_model::port::Clock;
use netweave_model::{Result, Timestamp};
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;

/// "INFO" in the numbers of OpenTelemetry.
const SEVERITY: u8 = 9;

/// The sink.
pub struct Otlp {
    collector: Collector,
}

impl Otlp {
    /// Makes the client; the collector is asked when there is something to send.
    ///
    /// # Errors
    /// `Invalid`: the authorities cannot be read. `Internal`: no client can be made.
    pub fn open(conf: &AuditOtlp, clock: Arc<dyn Clock>) -> Result<Self> {
        let carrier = Carrier::Http("application/json");
        let collector = Collector::open(&conf.url, conf.ca.as_deref(), carrier, clock)?;
        Ok(Self { collector })
    }
}

impl Sink for Otlp {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn is_safe(&self) -> bool {
        false
    }

    fn take(&mut self, batches: &[Arc<Batch>]) -> io::Result<()> {
        let answer = self.collector.send(document(batches)?.to_string())?;
        let rejected = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
        let rejected = rejected.pointer("/partialSuccess/rejectedLogRecords").map(ToString::to_string);
        match (answer.status, rejected.as_deref()) {
            (200..300, None | Some("0" | "\"0\"")) => Ok(()),
            (status, _) => {
                Err(io::Error::other(format!("the collector answered {status}, or rejected records")))
            }
        }
    }
}

/// Makes the body of a call.
fn document(batches: &[Arc<Batch>]) -> io::Result<Value> {
    let lines = batches
        .iter()
        .flat_map(|batch| batch.lines.split(|byte| *byte == b'\n'))
        .filter(|line| !line.is_empty());
    let mut writer = String::new();
    let mut records = Vec::new();
    for line in lines {
        let record: Record<'_> = serde_json::from_slice(line)?;
        let time = Timestamp::parse(&record.time).unwrap_or_default().0.saturating_mul(1_000_000).to_string();
        let mut attributes =
            vec![json!({ "key": "netweave.audit.seq", "value": { "intValue": record.seq.to_string() } })];
        if let Some(request) = &record.request_id {
            attributes.push(json!({ "key": "netweave.request.id", "value": { "stringValue": request } }));
        }
        let mut entry = json!({
            "timeUnixNano": time, "observedTimeUnixNano": time, "severityNumber": SEVERITY, "severityText": "INFO",
            "eventName": record.event, "body": { "stringValue": String::from_utf8_lossy(line) }, "attributes": attributes,
        });
        if let (Some(entry), Some(trace)) = (entry.as_object_mut(), &record.trace_id) {
            entry.insert("traceId".to_owned(), Value::from(trace.as_ref()));
        }
        records.push(entry);
        writer = record.writer.into_owned();
    }
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    Ok(json!({ "resourceLogs": [{
        "resource": { "attributes": [text("service.name", "netweave"), text("service.instance.id", &writer)] },
        "scopeLogs": [{ "scope": { "name": "netweave.audit" }, "logRecords": records }],
    }] }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::chain::Chain;
    use crate::clock::SystemClock;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    fn batch() -> Arc<Batch> {
        let mut chain = Chain::new("edge-1.ab12".to_owned());
        let mut lines = Vec::new();
        let (event, time) = ("api.call".into(), "2026-01-01T00:00:00.001Z".into());
        let trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".into());
        chain.append(Record { event, time, trace_id, ..Record::default() }, &mut lines).unwrap();
        Arc::new(Batch { lines, first: 1, last: 1, ..Batch::default() })
    }

    /// Answers so many calls, each on a connection of its own; returns their bodies.
    fn collector(answers: Vec<&'static str>) -> (String, std::thread::JoinHandle<Vec<Value>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/logs", listener.local_addr().unwrap());
        let take = move |answer: &str| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut read = Vec::new();
            let body = loop {
                let mut some = [0; 4096];
                let count = stream.read(&mut some).unwrap();
                read.extend_from_slice(&some[..count]);
                let text = String::from_utf8_lossy(&read).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if Some(body.len()) == length {
                    break body.to_owned();
                }
            };
            stream.write_all(answer.as_bytes()).unwrap();
            serde_json::from_str(&body).unwrap()
        };
        (url, std::thread::spawn(move || answers.into_iter().map(take).collect()))
    }

    #[test]
    fn records_arrive_as_log_records_and_a_refusal_is_a_failure() {
        let taken = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
        let partly = "HTTP/1.1 200 OK\r\ncontent-length: 45\r\nconnection: close\r\n\r\n{\"partialSuccess\":{\"rejectedLogRecords\":\"1\"}}";
        let busy = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let (url, received) = collector(vec![taken, partly, busy]);
        let mut sink = Otlp::open(&AuditOtlp { url, ..AuditOtlp::default() }, Arc::new(SystemClock)).unwrap();
        let batch = batch();
        sink.take(&[Arc::clone(&batch)]).unwrap();
        assert!(sink.take(&[Arc::clone(&batch)]).is_err());
        assert!(sink.take(&[Arc::clone(&batch)]).is_err());
        let received = received.join().unwrap();
        let entry = &received[0]["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
        assert_eq!(entry["timeUnixNano"], "1767225600001000000");
        assert_eq!(entry["eventName"], "api.call");
        assert_eq!(entry["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
        let line = entry["body"]["stringValue"].as_str().unwrap();
        assert!(crate::audit::chain::read(line.as_bytes()).is_ok(), "{line}");
        assert_eq!(received[0], received[1]);
    }
}
