//! Golden files, and that the printed default is the default.

use super::effective::{MASK, mask};
use super::*;
use crate::conf::load::{Sources, load};
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;

fn golden(path: &str, command: &str, text: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let committed = std::fs::read_to_string(root.join(path)).unwrap_or_default();
    assert!(committed == text, "{path} is not what the binary prints; run: netweave {command} > {path}");
}

#[test]
fn the_committed_default_file_is_what_the_binary_prints() {
    golden("conf/netweave.yaml", "config default", &default_file().unwrap());
}

#[test]
fn the_committed_schema_is_what_the_binary_prints() {
    let text = serde_json::to_string_pretty(&schema::document()).unwrap();
    golden("conf/netweave.schema.json", "config schema", &format!("{text}\n"));
}

#[test]
fn the_committed_reference_is_what_the_binary_prints() {
    golden("docs/configuration.md", "config reference", &reference());
}

#[test]
fn the_printed_default_loads_as_the_default() {
    let text = default_file().unwrap();
    let loaded = load(&Sources { file: Some(&text), ..Sources::default() });
    assert_eq!(loaded.faults, []);
    assert_eq!(loaded.checked().unwrap(), Conf::default());
}

#[test]
fn every_example_in_the_default_file_is_valid_when_uncommented() {
    let text = default_file().unwrap();
    let mut lines = Vec::new();
    for line in text.lines() {
        let example = line.trim_start().strip_prefix("# ").filter(|rest| {
            let key = rest.split(": ").next().unwrap_or_default();
            ["crl", "ports", "allow", "ca", "extensions"].contains(&key)
        });
        let indent = " ".repeat(line.len() - line.trim_start().len());
        match example {
            Some(example) => lines.push(format!("{indent}{example}")),
            None if ["ports: []", "allow: []", "extensions: {}"].contains(&line.trim()) => {}
            None => lines.push(line.to_owned()),
        }
    }
    let text = lines.join("\n");
    let (head, backends) = text.split_once("backends: []\n").unwrap();
    let backends: Vec<&str> = backends
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| !line.trim_start().starts_with('#') && !line.ends_with('.'))
        .collect();
    let backends = backends.join("\n");
    let file = format!("{head}{backends}");
    let loaded = load(&Sources { file: Some(&file), ..Sources::default() });
    assert_eq!(loaded.faults, [], "{file}");
    assert_eq!(loaded.unchecked().backends.len(), 5);
    assert!(loaded.unchecked().api.tls.crl.is_some());
}

#[test]
fn effective_values_name_their_origin() {
    let file = "limits:\n  body: 2MiB\nbackends:\n  - { kind: file, name: lab, path: i.yaml }\n";
    let environment = [("NETWEAVE_LIMITS_IN_FLIGHT".to_owned(), "7".to_owned())].into();
    let loaded = load(&Sources { file: Some(file), environment, ..Sources::default() });
    let text = effective(loaded.tree(), true);
    for line in
        ["  body: 2MiB  # 2:9", "  inFlight: 7  # NETWEAVE_LIMITS_IN_FLIGHT", "  header: 16KiB  # default"]
    {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("  - kind: file  # 4:"), "{text}");
    let plain = effective(loaded.tree(), false);
    let again = load(&Sources { file: Some(&plain), ..Sources::default() });
    assert_eq!(again.checked().unwrap(), loaded.checked().unwrap());
}

#[test]
fn effective_values_as_json_name_their_origin() {
    let file = "backends:\n  - { kind: file, name: lab, path: i.yaml }\n";
    let loaded = load(&Sources { file: Some(file), ..Sources::default() });
    let list = effective_json(loaded.tree(), true);
    let found =
        |path: &str| list.as_array().unwrap().iter().find(|value| value["path"] == path).unwrap().clone();
    let right =
        json!({"path": "backends[0].name", "value": "lab", "source": "file", "line": 2, "column": 25});
    assert_eq!(found("backends[0].name"), right);
    assert_eq!(found("limits.header")["source"], "default");
    assert_eq!(effective_json(loaded.tree(), false)["limits"]["header"], "16KiB");
}

#[test]
fn secrets_are_masked() {
    let document = serde_json::json!({"type": "object", "properties": {"password": {"type": "string", "writeOnly": true}}});
    let mut tree = Node::parse("password: hunter2").unwrap();
    mask(Schema::new(&document), &mut tree);
    assert_eq!(Json::from(&tree), json!({"password": MASK}));
    let loaded = load(&Sources {
        file: Some("state: { kind: redis, url: 'redis://gate:hunter2@h:1/0' }"),
        ..Sources::default()
    });
    assert!(!loaded.faults.is_empty(), "no URL may have a password");
    let shown = effective(loaded.tree(), false);
    assert!(!shown.contains("hunter2") && shown.contains("***@h:1"), "{shown}");
}

proptest! {
    #[test]
    fn any_text_reads_back_as_it_was(text in "\\PC{0,24}") {
        let node = Node::parse(&format!("a: {}\nb: [{}]\n", scalar(&text), scalar(&text))).unwrap();
        let right = serde_json::json!({"a": text, "b": [text]});
        prop_assert_eq!(Json::from(&node), right);
    }

    /// Effective values are a file again, whatever was set.
    #[test]
    fn what_is_printed_loads_as_what_it_was(
        body in 1_u64..64, rate in 1_u32..1_000_000, name in "[a-zA-Z0-9 :#'\"-]{1,20}", seconds in 1_u64..604_800,
    ) {
        let mut conf = Conf::default();
        conf.limits.body = crate::conf::unit::Size::kib(body * 1024);
        conf.limits.per_identity.rate = rate;
        conf.o_cloud.name = name;
        conf.cache.ttl.resources = crate::conf::unit::Span::seconds(seconds);
        let text = effective(&Node::of(&conf).unwrap(), false);
        let loaded = load(&Sources { file: Some(&text), ..Sources::default() });
        prop_assert_eq!(loaded.checked(), Ok(conf));
    }
}
