//! What the columns and figures of reports mean: which tell cases apart, which are measured, and what is better.

use serde_json::Value;

/// The column that says which server a row is of, and the gateway's name in it.
pub(super) const SERVER: &str = "server";
pub(super) const GATEWAY: &str = "netweave";
/// Numbers that tell cases apart, as words do.
const DIMENSIONS: [&str; 7] =
    ["offered/s", "sharing", "resources", "connections", "subscriptions", "reads/s", "changes/s"];
/// Numbers that are no measurement of a server.
const NO_FIGURES: [&str; 6] = ["round", "requests", "notifications", "ceiling_mib", "before_kib", "figure"];
/// Words for costs: units, and what should not happen at all.
const COSTS: [&str; 10] = ["ns", "us", "ms", "kib", "mib", "bytes", "percent", "calls", "failed", "lost"];

/// What is better of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    Lower,
    Higher,
    /// It is no figure to compare.
    Neither,
}

impl Better {
    pub(super) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Lower => Some("lower"),
            Self::Higher => Some("higher"),
            Self::Neither => None,
        }
    }

    /// Of a column of a table.
    pub(super) fn of_column(name: &str) -> Self {
        if DIMENSIONS.contains(&name) || NO_FIGURES.contains(&name) || name.starts_with("client_") {
            return Self::Neither;
        }
        if is_gain(name) {
            return Self::Higher;
        }
        let cost = |word: &str| COSTS.contains(&word);
        let quantile = |word: &str| matches!(word, "p50" | "p95" | "p99");
        if name.split(['_', ' ']).any(|word| cost(word) || quantile(word)) {
            Self::Lower
        } else {
            Self::Neither
        }
    }

    /// Of a figure of the last line; those without a unit are CPU time.
    pub(super) fn of_figure(name: &str) -> Self {
        match name {
            "interrupted" | "invalid" => Self::Neither,
            name if is_gain(name) => Self::Higher,
            _ => Self::Lower,
        }
    }
}

fn is_gain(name: &str) -> bool {
    let rate =
        name.ends_with("/s") || name.split('_').collect::<Vec<_>>().windows(2).any(|two| two == ["per", "s"]);
    rate || name.contains("hit_percent") || name.ends_with("_held") || name.ends_with("_rate")
}

/// Figures of one column and one label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Samples {
    pub(super) label: String,
    pub(super) column: &'static str,
    pub(super) better: Better,
    /// It is of a server that the gateway is compared with.
    pub(super) peer: bool,
    /// One for each row.
    pub(super) values: Vec<f64>,
}

/// Gathers the figures of rows by label, in the order of the columns.
pub(super) fn samples<'a>(
    columns: &'static [&'static str],
    rows: &(impl Iterator<Item = &'a [Value]> + Clone),
) -> Vec<Samples> {
    let mut all: Vec<Samples> = Vec::new();
    for (at, column) in columns.iter().copied().enumerate() {
        let better = Better::of_column(column);
        for cells in rows.clone() {
            let Some(value) = cells.get(at).and_then(number).filter(|_| better != Better::Neither) else {
                continue;
            };
            let (label, peer) = (label(columns, cells, None), is_peer(columns, cells));
            match all.iter_mut().find(|one| one.column == column && one.label == label) {
                Some(one) => one.values.push(value),
                None => all.push(Samples { label, column, better, peer, values: vec![value] }),
            }
        }
    }
    all
}

/// Names the case that a row is of: its words and dimensions, but for those of one column if it is named; `all` where there is one
/// case only.
pub(super) fn label(columns: &[&str], cells: &[Value], without: Option<&str>) -> String {
    let named = columns.iter().zip(cells).filter(|(column, _)| Some(**column) != without);
    let words = named.filter_map(|(column, value)| match (DIMENSIONS.contains(column), number(value)) {
        (true, Some(number)) => Some(format!("{number} {column}")),
        (_, Some(_)) => None,
        (_, None) => value.as_str().filter(|word| *word != "-").map(str::to_owned),
    });
    let words = words.collect::<Vec<_>>().join(" ");
    if words.is_empty() { "all".to_owned() } else { words }
}

fn is_peer(columns: &[&str], cells: &[Value]) -> bool {
    let server = columns.iter().zip(cells).find(|(column, _)| **column == SERVER);
    server.and_then(|(_, value)| value.as_str()).is_some_and(|name| name != GATEWAY)
}

/// Returns the figures of a last line.
pub(super) fn of_summary(summary: &str) -> Vec<(String, f64)> {
    let pairs = summary.split_ascii_whitespace().filter_map(|pair| pair.split_once('='));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

/// Says whether a figure of the last line is of one of the peers.
pub(super) fn is_of_peer(name: &str, peers: &[String]) -> bool {
    let first = |peer: &str| peer.split(['-', ' ']).next().unwrap_or_default().to_lowercase();
    name.split('_').any(|word| peers.iter().any(|peer| first(peer) == word || peer == word))
}

/// A number, also where it was written as text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_say_what_is_better() {
        for name in [
            "cpu_us",
            "p99_us",
            "resident_kib",
            "cpu_percent",
            "read_p99",
            "last_ms",
            "failed",
            "writes_lost",
        ] {
            assert_eq!(Better::of_column(name), Better::Lower, "{name}");
        }
        for name in ["req/s", "per_s", "delivered/s"] {
            assert_eq!(Better::of_column(name), Better::Higher, "{name}");
        }
        for name in ["round", "offered/s", "client_cpu_us", "server", "ceiling_mib"] {
            assert_eq!(Better::of_column(name), Better::Neither, "{name}");
        }
        assert_eq!(Better::of_figure("hit_percent"), Better::Higher);
        assert_eq!(Better::of_figure("prod_loaded_slo_held"), Better::Higher);
        for (name, better) in
            [("root", Better::Lower), ("failed", Better::Lower), ("invalid", Better::Neither)]
        {
            assert_eq!(Better::of_figure(name), better, "{name}");
        }
    }

    #[test]
    fn rounds_of_a_case_are_gathered_and_peers_are_known() {
        const COLUMNS: &[&str] = &["server", "offered/s", "round", "cpu_us"];
        let rows = [
            vec![json!("netweave"), json!(500), json!(1), json!(20.0)],
            vec![json!("nginx"), json!(500), json!(1), json!(13.0)],
            vec![json!("netweave"), json!(500), json!(2), json!("21.5")],
            vec![json!("netweave"), json!("-"), json!(1), json!(9.0)],
        ];
        let all = samples(COLUMNS, &rows.iter().map(Vec::as_slice));
        let told: Vec<_> =
            all.iter().map(|one| (one.label.as_str(), one.peer, one.values.as_slice())).collect();
        let own: &[f64] = &[20.0, 21.5];
        assert_eq!(
            told,
            [
                ("netweave 500 offered/s", false, own),
                ("nginx 500 offered/s", true, &[13.0]),
                ("netweave", false, &[9.0])
            ]
        );
        let peers = ["nginx".to_owned(), "go-gateway".to_owned()];
        assert!(
            is_of_peer("h2_nginx_2k", &peers)
                && is_of_peer("go_2k", &peers)
                && !is_of_peer("cpu_us_2k", &peers)
        );
    }

    #[test]
    fn a_last_line_is_taken_apart() {
        let figures = of_summary("cpu_us_2k=20.8 word=x nginx_2k=13");
        assert_eq!(figures, [("cpu_us_2k".to_owned(), 20.8), ("nginx_2k".to_owned(), 13.0)]);
    }
}
