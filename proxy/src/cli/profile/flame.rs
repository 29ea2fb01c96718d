//! A flame graph of stacks, as SVG without script: a box for each function, as wide as often it was seen, on top of its caller.
//!
//! What a box stands for in full, a browser shows when the pointer rests on it.

use crate::ops::escape;
use std::collections::BTreeMap;

/// The width of the whole, in pixels.
const WIDTH: f64 = 1200.0;
/// The height of a box, in pixels.
const ROW: f64 = 16.0;
/// Boxes that are narrower are left out.
const NARROWEST: f64 = 0.5;
/// The width of a letter, in pixels, so that names are cut where their box ends.
const LETTER: f64 = 6.6;

/// A function, and those that it called.
#[derive(Default)]
struct Box<'s> {
    count: u64,
    called: BTreeMap<&'s str, Box<'s>>,
}

impl Box<'_> {
    fn depth(&self) -> usize {
        1 + self.called.values().map(Self::depth).max().unwrap_or(0)
    }
}

/// Draws stacks: functions from the outermost to the innermost, separated by `;`, and how often each stack was seen.
pub(super) fn graph<'s>(stacks: impl Iterator<Item = (&'s str, u64)>) -> String {
    let mut all = Box::default();
    for (stack, count) in stacks {
        all.count += count;
        let mut at = &mut all;
        for function in stack.split(';') {
            at = at.called.entry(function).or_default();
            at.count += count;
        }
    }
    let height = ROW * float(all.depth() as u64);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" font-size=\"11\">\n"
    );
    draw(&mut out, ("all", &all), (0.0, height - ROW), WIDTH / float(all.count.max(1)), all.count);
    out.push_str("</svg>\n");
    out
}

/// Draws a box, and those above it; `scale` is the width of one sample.
fn draw(out: &mut String, (name, one): (&str, &Box<'_>), (left, top): (f64, f64), scale: f64, total: u64) {
    let width = float(one.count) * scale;
    if width < NARROWEST {
        return;
    }
    let share = 100.0 * float(one.count) / float(total.max(1));
    let hue = name.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 50);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a width of pixels, above 0")]
    let letters = (width / LETTER) as usize;
    let shown: String = if letters < 3 { String::new() } else { name.chars().take(letters).collect() };
    let drawn = format!(
        "<g><title>{}: {} ({share:.1} %)</title><rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{}\" fill=\"hsl({hue},80%,65%)\"/><text x=\"{:.1}\" y=\"{}\">{}</text></g>\n",
        escape(name),
        one.count,
        ROW - 1.0,
        left + 2.0,
        top + 11.0,
        escape(&shown),
    );
    out.push_str(&drawn);
    let mut left = left;
    for (name, called) in &one.called {
        draw(out, (name, called), (left, top - ROW), scale, total);
        left += float(called.count) * scale;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_stands_on_its_caller_as_wide_as_often_it_was_seen() {
        let graph = graph([("t;main;<a>", 3), ("t;main;b", 1)].into_iter());
        for part in [
            "viewBox=\"0 0 1200 64\"",
            "<title>all: 4 (100.0 %)</title><rect x=\"0.0\" y=\"48\" width=\"1200.0\"",
            "<title>main: 4 (100.0 %)</title><rect x=\"0.0\" y=\"16\" width=\"1200.0\"",
            "<title>&lt;a&gt;: 3 (75.0 %)</title><rect x=\"0.0\" y=\"0\" width=\"900.0\"",
            "<title>b: 1 (25.0 %)</title><rect x=\"900.0\" y=\"0\" width=\"300.0\"",
        ] {
            assert!(graph.contains(part), "{part} is not in\n{graph}");
        }
    }

    #[test]
    fn without_a_sample_there_is_an_empty_graph() {
        assert!(graph(std::iter::empty()).ends_with("</svg>\n"));
    }
}
