//! Log output: JSON lines or text, with the fixed field names.
//!
//! Every line has `time` (RFC 3339, UTC, milliseconds), `level`, `target`, `message` and the event's fields: `error` the
//! cause, `request.id`, `identity`, `method`, `route`, `status`, `duration_us` and `bytes` of requests, `service` of
//! background services. No line is longer than [`MAX_LINE`].

use crate::conf::tree::{Log, LogFormat};
use netweave_model::{Error, Result};
use serde_json::{Map, Value};
use std::fmt::{self, Debug, Write as _};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_log::{AsLog, LogTracer};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;

/// Longest line, in bytes with its end.
pub const MAX_LINE: usize = 4096;
/// Longest value of one field; what remains of a line holds all the others.
const MAX_VALUE: usize = 1024;

/// What libraries may say: what matters of theirs is said by us once, with a bound.
const QUIET: &str = "pingora_core=error,pingora_core::apps=off,pingora_core::protocols=off,pingora_proxy=off,\
                     rustls=off,h2=error,hyper=warn,tower=warn,aws_config=warn,aws_runtime=warn,aws_smithy=warn";

/// Changes what is logged while the process runs.
pub struct Dial(Box<dyn Fn(EnvFilter) -> Result<()> + Send + Sync>);

impl Dial {
    /// Makes one that hands filters on.
    #[cfg(test)]
    pub(crate) fn of(set: impl Fn(EnvFilter) -> Result<()> + Send + Sync + 'static) -> Self {
        Self(Box::new(set))
    }

    /// Logs by other directives from here on.
    ///
    /// # Errors
    /// `Invalid`: they are neither a level nor directives. `Internal`: the log is gone.
    pub fn set(&self, directives: &str) -> Result<()> {
        let filter = filter(directives)?;
        let most = most(&filter);
        (self.0)(filter)?;
        tracing_log::log::set_max_level(most);
        Ok(())
    }
}

/// Reads a level or directives, below what libraries may say.
///
/// # Errors
/// `Invalid`: it is neither.
pub fn filter(directives: &str) -> Result<EnvFilter> {
    EnvFilter::try_new(format!("{QUIET},{directives}"))
        .map_err(|error| Error::invalid("log.level", "is neither a level nor directives").with_source(error))
}

/// Libraries then drop what nobody reads before they ask for it, also on the way of every request.
fn most(filter: &EnvFilter) -> tracing_log::log::LevelFilter {
    filter.max_level_hint().unwrap_or(LevelFilter::INFO).as_log()
}

/// Sends all events, those of the `log` crate and panics included, to standard output.
///
/// # Errors
/// `Invalid`: the level is not a level. `Internal`: there is a log already.
pub fn init(conf: &Log) -> Result<Dial> {
    init_to(conf, std::io::stdout)
}

/// Does what [`init`] does with another place for the lines.
///
/// # Errors
/// As [`init`].
pub fn init_to<W>(conf: &Log, place: W) -> Result<Dial>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = filter(&conf.level)?;
    let most = most(&filter);
    let (filter, handle) = reload::Layer::new(filter);
    let lines =
        tracing_subscriber::fmt::layer().event_format(Lines { format: conf.format }).with_writer(place);
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    let twice = || Error::internal("the log is set up already");
    tracing::subscriber::set_global_default(subscriber).map_err(|error| twice().with_source(error))?;
    LogTracer::init_with_filter(most).map_err(|error| twice().with_source(error))?;
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string);
        tracing::error!(error = message, place, "a thread panicked");
    }));
    Ok(Dial(Box::new(move |filter| {
        handle.reload(filter).map_err(|error| Error::internal("the log cannot be changed").with_source(error))
    })))
}

/// Writes one event as one line.
struct Lines {
    format: LogFormat,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        use tracing_log::NormalizeEvent;
        let bridged = event.normalized_metadata();
        let metadata = bridged.as_ref().unwrap_or_else(|| event.metadata());
        let mut fields = Fields::default();
        event.record(&mut fields);
        // The log's own time: it is not part of what any component decides by.
        let time = jiff::Timestamp::now();
        let line = match self.format {
            LogFormat::Json => fields.json(time, *metadata.level(), metadata.target()),
            LogFormat::Text => fields.text(time, *metadata.level(), metadata.target()),
        };
        writer.write_str(&line)?;
        writer.write_char('\n')
    }
}

/// The fields of an event, in their order.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn take(&mut self, field: &Field, value: Value) {
        match field.name() {
            "message" => self.message = text_of(&value),
            // What the bridge from the `log` crate adds about itself.
            name if name.starts_with("log.") => {}
            name => self.others.push((name, value)),
        }
    }

    /// Writes a JSON object, leaving out last fields that would make it too long.
    fn json(self, time: jiff::Timestamp, level: Level, target: &str) -> String {
        let mut object = Map::new();
        object.insert("time".to_owned(), Value::from(format!("{time:.3}")));
        object.insert("level".to_owned(), Value::from(level.as_str().to_ascii_lowercase()));
        object.insert("target".to_owned(), Value::from(target));
        object.insert("message".to_owned(), Value::from(self.message));
        for (name, value) in &self.others {
            object.insert((*name).to_owned(), value.clone());
        }
        for (name, _) in self.others.iter().rev() {
            if object_length(&object) < MAX_LINE {
                break;
            }
            object.remove(*name);
            object.insert("cut".to_owned(), Value::from(true));
        }
        if object_length(&object) >= MAX_LINE {
            object.insert("message".to_owned(), Value::from("a line was too long"));
        }
        Value::Object(object).to_string()
    }

    /// Writes a line for people.
    fn text(self, time: jiff::Timestamp, level: Level, target: &str) -> String {
        let mut line = format!("{time:.3} {:5} {target}: {}", level.as_str(), printable(&self.message));
        for (name, value) in &self.others {
            // Writing to a string cannot fail.
            write!(line, " {name}={}", printable(&text_of(value))).ok();
        }
        shorten(&mut line, MAX_LINE - 1);
        line
    }
}

fn object_length(object: &Map<String, Value>) -> usize {
    serde_json::to_string(object).map_or(usize::MAX, |text| text.len())
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Escapes what could begin a new line or move a terminal's cursor.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Cuts a text at a character's edge.
fn shorten(text: &mut String, longest: usize) {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = format!("{value:?}");
        shorten(&mut text, MAX_VALUE);
        self.take(field, Value::from(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut text = value.to_owned();
        shorten(&mut text, MAX_VALUE);
        self.take(field, Value::from(text));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.take(field, Value::from(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tracing::{info, subscriber};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, log: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Lines { format })
            .with_writer(move || writer.clone());
        subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_json_line_has_time_level_message_and_fields() {
        let line = logged(LogFormat::Json, || {
            info!(request.id = "r1", status = 200_u16, "request answered");
        });
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["message"], "request answered");
        assert_eq!(line["level"], "info");
        assert_eq!(line["request.id"], "r1");
        assert_eq!(line["status"], 200);
        let time = line["time"].as_str().unwrap();
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    }

    #[test]
    fn no_line_is_longer_than_its_bound_or_broken_in_two() {
        let long = "\u{1}é\n".repeat(5000);
        for format in [LogFormat::Json, LogFormat::Text] {
            let text = logged(format, || info!(a = long, b = long, c = %long, d = ?long, e = long, "{long}"));
            assert!(text.len() <= MAX_LINE, "{}", text.len());
            assert_eq!(text.lines().count(), 1);
        }
    }
}
