//! The sample inventory, and small believable changes of it for a gateway that is tried out.

/// One edit of the sample.
enum Edit {
    /// Sets a line `name: value` of an entry.
    Set { key: &'static str, name: &'static str, value: &'static str },
    /// Raises the last number of a version in a line `name: 1.2.3` of an entry.
    Raise { key: &'static str, name: &'static str },
    /// Adds a copy of an entry after it, with replaced texts.
    Copy { key: &'static str, replace: &'static [(&'static str, &'static str)] },
    /// Removes an entry.
    Remove { key: &'static str },
}

/// What happens, over and over: a server is locked and unlocked, firmware is updated, a server comes and goes, a clock
/// loses its satellites and finds them again.
const EDITS: &[Edit] = &[
    Edit::Set { key: "regional-worker-07", name: "administrativeState", value: "LOCKED" },
    Edit::Raise { key: "far-edge-vdu-03", name: "bmcFirmware" },
    Edit::Copy {
        key: "edge-worker-10",
        replace: &[
            ("edge-worker-10", "edge-worker-11"),
            ("Worker server 10", "Worker server 11"),
            ("NW-2431-20010", "NW-2431-20011"),
            ("se-east:10439", "se-east:10461"),
            (":14:0a:", ":14:0b:"),
            ("unit: 24", "unit: 26"),
        ],
    },
    Edit::Set { key: "edge-ptp-01", name: "clockState", value: "HOLDOVER" },
    Edit::Set { key: "regional-worker-07", name: "administrativeState", value: "UNLOCKED" },
    Edit::Raise { key: "regional-leaf-02", name: "software" },
    Edit::Remove { key: "edge-worker-11" },
    Edit::Set { key: "edge-ptp-01", name: "clockState", value: "LOCKED" },
];

/// Returns the sample inventory: 3 sites, 4 pools, 60 resources, 2 deployment managers.
pub fn sample() -> &'static str {
    include_str!("../sample.yaml")
}

/// Applies one small change to the sample's text; steps count up and repeat after a while.
///
/// A text in which the step finds nothing to change is returned as it is.
pub fn sample_step(text: &str, step: u64) -> String {
    let index = usize::try_from(step % EDITS.len() as u64).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    match EDITS.get(index) {
        Some(Edit::Set { key, name, value }) => edit(&mut lines, key, name, |_| Some((*value).to_owned())),
        Some(Edit::Raise { key, name }) => edit(&mut lines, key, name, raised),
        Some(Edit::Copy { key, replace }) => copy(&mut lines, key, replace),
        Some(Edit::Remove { key }) => {
            if let Some((from, to)) = entry(&lines, key) {
                drop(lines.drain(from..to));
            }
        }
        None => {}
    }
    lines.join("\n") + "\n"
}

/// Adds copies of a server to the sample's text, each with a note of so many bytes.
///
/// A text that lacks the server is returned as it is.
pub fn sample_grown(text: &str, count: usize, bytes: usize) -> String {
    const SERVER: &str = "edge-worker-10";
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let Some((from, to)) = entry(&lines, SERVER) else {
        return text.to_owned();
    };
    let server: Vec<String> = lines.iter().take(to).skip(from).cloned().collect();
    let note = "x".repeat(bytes);
    let copies = (1..=count).flat_map(|number| {
        let named = move |line: &String| {
            line.replace(SERVER, &format!("edge-worker-n{number}"))
                .replace("se-east:", &format!("se-east:n{number}-"))
        };
        let own = server.iter().map(named).collect::<Vec<_>>();
        own.into_iter().flat_map(|line| {
            let note = line.strip_suffix("extensions:").map(|space| format!("{space}  note: {note}"));
            std::iter::once(line).chain(note)
        })
    });
    let copies: Vec<String> = copies.collect();
    drop(lines.splice(to..to, copies));
    lines.join("\n") + "\n"
}

/// Finds the lines of an entry: from `- key: KEY` to the next line that is not indented deeper.
fn entry(lines: &[String], key: &str) -> Option<(usize, usize)> {
    let head = format!("- key: {key}");
    let from = lines.iter().position(|line| line.trim_start() == head)?;
    let depth = indentation(lines.get(from)?);
    let length = lines.iter().skip(from + 1).take_while(|line| indentation(line) > depth).count();
    Some((from, from + 1 + length))
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn edit(lines: &mut [String], key: &str, name: &str, value: impl Fn(&str) -> Option<String>) {
    let Some((from, to)) = entry(lines, key) else {
        return;
    };
    for line in lines.iter_mut().take(to).skip(from) {
        let Some((before, old)) = line.split_once(": ") else {
            continue;
        };
        if before.trim_start() == name
            && let Some(new) = value(old)
        {
            *line = format!("{before}: {new}");
        }
    }
}

fn raised(version: &str) -> Option<String> {
    let (front, last) = version.rsplit_once('.')?;
    Some(format!("{front}.{}", last.parse::<u32>().ok()?.saturating_add(1)))
}

fn copy(lines: &mut Vec<String>, key: &str, replace: &[(&str, &str)]) {
    let Some((from, to)) = entry(lines, key) else {
        return;
    };
    let copied: Vec<String> = lines
        .iter()
        .take(to)
        .skip(from)
        .map(|line| replace.iter().fold(line.clone(), |line, (old, new)| line.replace(old, new)))
        .collect();
    if copied.first().is_some_and(|head| lines.contains(head)) {
        return;
    }
    drop(lines.splice(to..to, copied));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Inventory, read};
    use netweave_model::{Id, Kind, SourceName};
    use std::collections::BTreeMap;

    fn inventory(text: &str) -> Inventory {
        read(text, &SourceName::from("sample"), &Id::from("cloud"))
            .unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn counts(inventory: &Inventory) -> BTreeMap<Kind, usize> {
        Kind::ALL.into_iter().map(|kind| (kind, inventory.objects(kind).count())).collect()
    }

    #[test]
    fn the_sample_has_the_promised_counts() {
        let counts = counts(&inventory(sample()));
        assert_eq!(counts[&Kind::OCloudSite], 3);
        assert_eq!(counts[&Kind::Location], 3);
        assert_eq!(counts[&Kind::ResourcePool], 4);
        assert_eq!(counts[&Kind::Resource], 60);
        assert_eq!(counts[&Kind::DeploymentManager], 2);
        assert!(counts[&Kind::ResourceType] >= 6 && counts[&Kind::AlarmDictionary] >= 2);
    }

    #[test]
    fn every_step_changes_exactly_one_object_and_the_rounds_go_on() {
        let mut text = sample().to_owned();
        for step in 0..16 {
            let next = sample_step(&text, step);
            let (before, after) = (inventory(&text), inventory(&next));
            let outline = before.outline();
            let changes: usize = Kind::ALL.iter().map(|kind| after.since(&outline, *kind).count()).sum();
            assert_eq!(changes, 1, "step {step}");
            text = next;
        }
        assert_eq!(counts(&inventory(&text)), counts(&inventory(sample())));
    }

    #[test]
    fn it_grows_by_as_many_servers_as_are_asked_for() {
        let grown = sample_grown(sample(), 7, 100);
        assert!(grown.len() > sample().len() + 700);
        let (before, after) = (inventory(sample()), inventory(&grown));
        assert_eq!(counts(&after)[&Kind::Resource], 67);
        let outline = before.outline();
        assert_eq!(after.since(&outline, Kind::Resource).count(), 7);
    }

    #[test]
    fn a_foreign_text_is_left_as_it_is() {
        assert_eq!(sample_grown("a: 1\n", 3, 3), "a: 1\n");
        for step in 0..8 {
            assert_eq!(sample_step("a: 1\n", step), "a: 1\n");
        }
    }
}
