//! `netweave version`: what this binary is and what it can do.

use super::{Failure, Output, Process};
use crate::conf::schema;
use serde_json::{Value, json};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Returns what this binary is.
pub(super) fn facts() -> Value {
    let schema = schema::document();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commit": option_env!("NETWEAVE_COMMIT"),
        "interfaces": ["O2ims_infrastructureInventory v1", "O2ims_infrastructureInventory v2"],
        "backends": kinds(&schema, "BackendConf"),
        "stores": kinds(&schema, "StoreConf"),
        "tls": "rustls with aws-lc-rs",
    })
}

pub(super) fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    let value = facts();
    if args.output == Output::Json {
        return process.out.json(&value);
    }
    process.out.line(&format!("netweave {}", env!("CARGO_PKG_VERSION")))?;
    for member in ["commit", "interfaces", "backends", "stores", "tls"] {
        let text = match value.get(member) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            _ => "unknown".to_owned(),
        };
        process.out.line(&format!("{member:10}  {text}"))?;
    }
    Ok(())
}

/// Reads the kinds of a section that were compiled in.
fn kinds(schema: &Value, definition: &str) -> Vec<String> {
    let forms = schema.pointer(&format!("/$defs/{definition}/oneOf")).and_then(Value::as_array);
    let kind =
        |form: &Value| form.pointer("/properties/kind/const").and_then(Value::as_str).map(str::to_owned);
    forms.into_iter().flatten().filter_map(kind).collect()
}
