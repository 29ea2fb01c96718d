use super::*;
use netweave_model::NewSubscription;
use netweave_model::subscription::{Major, StateForm};
use std::time::Duration;

fn saved(id: &str, secret: &str) -> Saved {
    let new = NewSubscription {
        owner: "smo".to_owned(),
        major: Major::V2,
        callback: "https://smo.example/a".to_owned(),
        consumer_subscription_id: Some("mine".to_owned()),
        filter: None,
        states: StateForm::Object,
        secret: secret.into(),
        lease: Duration::from_mins(1),
    };
    let subscription = new.made(Id::from(id), Timestamp(5));
    Saved { subscription, last_sequence: 7, waiting: 2, dead: 1 }
}

fn first() -> First {
    First::new(Timestamp(9), "redis", Some("1.0".to_owned()))
}

fn written(all: &[Saved]) -> String {
    let mut writer = Writer::new(Vec::new(), &first()).unwrap();
    for one in all {
        writer.put(one).unwrap();
    }
    String::from_utf8(writer.finish().unwrap().0).unwrap()
}

fn text() -> String {
    written(&[saved("a", "sealed:1:k:AAAA"), saved("b", "whsec_AAAA")])
}

fn read(text: &str) -> Result<(First, Vec<Saved>, Totals), Damage> {
    let mut reader = Reader::open(text.as_bytes())?;
    let mut all = Vec::new();
    while let Some(one) = reader.next_one()? {
        all.push(one);
    }
    Ok((reader.first().clone(), all, reader.totals()))
}

fn damage(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn what_is_written_is_read() {
    let all = vec![saved("a", "sealed:1:k:AAAA"), saved("b", "whsec_AAAA")];
    let totals = Totals { subscriptions: 2, waiting: 4, dead_letters: 2, unsealed: 1 };
    assert_eq!(read(&text()), Ok((first(), all, totals)));
    assert_eq!(read(&written(&[])), Ok((first(), Vec::new(), Totals::default())));
}

#[test]
fn every_cut_is_noticed() {
    let text = text();
    for end in 0..text.len() {
        assert!(read(text.get(..end).unwrap()).is_err(), "{end}");
    }
    assert_eq!(damage(text.trim_end()), "line 4: its end is missing, so the file is cut");
}

#[test]
fn every_changed_byte_is_noticed() {
    let text = text();
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1;
        assert!(String::from_utf8(bytes).is_ok_and(|changed| read(&changed).is_err()), "{place}");
    }
}

#[test]
fn every_other_change_is_noticed() {
    let text = text();
    assert!(damage(&text.replace("/a\"", "/c\"")).starts_with("line 4: the checksum"));
    let without_b: String =
        text.split_inclusive('\n').enumerate().filter(|(n, _)| *n != 2).map(|(_, line)| line).collect();
    assert!(damage(&without_b).starts_with("line 3: counted were"), "{}", damage(&without_b));
    assert!(damage(&text.replace("\"owner\"", "\"ovner\"")).starts_with("line 2: cannot be read"));
    let twice = text.replace("\"id\":\"b\"", "\"id\":\"a\"");
    assert!(damage(&twice).starts_with("line 3: the subscription is there twice"));
    assert!(damage(&(text + "{}\n")).contains("goes on behind its last line"));
}

#[test]
fn other_files_are_told_apart() {
    assert!(damage("").starts_with("line 1: "));
    assert_eq!(damage("{\"a\":1}\n"), "line 1: this is no backup of netweave");
    assert!(damage("apiVersion: netweave/v1\n").starts_with("line 1: this is no backup"));
    let later = text().replacen("\"version\":1", "\"version\":2", 1);
    assert!(damage(&later).starts_with("line 1: is of version 2"));
}

#[test]
fn a_line_without_end_is_not_read_for_ever() {
    let long = text().lines().next().unwrap().to_owned() + "\n" + &"x".repeat(LINE + 10);
    assert_eq!(damage(&long), "line 2: is too long");
}
