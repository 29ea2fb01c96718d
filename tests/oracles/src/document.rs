//! The table of `docs/api-mapping.md`: what was compared with whom, in figures.

use crate::table::{THERE, Table};
use std::collections::BTreeSet;
use std::path::Path;

const LOCK: &str = include_str!("../Cargo.lock");
/// Begins the table in the document, and ends it.
const MARKS: [&str; 2] =
    ["<!-- this table is written by tests/run.sh oracles -->\n", "<!-- end of the table -->"];

/// Backend, crates of the other client, and where both were asked.
const CLIENTS: [(&str, &[&str], &str); 3] = [
    (
        "aws",
        &["aws-sdk-ec2", "aws-sdk-autoscaling"],
        "moto, and answers made from Amazon's service models in which every member is set",
    ),
    (
        "gcp",
        &["google-cloud-compute-v1"],
        "the peer of the tests that checks each answer with Google's discovery document",
    ),
    (
        "vmware",
        &["vim_rs"],
        "govmomi's simulator: a vCenter and a host alone, with every property set that is read",
    ),
];

/// Holds the table in the document against what was compared; writes it if `NETWEAVE_DOCS` names the folder.
pub(crate) fn check(table: &Table) -> Option<String> {
    let folder = std::env::var_os("NETWEAVE_DOCS");
    let path = folder
        .as_ref()
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs"), Into::into)
        .join("api-mapping.md");
    let text = std::fs::read_to_string(&path).expect("the document");
    let (before, rest) = text.split_once(MARKS[0]).expect("the beginning of the table");
    let (found, after) = rest.split_once(MARKS[1]).expect("the end of the table");
    let expected = rows(table);
    if found == expected {
        return None;
    }
    if folder.is_none() {
        return Some(format!("the table in docs/api-mapping.md is not what was compared:\n{expected}"));
    }
    std::fs::write(&path, format!("{before}{}{expected}{}{after}", MARKS[0], MARKS[1]))
        .expect("the document takes the table");
    None
}

fn rows(table: &Table) -> String {
    let head = "| Backend | Other client | Asked of | Kinds of objects | Fields | Values | Different |\n|---|---|---|---|---|---|---|\n";
    let row = |(backend, crates, peers): &(&str, &[&str], &str)| {
        let own = || table.rows.iter().filter(|((of, _, field), _)| of == backend && field != THERE);
        let objects: BTreeSet<_> = own().map(|((_, object, _), _)| object).collect();
        let values: usize = own().map(|(_, row)| row.compared()).sum();
        let different: usize =
            table.rows.iter().filter(|((of, _, _), _)| of == backend).map(|(_, row)| row.different).sum();
        let client: Vec<_> = crates.iter().map(|name| format!("`{name}` {}", version(name))).collect();
        format!(
            "| `{backend}` | {} | {peers} | {} | {} | {values} | {different} |\n",
            client.join(", "),
            objects.len(),
            own().count()
        )
    };
    CLIENTS.iter().fold(head.to_owned(), |text, client| text + &row(client))
}

/// Returns the version of a crate that this was built with.
fn version(name: &str) -> &'static str {
    let (_, rest) =
        LOCK.split_once(&format!("name = \"{name}\"\nversion = \"")).expect("a crate of the lock file");
    rest.split('"').next().expect("a version")
}
