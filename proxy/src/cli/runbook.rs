//! `netweave runbook`: the pages of `docs/runbooks`, as this binary was built with them.

use super::{Exit, Failure, Process};
use crate::conf::words;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The page, named as its alert; without it, all are listed
    name: Option<String>,
}

/// A page: the name of its alert, and its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// The name.
    pub(super) name: &'static str,
    /// The text, in Markdown.
    pub(super) text: &'static str,
}

/// All pages, ordered by name; `build.rs` lists them.
pub(super) const PAGES: &[Page] = include!(concat!(env!("OUT_DIR"), "/runbooks.rs"));

pub(super) fn run(args: &Args, process: &mut Process) -> Result<(), Failure> {
    let Some(name) = &args.name else {
        for page in PAGES {
            process.out.line(&format!("{:36}  {}", page.name, page.signal()))?;
        }
        return Ok(());
    };
    let page = PAGES.iter().find(|page| page.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let names: Vec<&str> = PAGES.iter().map(|page| page.name).collect();
        let near = words::nearest(name, &names).map(|near| format!("; did you mean `{near}`?"));
        Failure::new(Exit::Failed, format!("there is no page `{name}`{}", near.unwrap_or_default()))
    })?;
    process.out.text(page.text)
}

impl Page {
    /// Returns its priority, such as `P1`, and the first sentence of what was measured.
    fn signal(&self) -> String {
        let mut lines = self.text.lines().map(str::trim).filter(|line| !line.is_empty());
        let priority = lines.clone().nth(1).and_then(|line| line.split('.').next()).unwrap_or_default();
        let after = lines.by_ref().skip_while(|line| *line != "## Signal").nth(1).unwrap_or_default();
        format!("{priority}  {after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_that_a_check_names_is_there() {
        let sources = [
            include_str!("certs/facts.rs"),
            include_str!("doctor/before.rs"),
            include_str!("doctor/files.rs"),
            include_str!("doctor/measured.rs"),
            include_str!("doctor/redis.rs"),
            include_str!("doctor/running.rs"),
        ];
        let words = sources.iter().flat_map(|text| text.split('"'));
        let alert = |word: &&str| word.starts_with("Netweave") && word.chars().all(char::is_alphanumeric);
        let named: Vec<&str> = words.filter(alert).collect();
        assert!(named.len() > 20, "{named:?}");
        for name in named {
            assert!(PAGES.iter().any(|page| page.name == name), "{name}");
        }
    }

    #[test]
    fn each_page_says_its_priority_and_what_was_measured() {
        for page in PAGES {
            let signal = page.signal();
            assert!(signal.starts_with('P') && signal.len() > 20, "{}: {signal}", page.name);
        }
    }
}
