use super::*;
use crate::soap::xml;
use netweave_model::ErrorKind;
use serde_json::json;

fn told(family: Family, event: Event, changes: &[(&str, Option<&str>)]) -> Update {
    let changes = changes.iter().map(|(path, value)| {
        let value = value.map(|value| xml::parse(&format!("<val>{value}</val>")).unwrap());
        ((*path).into(), value)
    });
    Update {
        event,
        object: Ref { family, value: "o-1".into() },
        subtype: family.asked().into(),
        changes: changes.collect(),
    }
}

fn entity(family: Family, changes: &[(&str, Option<&str>)]) -> Result<Entity> {
    let mut entity = Entity::default();
    entity.apply(&told(family, Event::Enter, changes))?;
    Ok(entity)
}

#[test]
fn hardware_is_taken_by_name_so_that_nothing_else_slips_through() {
    let host = entity(
        Family::Host,
        &[
            (
                "summary.hardware",
                Some("<vendor>Maker</vendor><model>M1</model><memorySize>1024</memorySize><numCpuCores>2</numCpuCores><secret>s</secret>"),
            ),
            (
                "hardware.systemInfo",
                Some("<otherIdentifyingInfo><identifierValue> S1 </identifierValue><identifierType><key>ServiceTag</key></identifierType></otherIdentifyingInfo><otherIdentifyingInfo><identifierValue>x</identifierValue><identifierType><key>OemSpecificString</key></identifierType></otherIdentifyingInfo>"),
            ),
            (
                "config.network.pnic",
                Some("<PhysicalNic><device>vmnic1</device><mac>m1</mac><linkSpeed><speedMb>1</speedMb></linkSpeed></PhysicalNic><PhysicalNic><device>vmnic0</device></PhysicalNic>"),
            ),
        ],
    )
    .unwrap();
    assert_eq!(
        json!(host.facts),
        json!({
            "hardware": {"vendor": "Maker", "model": "M1", "memoryBytes": 1024, "cpuCores": 2},
            "system": {"serviceTag": "S1"},
            "nics": [{"device": "vmnic0"}, {"device": "vmnic1", "mac": "m1"}],
        })
    );
}

#[test]
fn values_come_change_and_go() {
    let mut machine =
        entity(Family::Machine, &[("name", Some("a%2fb")), ("config.hardware.numCPU", Some("2"))]).unwrap();
    assert_eq!((machine.name.as_deref(), machine.count("cpus")), (Some("a/b"), Some(2)));
    machine
        .apply(&told(
            Family::Machine,
            Event::Modify,
            &[("config.hardware.numCPU", None), ("config.template", Some("true"))],
        ))
        .unwrap();
    assert_eq!(json!(machine.facts), json!({"template": true}));
    assert_eq!(machine.name.as_deref(), Some("a/b"));
    machine.apply(&told(Family::Machine, Event::Enter, &[])).unwrap();
    assert_eq!((machine.name, machine.facts.len()), (None, 0), "what enters again begins anew");
}

#[test]
fn a_value_of_another_form_is_an_error_that_names_it() {
    for (path, value) in [
        ("config.hardware.numCPU", "many"),
        ("config.template", "perhaps"),
        ("name", "<a>x</a>"),
        ("runtime.host", "host-1"),
        ("config.hardware[4].numCPU", "1"),
        ("datastore.x", "1"),
    ] {
        let outcome = entity(Family::Machine, &[(path, Some(value))]);
        if path == "config.hardware[4].numCPU" {
            assert!(outcome.is_ok(), "nobody asked for that");
            continue;
        }
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{path}");
        assert!(error.to_string().contains(path), "{error}");
    }
}

#[test]
fn an_unknown_word_is_passed_on() {
    let host = entity(Family::Host, &[("runtime.powerState", Some("hibernating"))]).unwrap();
    assert_eq!(host.text("powerState"), Some("hibernating"));
}

#[test]
fn each_path_has_a_place() {
    for family in Family::ALL {
        for path in paths(family) {
            entity(family, &[(path, None)]).unwrap();
        }
    }
}
