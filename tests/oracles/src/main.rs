//! Lists the same clouds twice, with the gateway's backends and with other clients, and compares field by field.
//!
//! `run.sh` beside this starts it, with the folder of the peers in `PEERS_DIR`. Prints the table of differences; ends with
//! an error if a field differs, or if one that is read was not to be seen anywhere.

mod aws;
mod document;
mod fields;
mod gcp;
mod ours;
mod peers;
mod table;
mod vmware;

/// What the gateway's own tests use to start the peers; it needs nothing of the gateway.
#[path = "../../src/harness"]
mod harness {
    #![allow(
        dead_code,
        missing_docs,
        clippy::missing_panics_doc,
        clippy::must_use_candidate,
        reason = "written for other tests"
    )]

    pub(crate) use crate::peers;
    pub mod compute;
    pub mod moto;
    pub mod pki;
    pub mod ports;
    mod tls;
    pub mod vcsim;
    pub mod wait;
}

use std::process::ExitCode;
use table::Table;

#[tokio::main]
async fn main() -> ExitCode {
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("the first provider");
    let mut table = Table::default();
    aws::compare(&mut table).await;
    gcp::compare(&mut table).await;
    vmware::compare(&mut table).await;
    let mut faults = fields::judge(&mut table);
    faults.extend(document::check(&table));
    print!("{}", table.text());
    for fault in &faults {
        println!("!! {fault}");
    }
    let (fields, different) = (table.fields(), table.different());
    println!(
        "figure: cases={} failed={} fields={fields} different={different}",
        table.objects,
        table.failed + faults.len()
    );
    if faults.is_empty() && different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
