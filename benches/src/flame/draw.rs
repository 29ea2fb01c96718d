//! A flame graph as SVG: callers below, what they called above, width by samples or bytes.

use super::stacks::Frame;
use crate::Result;
use crate::report::escaped;
use std::fmt::Write as _;

const WIDTH: f64 = 900.0;
const ROW: f64 = 16.0;
/// Narrower frames are left out.
const NARROWEST: f64 = 0.4;
/// Of one letter, in a font of fixed width.
const LETTER: f64 = 6.7;

/// Draws a tree; `words` say what a frame weighs.
pub(crate) fn svg(root: &Frame, words: fn(u64) -> String) -> Result<String> {
    let mut canvas = Canvas { svg: String::new(), all: root.weight, height: 0.0, words };
    canvas.height = ROW * f(root.depth(canvas.least()));
    canvas.frame(root, 0.0, 0)?;
    Ok(format!(
        "<svg class=\"flame\" viewBox=\"0 0 {WIDTH} {0:.0}\" width=\"{WIDTH}\" height=\"{0:.0}\" role=\"img\">\n{1}</svg>\n",
        canvas.height, canvas.svg
    ))
}

struct Canvas {
    svg: String,
    all: u64,
    height: f64,
    words: fn(u64) -> String,
}

impl Canvas {
    fn frame(&mut self, frame: &Frame, left: f64, depth: usize) -> Result<()> {
        let width = self.width(frame.weight);
        if width < NARROWEST {
            return Ok(());
        }
        let top = self.height - ROW * f(depth + 1);
        let name = escaped(&frame.name);
        let percent = share(frame.weight, self.all) * 100.0;
        writeln!(
            self.svg,
            "<g><title>{name}: {percent:.1} %, {}</title><rect x=\"{left:.1}\" y=\"{top:.0}\" width=\"{:.1}\" height=\"{:.0}\" \
             fill=\"{}\"/>{}</g>",
            (self.words)(frame.weight),
            width - 0.2,
            ROW - 1.0,
            colour(frame),
            text(&frame.name, left, top, width)
        )?;
        let mut left = left;
        let mut callees: Vec<&Frame> = frame.callees.iter().collect();
        callees.sort_by(|one, other| one.name.cmp(&other.name));
        for callee in callees {
            self.frame(callee, left, depth + 1)?;
            left += self.width(callee.weight);
        }
        Ok(())
    }

    fn width(&self, weight: u64) -> f64 {
        share(weight, self.all) * WIDTH
    }

    /// What the narrowest frame weighs.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a part of what all weigh"
    )]
    fn least(&self) -> u64 {
        (NARROWEST / WIDTH * self.all as f64).ceil() as u64
    }
}

/// As much of a name as fits; nothing where that says nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "letters in 900 units")]
fn text(name: &str, left: f64, top: f64, width: f64) -> String {
    let letters = ((width - 4.0) / LETTER).max(0.0) as usize;
    if letters < 3 {
        return String::new();
    }
    let short = if name.chars().count() > letters {
        name.chars().take(letters - 1).chain(['…']).collect()
    } else {
        name.to_owned()
    };
    format!("<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", left + 2.0, top + 11.5, escaped(&short))
}

fn colour(frame: &Frame) -> &'static str {
    if frame.kernel {
        "#a9cce3"
    } else if frame.name.contains("netweave") {
        "#f0a15e"
    } else {
        "#f5dfb3"
    }
}

#[expect(clippy::cast_precision_loss, reason = "samples of seconds, or bytes of a heap")]
pub(crate) fn share(part: u64, all: u64) -> f64 {
    part as f64 / all.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "a depth")]
fn f(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_wide_as_their_share_and_names_are_escaped() {
        let root = Frame::of_script("api\n\t 1 <T as netweave::X>::f\n\napi\n\t 2 g\n\n");
        let svg = svg(&root, |weight| format!("{weight} samples")).unwrap();
        assert!(svg.contains("&lt;T as netweave::X&gt;::f: 50.0 %, 1 samples"), "{svg}");
        assert!(svg.contains("width=\"449.8\"") && svg.contains("x=\"450.0\""), "{svg}");
        assert!(!svg.contains("<T as"), "{svg}");
    }

    #[test]
    fn a_name_is_cut_where_it_does_not_fit() {
        assert_eq!(text("abcdefgh", 0.0, 0.0, 10.0), "");
        assert!(text("abcdefgh", 0.0, 0.0, 4.0 + 5.0 * LETTER).contains(">abcd…<"));
    }
}
