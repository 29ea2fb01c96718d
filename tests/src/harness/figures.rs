//! Figures that a test measured, for the last line of its suite.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Begins a table that tests write, and ends it.
const TABLE: [&str; 2] = ["<!-- this table is written by tests/run.sh -->", "<!-- end of the table -->"];

/// Records `key=value` pairs: in the file that `NETWEAVE_FIGURES` names, else on standard output as `figure: ...`.
pub fn record(pairs: &str) {
    let line = format!("{pairs}\n");
    if let Some(path) = std::env::var_os("NETWEAVE_FIGURES") {
        let mut file =
            OpenOptions::new().append(true).create(true).open(path).expect("the file of figures opens");
        file.write_all(line.as_bytes()).expect("the file of figures takes a line");
    } else {
        let line = format!("figure: {line}");
        std::io::stdout().write_all(line.as_bytes()).expect("standard output takes a line");
    }
}

/// Whether the counts of the published figures are asked for, instead of the small ones.
pub fn full() -> bool {
    std::env::var_os("NETWEAVE_FULL").is_some()
}

/// Writes a row of the table in a document of the folder that `NETWEAVE_DOCS` names, in the place of one that begins alike.
pub fn publish(document: &str, cells: &[String]) {
    let Some(folder) = std::env::var_os("NETWEAVE_DOCS") else { return };
    let path = Path::new(&folder).join(document);
    let text = std::fs::read_to_string(&path).expect("the document");
    std::fs::write(&path, with_row(&text, cells)).expect("the document takes a row");
}

/// Returns the rows of a document's table, without its head.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    let (_, table, _) = parts(text);
    let cells = |line: &str| {
        let inner = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")).expect("a row");
        inner.split(" | ").map(str::to_owned).collect()
    };
    table.lines().skip(2).map(cells).collect()
}

fn with_row(text: &str, cells: &[String]) -> String {
    let (before, table, after) = parts(text);
    let (row, key) = (format!("| {} |", cells.join(" | ")), format!("| {} |", cells[0]));
    let mut lines: Vec<&str> = table.lines().collect();
    match lines.iter_mut().find(|line| line.starts_with(&key)) {
        Some(line) => *line = &row,
        None => lines.push(&row),
    }
    format!("{before}{}\n{}\n{}{after}", TABLE[0], lines.join("\n"), TABLE[1])
}

/// What is before the table, in it, and after it.
fn parts(text: &str) -> (&str, &str, &str) {
    let (before, rest) = text.split_once(TABLE[0]).expect("the beginning of a table");
    let (table, after) = rest.split_once(TABLE[1]).expect("the end of a table");
    (before, table.trim(), after)
}

#[test]
fn a_row_takes_the_place_of_the_one_that_begins_alike() {
    let document = |rows: &str| format!("a\n\n{}\n| x | y |\n|---|---|\n{rows}{}\n\nb\n", TABLE[0], TABLE[1]);
    let cells = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
    let one = with_row(&document(""), &cells(["k", "1"]));
    assert_eq!(one, document("| k | 1 |\n"));
    let two = with_row(&one, &cells(["l", "2"]));
    assert_eq!(with_row(&two, &cells(["k", "3"])), document("| k | 3 |\n| l | 2 |\n"));
    assert_eq!(rows(&two), [cells(["k", "1"]), cells(["l", "2"])]);
}
