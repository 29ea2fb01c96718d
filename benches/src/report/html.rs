//! The page of a report: one file that needs nothing else, neither scripts nor a network.

use super::book::{Book, Circumstances, cell};
use super::chart::{self, escaped, legend};
use super::curve;
use super::figures::Samples;
use crate::{Result, heap};
use std::fmt::Write as _;

const STYLE: &str = "
body { font: 15px/1.45 system-ui, sans-serif; max-width: 940px; margin: 2em auto; padding: 0 1em; color: #1c2024; background: #fff }
h1 { margin-bottom: 0 } h2 { margin-top: 2em; border-bottom: 1px solid #d5d9de } h3 { margin-bottom: .3em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } th, td { padding: .2em .7em; border-bottom: 1px solid #e3e6ea; text-align: right }
th:first-child, td:first-child, .facts td, .facts th { text-align: left } .wide { overflow-x: auto }
.invalid { background: #fde2e0 } p.invalid { padding: .6em 1em; border-left: 4px solid #c0261b; font-weight: 600 }
pre { background: #f4f5f7; padding: 1em; overflow-x: auto; font-size: 13px }
svg { max-width: 100%; height: auto } svg text { font: 12px system-ui, sans-serif; fill: #1c2024 } svg .grid { stroke: #e0e3e7 }
.legend span { margin-right: 1.2em; white-space: nowrap } .legend i { display: inline-block; width: 1em; height: .25em; margin-right: .4em; vertical-align: middle }
.flame text { font: 11px monospace } .flame rect:hover { stroke: #000 }
@media print { body { max-width: none } }
";
/// Lines of one diagram.
const LINES: usize = 8;

/// Makes the page.
pub(super) fn page(book: &Book, summary: &str, about: &Circumstances) -> Result<String> {
    let name = escaped(book.name);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}, {}</title><style>{STYLE}</style></head><body>\n\
         <h1>{name}</h1><p>{}</p>\n",
        about.date, about.date
    );
    for warning in book.warnings() {
        writeln!(html, "<p class=\"invalid\">{}</p>", escaped(&warning))?;
    }
    writeln!(html, "<pre>{}: {}</pre>", name, escaped(summary))?;
    for note in &book.notes {
        writeln!(html, "<p>{}</p>", escaped(note))?;
    }
    costs(&mut html, book)?;
    latencies(&mut html, book)?;
    memory(&mut html, about)?;
    if let Some(flame) = &about.flame {
        writeln!(
            html,
            "<h2>Where the gateway spends its CPU time</h2><p>Of a round that is not counted. Width is the share of samples; a frame's \
             callers are below it. Its name and share show when it is pointed at.</p>\n{flame}"
        )?;
    }
    heaps(&mut html, about)?;
    table(&mut html, book)?;
    facts(&mut html, about)?;
    html.push_str("</body></html>\n");
    Ok(html)
}

/// CPU time by server and case.
fn costs(html: &mut String, book: &Book) -> Result<()> {
    let samples = book.samples();
    let mut columns: Vec<&str> = Vec::new();
    for one in &samples {
        if one.column.contains("cpu") && !columns.contains(&one.column) {
            columns.push(one.column);
        }
    }
    if columns.is_empty() {
        return Ok(());
    }
    html.push_str("<h2>CPU time</h2><p>The bar is the median, the line the least and the most of all rounds, each dot one round.</p>\n");
    for column in columns {
        let of: Vec<&Samples> = samples.iter().filter(|one| one.column == column).collect();
        writeln!(html, "<h3>{}</h3>\n{}", escaped(column), chart::bars(column, &of)?)?;
    }
    Ok(())
}

/// Latency by percentile: a diagram for each case, a line for each server.
fn latencies(html: &mut String, book: &Book) -> Result<()> {
    let curves = book.curves();
    let mut groups: Vec<&str> = Vec::new();
    for (group, ..) in &curves {
        if !groups.contains(&group.as_str()) {
            groups.push(group);
        }
    }
    if groups.is_empty() {
        return Ok(());
    }
    html.push_str("<h2>Latency by percentile</h2><p>All rounds together. In an open loop latency counts from when a request was due.</p>\n");
    for group in groups {
        let lines: Vec<_> = curves.iter().filter(|(of, ..)| of == group).collect();
        for some in lines.chunks(LINES) {
            let (names, histograms): (Vec<_>, Vec<_>) =
                some.iter().map(|(_, name, latency)| (name.clone(), latency)).unzip();
            writeln!(
                html,
                "<h3>{}</h3>\n{}{}",
                escaped(group),
                curve::percentiles(group, &histograms)?,
                legend(&names)
            )?;
        }
    }
    Ok(())
}

fn memory(html: &mut String, about: &Circumstances) -> Result<()> {
    if about.memory.is_empty() {
        return Ok(());
    }
    html.push_str("<h2>Resident memory</h2><p>Of each process that was measured or needed, with its children, as the kernel counts it.</p>\n");
    html.push_str(&chart::courses(&about.memory)?);
    let most = |one: &crate::memory::Course| {
        format!("{} ({}): at most {:.1} MiB", one.name, one.pid, chart::mib(one.peak_kib))
    };
    html.push_str(&legend(&about.memory.iter().map(most).collect::<Vec<_>>()));
    Ok(())
}

/// Who held the memory of each gateway.
fn heaps(html: &mut String, about: &Circumstances) -> Result<()> {
    if about.heaps.is_empty() {
        return Ok(());
    }
    writeln!(html, "<h2>{}</h2><p>{}</p>", heap::TITLE, heap::ABOUT)?;
    for profile in &about.heaps {
        writeln!(html, "<h3>{}</h3><div class=\"wide\"><table><tr>", escaped(&profile.title()))?;
        for column in heap::COLUMNS {
            write!(html, "<th>{column}</th>")?;
        }
        html.push_str("</tr>\n");
        for holder in &profile.holders {
            let cells = holder.cells(profile.bytes).map(|cell| format!("<td>{}</td>", escaped(&cell)));
            writeln!(html, "<tr>{}</tr>", cells.concat())?;
        }
        writeln!(html, "</table></div>\n{}", profile.flame)?;
    }
    Ok(())
}

fn table(html: &mut String, book: &Book) -> Result<()> {
    html.push_str("<h2>All rows</h2><div class=\"wide\"><table><tr>");
    for column in book.columns {
        write!(html, "<th>{}</th>", escaped(column))?;
    }
    html.push_str("</tr>\n");
    for row in &book.rows {
        let invalid = escaped(&row.faults.join("; "));
        let class = if row.faults.is_empty() {
            String::new()
        } else {
            format!(" class=\"invalid\" title=\"{invalid}\"")
        };
        write!(html, "<tr{class}>")?;
        for value in &row.cells {
            write!(html, "<td>{}</td>", escaped(&cell(value)))?;
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n");
    Ok(())
}

/// Machine, versions, and what was printed of the peers.
fn facts(html: &mut String, about: &Circumstances) -> Result<()> {
    let machine = &about.machine;
    let facts = [
        ("commit", about.commit.clone()),
        ("processor", machine.cpu.clone()),
        ("cores", machine.cores.to_string()),
        ("memory", format!("{} MiB", machine.memory_mib)),
        ("kernel", machine.kernel.clone()),
        ("governor", machine.governor.clone()),
    ];
    html.push_str("<h2>Measured on</h2><table class=\"facts\">\n");
    let versions = about.versions.iter().map(|(name, text)| (*name, text.clone()));
    for (name, text) in facts.into_iter().chain(versions) {
        writeln!(html, "<tr><th>{}</th><td>{}</td></tr>", escaped(name), escaped(&text))?;
    }
    html.push_str("</table>\n");
    for text in &about.texts {
        let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
        writeln!(html, "<h3>{}</h3><pre>{}</pre>", escaped(title), escaped(rest))?;
    }
    Ok(())
}
