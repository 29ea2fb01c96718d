//! Latency by percentile, as HDR histograms are read: each step to the right is a tenth of the requests.

use super::chart::{WIDTH, begun, colour, count};
use crate::Result;
use hdrhistogram::Histogram;
use std::fmt::Write as _;

const HEIGHT: f64 = 320.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 30.0;
/// Points of one line.
const POINTS: usize = 120;

/// Where the axes begin and end.
struct Frame {
    /// Decades of 1/(1-p) that any line has.
    decades: f64,
    /// Decimal logarithms of the least and the greatest latency in microseconds.
    least: f64,
    greatest: f64,
}

/// Draws a line for each histogram of nanoseconds.
pub(super) fn percentiles(title: &str, lines: &[&Histogram<u64>]) -> Result<String> {
    let frame = Frame::around(lines);
    let mut svg = begun(HEIGHT, title);
    frame.axes(&mut svg)?;
    for (number, line) in lines.iter().enumerate() {
        let points = (0..=POINTS).map(|point| {
            let decade = decades(line) * count(point) / count(POINTS);
            let latency = micros(line.value_at_quantile(1.0 - 10_f64.powf(-decade)));
            format!("{:.1},{:.1}", frame.x(decade), frame.y(latency))
        });
        let points = points.collect::<Vec<_>>().join(" ");
        writeln!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke-width=\"1.8\" stroke=\"{}\"/>",
            colour(number)
        )?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

impl Frame {
    fn around(lines: &[&Histogram<u64>]) -> Self {
        let decades = lines.iter().map(|line| decades(line)).fold(1.0, f64::max);
        let least = lines.iter().map(|line| micros(line.min())).fold(f64::INFINITY, f64::min).max(0.1);
        let greatest = lines.iter().map(|line| micros(line.max())).fold(1.0, f64::max);
        let least = if least.is_finite() { least } else { 1.0 };
        Self { decades, least: least.log10().floor(), greatest: greatest.log10().ceil() }
    }

    fn x(&self, decade: f64) -> f64 {
        LEFT + decade / self.decades * (WIDTH - LEFT - 40.0)
    }

    fn y(&self, micros: f64) -> f64 {
        let share = (micros.max(0.1).log10() - self.least) / (self.greatest - self.least).max(1.0);
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - BOTTOM - 14.0)
    }

    fn axes(&self, svg: &mut String) -> Result<()> {
        let (top, bottom) = (14.0, HEIGHT - BOTTOM);
        for (name, quantile) in [
            ("50 %", 0.5),
            ("90 %", 0.9),
            ("99 %", 0.99),
            ("99.9 %", 0.999),
            ("99.99 %", 0.9999),
            ("99.999 %", 0.99999),
        ] {
            let decade = -(1.0_f64 - quantile).log10();
            if decade > self.decades {
                break;
            }
            let x = self.x(decade);
            writeln!(svg, "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>")?;
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{name}</text>",
                bottom + 18.0
            )?;
        }
        let mut power = self.least;
        while power <= self.greatest {
            let y = self.y(10_f64.powf(power));
            let name = if power < 3.0 {
                format!("{} us", 10_f64.powf(power))
            } else {
                format!("{} ms", 10_f64.powf(power - 3.0))
            };
            writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
                WIDTH - 40.0
            )?;
            writeln!(
                svg,
                "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
                LEFT - 6.0,
                y + 4.0
            )?;
            power += 1.0;
        }
        Ok(())
    }
}

/// Decades of 1/(1-p) up to the slowest request.
#[expect(clippy::cast_precision_loss, reason = "a place on an axis")]
fn decades(line: &Histogram<u64>) -> f64 {
    (line.len().max(2) as f64).log10()
}

#[expect(clippy::cast_precision_loss, reason = "a latency for people")]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1000.0
}
