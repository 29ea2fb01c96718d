use super::*;
use crate::inventory::Inventory;
use crate::inventory::tests::scope;
use crate::soap::xml;
use proptest::prelude::*;

/// An answer to a wait, in the form of vcsim (govmomi 0.56); written for this test.
const UPDATES: &str = r#"<WaitForUpdatesExResponse xmlns="urn:vim25"><returnval><version>7</version><filterSet>
    <filter type="PropertyFilter">session[1]filter-1</filter>
    <objectSet><kind>enter</kind><obj type="VirtualMachine">vm-1</obj>
      <changeSet><name>name</name><op>assign</op><val xmlns:_X="x" _X:type="xsd:string">web</val></changeSet>
      <changeSet><name>runtime.host</name><op>assign</op><val type="HostSystem" xsi:type="ManagedObjectReference">host-1</val></changeSet>
      <changeSet><name>config.hardware.numCPU</name><op>assign</op><val xsi:type="xsd:int">4</val></changeSet>
      <missingSet><path>config.uuid</path><fault><fault xsi:type="NoPermission"/></fault></missingSet></objectSet>
    <objectSet><kind>modify</kind><obj type="HostSystem">host-1</obj>
      <changeSet><name>summary.hardware</name><op>remove</op></changeSet></objectSet>
    <objectSet><kind>leave</kind><obj type="DistributedVirtualPortgroup">dvportgroup-1</obj></objectSet>
    <objectSet><kind>enter</kind><obj type="HostProfile">profile-1</obj></objectSet>
    </filterSet><truncated>true</truncated></returnval></WaitForUpdatesExResponse>"#;

fn read(text: &str) -> Result<Option<Updates>> {
    updates(&xml::parse(text)?)
}

#[test]
fn an_answer_to_a_wait_is_read() {
    let read = read(UPDATES).unwrap().unwrap();
    assert_eq!((read.version.as_str(), read.truncated), ("7", true));
    let said: Vec<_> =
        read.objects.iter().map(|of| (of.event, of.object.family, &*of.object.value)).collect();
    assert_eq!(
        said,
        [
            (Event::Enter, Family::Machine, "vm-1"),
            (Event::Modify, Family::Host, "host-1"),
            (Event::Leave, Family::Network, "dvportgroup-1"),
        ],
        "what nobody asked for is left out"
    );
    let paths: Vec<_> =
        read.objects[0].changes.iter().map(|(path, value)| (&**path, value.is_some())).collect();
    assert_eq!(
        paths,
        [("name", true), ("runtime.host", true), ("config.hardware.numCPU", true), ("config.uuid", false)]
    );
    assert!(read.objects[1].changes[0].1.is_none());
}

#[test]
fn an_answer_without_a_value_says_that_nothing_changed() {
    assert_eq!(read("<WaitForUpdatesExResponse/>").unwrap(), None);
    let none = xml::parse("<RetrievePropertiesExResponse/>").unwrap();
    assert_eq!(page(&none).unwrap(), Page { objects: Vec::new(), token: None });
}

#[test]
fn a_property_that_was_set_to_nothing_has_no_value() {
    let read = read(&UPDATES.replacen(r#"<val xmlns:_X="x" _X:type="xsd:string">web</val>"#, "", 1));
    assert_eq!(read.unwrap().unwrap().objects[0].changes[0], ("name".into(), None));
}

#[test]
fn what_an_answer_needs_is_missed() {
    for (lost, instead) in [
        ("<version>7</version>", ""),
        ("<kind>enter</kind>", ""),
        ("<kind>enter</kind>", "<kind>arrive</kind>"),
        (r#"<obj type="VirtualMachine">vm-1</obj>"#, ""),
        (r#"<obj type="VirtualMachine">vm-1</obj>"#, "<obj>vm-1</obj>"),
        (r#"<obj type="VirtualMachine">vm-1</obj>"#, r#"<obj type="VirtualMachine"/>"#),
        ("<name>name</name>", ""),
        ("<op>assign</op>", "<op>swap</op>"),
        (r#"<op>assign</op><val xmlns:_X="x" _X:type="xsd:string">web</val>"#, ""),
        ("<path>config.uuid</path>", ""),
        ("<truncated>true</truncated>", "<truncated>perhaps</truncated>"),
    ] {
        assert!(UPDATES.contains(lost));
        let error = read(&UPDATES.replacen(lost, instead, 1)).unwrap_err();
        assert_eq!(error.kind(), netweave_model::ErrorKind::Internal, "{lost} -> {instead}");
    }
}

/// Reads an answer as a stream does: from text into an inventory.
fn taken_in(text: &str) -> Result<usize> {
    let mut inventory = Inventory::new(scope(), About::default());
    for update in read(text)?.into_iter().flat_map(|updates| updates.objects) {
        inventory.apply(&update)?;
    }
    inventory.drain().map(|changes| changes.len())
}

proptest! {
    /// Whatever is cut out of an answer or put into it: it is understood or refused, and nothing panics.
    #[test]
    fn a_damaged_answer_is_read_or_refused(
        damages in prop::collection::vec(
            (
                any::<prop::sample::Index>(),
                0_usize..60,
                prop::sample::select(vec![
                    "", "<", ">", "</val>", "<val>", "x", "-1", "99999999999999999999", "\u{fffd}", "<kind>", "&a;", "modify",
                ]),
            ),
            1..6,
        )
    ) {
        let mut text: Vec<char> = UPDATES.chars().collect();
        for (at, length, instead) in damages {
            let from = at.index(text.len().max(1)).min(text.len());
            let to = (from + length).min(text.len());
            text.splice(from..to, instead.chars());
        }
        drop(taken_in(&text.into_iter().collect::<String>()));
    }

    /// Values of any form in any property: understood or refused.
    #[test]
    fn a_value_of_any_form_is_read_or_refused(
        family in prop::sample::select(Family::ALL.to_vec()),
        pick in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            "", "x", "-9223372036854775809", "1e9", "<a>1</a>", "<a><b>x</b></a>", "true", "2",
            r#"<ManagedObjectReference type="Datastore">d</ManagedObjectReference>"#, "<ManagedObjectReference/>",
        ]),
    ) {
        let paths: Vec<_> = crate::entity::paths(family).collect();
        let path = pick.get(&paths);
        let text = format!(
            r#"<r><returnval><version>1</version><filterSet><objectSet><kind>enter</kind><obj type="{}">o-1</obj>
            <changeSet><name>{path}</name><op>assign</op><val type="Folder">{value}</val></changeSet>
            </objectSet></filterSet></returnval></r>"#,
            family.asked()
        );
        drop(taken_in(&text));
    }
}
