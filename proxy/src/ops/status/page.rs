//! The status as a page: headings and tables, nothing that a browser runs or loads.

use super::Status;
use crate::objectives::{Judgement, Unit};
use std::fmt::Write as _;

/// Writes the page.
pub(super) fn of(status: &Status) -> String {
    let mut out = String::with_capacity(8 << 10);
    let title = format!("netweave {} - {}", escape(&status.pod.name), status.word);
    line(
        &mut out,
        &format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body><h1>{title}</h1>"
        ),
    );
    let pod = &status.pod;
    let reload = status.last_reload.as_ref();
    table(
        &mut out,
        "Process",
        &["What", "Value"],
        [
            ["Version".to_owned(), pod.version.to_owned()],
            ["Environment".to_owned(), pod.environment.clone()],
            ["O-Cloud".to_owned(), pod.o_cloud_id.clone()],
            ["Started".to_owned(), format!("{} ({} s ago)", pod.started_at, pod.uptime_seconds)],
            [
                "Certificates loaded again".to_owned(),
                reload.map_or("never".to_owned(), |reload| format!("{}: {}", reload.at, reload.result)),
            ],
        ],
    );
    let headings = ["Objective", "Target", "Measured", "Met", "Budget left", "Window", "Covered", "Events"];
    table(&mut out, "Objectives of this process", &headings, status.objectives.iter().map(objective));
    let sources = status.sources.iter().map(|source| {
        let age = source.age_seconds.map_or("never read".to_owned(), |age| format!("{age} s"));
        let failure = source.failure.clone().unwrap_or_default();
        [source.name.clone(), source.backend.to_owned(), source.role.to_owned(), age, failure]
    });
    table(&mut out, "Sources", &["Source", "Backend", "This process", "Age", "Failure"], sources);
    let servers = status.servers.iter().map(|check| {
        let word = if check.degraded { "degraded" } else { "ok" };
        [check.name.clone(), word.to_owned(), check.detail.clone()]
    });
    table(&mut out, "Servers", &["Role", "State", "More"], servers);
    let certificates = status
        .certificates
        .iter()
        .map(|one| [one.role.clone(), one.ends_at.clone(), format!("{:.1}", one.days_left)]);
    table(&mut out, "Certificates", &["Role", "Ends", "Days left"], certificates);
    line(&mut out, "</body></html>");
    out
}

fn objective(one: &Judgement) -> [String; 8] {
    let sign = if one.at_least { "at least" } else { "below" };
    let percent = |value: f64| format!("{:.3} %", value * 100.0);
    let value = |value: f64| match one.unit {
        Unit::Ratio => percent(value),
        Unit::Seconds => format!("{:.1} ms", value * 1000.0),
    };
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        one.name.to_owned(),
        format!("{sign} {}", value(one.target)),
        or_none(one.measured.map(value)),
        or_none(one.met.map(|met| if met { "yes" } else { "no" }.to_owned())),
        or_none(one.budget_left.map(percent)),
        format!("{} s", one.window_seconds),
        format!("{} s", one.covered_seconds),
        one.events.to_string(),
    ]
}

fn table<const N: usize>(
    out: &mut String,
    title: &str,
    headings: &[&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return;
    }
    line(out, &format!("<h2>{title}</h2><table border=\"1\"><tr>"));
    for heading in headings {
        line(out, &format!("<th scope=\"col\">{heading}</th>"));
    }
    line(out, "</tr>");
    for row in rows {
        line(out, "<tr>");
        for cell in &row {
            line(out, &format!("<td>{}</td>", escape(cell)));
        }
        line(out, "</tr>");
    }
    line(out, "</table>");
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    writeln!(out, "{text}").ok();
}

/// Writes a text so that none of it is taken for HTML, or for SVG.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_taken_for_html() {
        let mut out = String::new();
        table(&mut out, "T", &["H"], [["<script>\"x\" & 'y'</script>".to_owned()]]);
        assert!(!out.contains("<script>"), "{out}");
        assert!(out.contains("&lt;script&gt;&quot;x&quot; &amp; &#39;y&#39;&lt;/script&gt;"), "{out}");
    }
}
