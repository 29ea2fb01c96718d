//! Charts as inline SVG: bars with the spread of rounds, and lines over time.

use super::figures::Samples;
use super::{median, tenth};
use crate::Result;
use crate::memory::Course;
use std::fmt::Write as _;

/// Width of every chart, in units of the page.
pub(super) const WIDTH: f64 = 900.0;
/// Of one bar, with the gap to the next.
const ROW: f64 = 26.0;
/// Left of the bars: their labels.
const LEFT: f64 = 260.0;
/// Right of the longest bar: its figure.
const RIGHT: f64 = 150.0;

/// Colours that differ for those who see none of red or green, too.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999933"];

/// Returns the colour of the line or bar of a number.
pub(super) fn colour(number: usize) -> &'static str {
    COLOURS.get(number % COLOURS.len()).copied().unwrap_or("#000000")
}

/// Escapes text for HTML and SVG.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Begins an SVG of a height; its title is for those who hear the page.
pub(super) fn begun(height: f64, title: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\"><title>{}</title>\n",
        escaped(title)
    )
}

/// Draws a bar for each label: its length is the median, the line the least and the most, each dot a round.
pub(super) fn bars(title: &str, samples: &[&Samples]) -> Result<String> {
    let most = samples.iter().flat_map(|one| one.values.iter().copied()).fold(0.0, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / if most > 0.0 { most } else { 1.0 };
    let mut svg = begun(ROW * count(samples.len()) + 8.0, title);
    for (number, one) in samples.iter().enumerate() {
        let (top, middle) = (ROW * count(number) + 4.0, ROW * count(number) + 4.0 + ROW / 2.0);
        let of = |value: f64| LEFT + value * scale;
        let (least, greatest) = spread(&one.values);
        let median = median(one.values.clone());
        writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            middle + 4.0,
            escaped(&one.label)
        )?;
        writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
            top + 3.0,
            median * scale,
            ROW - 6.0,
            if one.peer { "#b0b7bf" } else { "#7fb2d9" }
        )?;
        writeln!(
            svg,
            "<line x1=\"{:.1}\" y1=\"{middle:.1}\" x2=\"{:.1}\" y2=\"{middle:.1}\" stroke=\"#222\"/>",
            of(least),
            of(greatest)
        )?;
        for value in &one.values {
            writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"2.5\" fill=\"#222\"/>", of(*value))?;
        }
        let figure = if one.values.len() > 1 {
            format!("{} ({} to {})", tenth(median), tenth(least), tenth(greatest))
        } else {
            tenth(median).to_string()
        };
        writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{figure}</text>", of(greatest) + 8.0, middle + 4.0)?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

fn spread(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    (if least.is_finite() { least } else { 0.0 }, values.iter().copied().fold(0.0, f64::max))
}

/// Draws the resident memory of processes over time.
pub(super) fn courses(all: &[Course]) -> Result<String> {
    const HEIGHT: f64 = 260.0;
    const BOTTOM: f64 = 30.0;
    let looks = || all.iter().flat_map(|course| course.looks.iter());
    let end = looks().map(|(at, _)| *at).fold(1.0, f64::max);
    let most = mib(looks().map(|(_, kib)| *kib).max().unwrap_or_default()).max(1.0);
    let x = |at: f64| 60.0 + at / end * (WIDTH - 80.0);
    let y = |mib: f64| (HEIGHT - BOTTOM) - mib / most * (HEIGHT - BOTTOM - 14.0);
    let mut svg = begun(HEIGHT, "Resident memory over time");
    for part in 0..=4 {
        let (value, at) = (most * count(part) / 4.0, end * count(part) / 4.0);
        writeln!(
            svg,
            "<line class=\"grid\" x1=\"60\" x2=\"{:.0}\" y1=\"{2:.1}\" y2=\"{2:.1}\"/><text x=\"54\" y=\"{3:.1}\" \
             text-anchor=\"end\">{1:.0} MiB</text>",
            WIDTH - 20.0,
            value,
            y(value),
            y(value) + 4.0
        )?;
        writeln!(svg, "<text x=\"{:.0}\" y=\"{HEIGHT}\" text-anchor=\"middle\">{at:.0} s</text>", x(at))?;
    }
    for (number, course) in all.iter().enumerate() {
        let points = course.looks.iter().map(|(at, kib)| format!("{:.1},{:.1}", x(*at), y(mib(*kib))));
        let points = points.collect::<Vec<_>>().join(" ");
        writeln!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke-width=\"1.6\" stroke=\"{}\"/>",
            colour(number)
        )?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Names lines by their colours.
pub(super) fn legend(names: &[String]) -> String {
    let mut html = String::from("<p class=\"legend\">");
    for (number, name) in names.iter().enumerate() {
        html.push_str("<span><i style=\"background:");
        html.push_str(colour(number));
        html.push_str("\"></i>");
        html.push_str(&escaped(name));
        html.push_str("</span> ");
    }
    html.push_str("</p>\n");
    html
}

#[expect(clippy::cast_precision_loss, reason = "a length for people")]
pub(super) fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "a handful")]
pub(super) fn count(number: usize) -> f64 {
    number as f64
}
