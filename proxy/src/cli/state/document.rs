//! The file of an export: a first line that says what it is, one line per subscription, and a last one with count and
//! checksum, each a JSON object.

use crate::digest::sha256;
use netweave_model::Timestamp;
use netweave_model::port::Saved;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The version of the form.
const VERSION: u32 = 1;

/// What an export holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document {
    /// The subscriptions, each once.
    pub(super) saved: Vec<Saved>,
}

/// What is wrong with a file, and in which line; 0 is the file as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damage {
    line: usize,
    what: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct First {
    netweave: String,
    version: u32,
    exported_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Last {
    subscriptions: usize,
    sha256: String,
}

/// What the first line says it is.
const KIND: &str = "state";

impl Damage {
    pub(super) fn whole(what: &str) -> Self {
        Self::at(0, what)
    }

    fn at(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        f.write_str(&self.what)
    }
}

/// Computes what the last line says of these subscriptions.
pub(super) fn checksum<'a>(saved: impl Iterator<Item = &'a Saved>) -> String {
    sha256(saved.map(line).collect::<String>().as_bytes())
}

fn line(saved: &Saved) -> String {
    // A type of ours with text keys can always be written.
    serde_json::to_string(saved).unwrap_or_default() + "\n"
}

impl Document {
    /// Writes the file.
    pub(super) fn write(&self, now: Timestamp) -> String {
        let first = First { netweave: KIND.to_owned(), version: VERSION, exported_at: now };
        let body: String = self.saved.iter().map(line).collect();
        let last = Last { subscriptions: self.saved.len(), sha256: sha256(body.as_bytes()) };
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        format!("{}\n{body}{}\n", json(serde_json::to_string(&first)), json(serde_json::to_string(&last)))
    }

    /// Reads a file, if it is whole.
    ///
    /// # Errors
    /// It is another file, of a later version, cut, or changed.
    pub(super) fn read(text: &str) -> Result<Self, Damage> {
        let Some((first, rest)) = text.split_once('\n') else {
            return Err(Damage::at(1, "this is no export of netweave, or it is cut"));
        };
        let first = serde_json::from_str::<First>(first).ok().filter(|first| first.netweave == KIND);
        let first = first.ok_or_else(|| Damage::at(1, "this is no export of netweave"))?;
        if first.version != VERSION {
            let what = format!("is of version {}; this netweave reads {VERSION}", first.version);
            return Err(Damage::at(1, what));
        }
        let lines = rest.split_inclusive('\n').count() + 1;
        let cut = || Damage::at(lines, "the last line is missing, so the file is cut");
        let body = rest.strip_suffix('\n').ok_or_else(cut)?;
        let (body, last) = body.rfind('\n').map_or(("", body), |end| body.split_at(end + 1));
        let last: Last = serde_json::from_str(last).map_err(|_other| cut())?;
        let saved = read_body(body)?;
        if saved.len() != last.subscriptions {
            let what = format!("there are {} subscriptions instead of {}", saved.len(), last.subscriptions);
            return Err(Damage::at(lines, what));
        }
        if sha256(body.as_bytes()) != last.sha256 {
            return Err(Damage::at(lines, "the checksum is another one, so something was changed"));
        }
        Ok(Self { saved })
    }
}

fn read_body(body: &str) -> Result<Vec<Saved>, Damage> {
    let (mut saved, mut ids) = (Vec::new(), BTreeSet::new());
    for (n, line) in body.lines().enumerate() {
        let one: Saved = serde_json::from_str(line)
            .map_err(|error| Damage::at(n + 2, format!("cannot be read: {error}")))?;
        if !ids.insert(one.subscription.id.clone()) {
            return Err(Damage::at(n + 2, "the subscription is there twice"));
        }
        saved.push(one);
    }
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netweave_model::subscription::{Major, StateForm};
    use netweave_model::{Id, NewSubscription};
    use std::time::Duration;

    fn saved(id: &str) -> Saved {
        let new = NewSubscription {
            owner: "smo".to_owned(),
            major: Major::V2,
            callback: "https://smo.example/a".to_owned(),
            consumer_subscription_id: Some("mine".to_owned()),
            filter: None,
            states: StateForm::Object,
            secret: "whsec_AAAA".into(),
            lease: Duration::from_mins(1),
        };
        Saved { subscription: new.made(Id::from(id), Timestamp(5)), last_sequence: 7, waiting: 2 }
    }

    fn text() -> String {
        Document { saved: vec![saved("a"), saved("b")] }.write(Timestamp(9))
    }

    fn damage(text: &str) -> String {
        Document::read(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Document::read(&text()).unwrap().saved, [saved("a"), saved("b")]);
        let none = Document { saved: Vec::new() };
        assert_eq!(Document::read(&none.write(Timestamp(9))).unwrap(), none);
    }

    #[test]
    fn every_cut_is_noticed() {
        let text = text();
        for end in 0..text.len() {
            let cut = text.get(..end).unwrap();
            assert!(Document::read(cut).is_err(), "{end}");
        }
        assert!(damage(text.trim_end()).contains("line 4: the last line is missing"));
        let without_last: String = text.split_inclusive('\n').take(3).collect();
        assert!(damage(&without_last).starts_with("line 3: the last line is missing"));
    }

    #[test]
    fn every_change_is_noticed() {
        let text = text();
        assert!(damage(&text.replace("/a\"", "/c\"")).starts_with("line 4: the checksum"));
        let without_b: String =
            text.split_inclusive('\n').enumerate().filter(|(n, _)| *n != 2).map(|(_, line)| line).collect();
        assert_eq!(damage(&without_b), "line 3: there are 1 subscriptions instead of 2");
        assert!(damage(&text.replace("\"owner\"", "\"ovner\"")).starts_with("line 2: cannot be read"));
        assert_eq!(
            damage(&text.replace("\"id\":\"b\"", "\"id\":\"a\"")),
            "line 3: the subscription is there twice"
        );
        assert!(damage(&(text.clone() + "{}\n")).contains("the last line is missing"));
    }

    #[test]
    fn other_files_are_told_apart() {
        assert!(damage("").starts_with("line 1: this is no export"));
        assert_eq!(damage("{\"a\":1}\n"), "line 1: this is no export of netweave");
        assert!(damage("apiVersion: netweave/v1\n").starts_with("line 1: this is no export"));
        assert!(
            damage(&text().replace("\"version\":1", "\"version\":2")).starts_with("line 1: is of version 2")
        );
    }
}
