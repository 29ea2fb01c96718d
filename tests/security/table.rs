//! The reviewed tables: columns of words, `#` begins a comment.

/// One line of a table: what is asked, and what each client must get.
pub(crate) struct Row {
    /// What is asked.
    pub(crate) asked: String,
    /// The client of each column, and what it must get.
    pub(crate) expected: Vec<(String, String)>,
}

/// Reads a table; the first line names the clients, and its first column has `words` words.
pub(crate) fn read(text: &str, words: usize) -> Vec<Row> {
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let clients: Vec<String> =
        lines.next().expect("a head").split_whitespace().skip(1).map(str::to_owned).collect();
    let rows: Vec<Row> = lines
        .map(|line| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(cells.len(), words + clients.len(), "{line}");
            let expected = cells[words..].iter().map(|&cell| cell.to_owned());
            Row { asked: cells[..words].join(" "), expected: clients.iter().cloned().zip(expected).collect() }
        })
        .collect();
    assert!(rows.len() > 10, "a table of {} lines", rows.len());
    rows
}
