//! Alarm and performance dictionaries.

use super::Reader;
use crate::fields::Fields;
use netweave_model::domain::{
    AlarmChangeType, AlarmDefinition, AlarmDictionary, ClearingType, MeasurementDefinition,
    PerformanceDictionary, ProbableCause, StandardReference,
};
use netweave_model::{Id, Kind};
use std::collections::BTreeSet;
use uuid::Uuid;

const ALARMS: &[&str] =
    &["key", "id", "version", "schemaVersion", "entityType", "vendor", "alarms", "probableCauses"];
const ALARM: &[&str] = &[
    "key",
    "id",
    "name",
    "lastChange",
    "changeType",
    "description",
    "proposedRepairActions",
    "clearingType",
    "additionalFields",
];
const CAUSE: &[&str] = &["code", "description", "standardReference"];
const STANDARD: &[&str] = &["organization", "specification", "version"];
const MEASUREMENTS: &[&str] =
    &["key", "id", "version", "schemaVersion", "vendorSoftwareProduct", "measurements"];
const MEASUREMENT: &[&str] = &["key", "id", "standardReference", "measurementDefinition", "extensions"];

/// The only interface over which this gateway speaks.
const INTERFACE: &str = "O2IMS";
const SCHEMA_VERSION: &str = "1.0.0";

/// The entries of these sections with their ids.
pub(super) struct Dictionaries<'a> {
    alarms: Vec<(Id, Fields<'a>)>,
    measurements: Vec<(Id, Fields<'a>)>,
}

/// First pass: opens and names all entries.
pub(super) fn open<'a>(reader: &mut Reader<'_>, top: &Fields<'a>) -> Dictionaries<'a> {
    let mut named = |section, known, kind| -> Vec<(Id, Fields<'a>)> {
        let entries = top.entries(section, known);
        entries.into_iter().map(|fields| (reader.names.declare(kind, &fields), fields)).collect()
    };
    Dictionaries {
        alarms: named("alarmDictionaries", ALARMS, Kind::AlarmDictionary),
        measurements: named("performanceDictionaries", MEASUREMENTS, Kind::PerformanceDictionary),
    }
}

/// Second pass: makes the objects.
pub(super) fn build(reader: &Reader<'_>, dictionaries: &Dictionaries<'_>) {
    for (id, fields) in &dictionaries.alarms {
        reader.add(fields, &alarm_dictionary(reader, id, fields));
    }
    for (id, fields) in &dictionaries.measurements {
        reader.add(fields, &performance_dictionary(reader, id, fields));
    }
}

fn alarm_dictionary(reader: &Reader<'_>, id: &Id, fields: &Fields<'_>) -> AlarmDictionary {
    let version = fields.text("version");
    let alarms = fields.entries("alarms", ALARM);
    let causes = fields.entries("probableCauses", CAUSE);
    if alarms.is_empty() {
        fields.fault_of("alarms", "must hold at least one alarm");
    }
    if causes.is_empty() {
        fields.fault_of("probableCauses", "must hold at least one cause");
    }
    refuse_twins(&alarms, "key");
    refuse_twins(&causes, "code");
    let dictionary = fields.text("key");
    AlarmDictionary {
        alarm_dictionary_id: id.clone(),
        alarm_dictionary_schema_version: fields.text_or("schemaVersion", SCHEMA_VERSION),
        entity_type: fields.text("entityType"),
        vendor: fields.text("vendor"),
        management_interface_id: vec![INTERFACE.to_owned()],
        pk_notification_field: vec!["alarmDefinitionId".to_owned()],
        alarm_definition: alarms
            .iter()
            .map(|alarm| alarm_definition(reader, alarm, &dictionary, &version))
            .collect(),
        probable_causes: causes.iter().map(probable_cause).collect(),
        alarm_dictionary_version: version,
    }
}

fn alarm_definition(
    reader: &Reader<'_>,
    fields: &Fields<'_>,
    dictionary: &str,
    version: &str,
) -> AlarmDefinition {
    let key = fields.name("key");
    let native = format!("{dictionary}/{key}");
    let id = fields
        .opt_id("id")
        .map_or_else(|| Id::stable(reader.source, Kind::AlarmDictionary, &native), Id::from);
    let alarm_definition_id = Uuid::parse_str(id.as_str()).unwrap_or_else(|_| {
        fields.fault_of("id", "must be a UUID");
        Uuid::nil()
    });
    AlarmDefinition {
        alarm_definition_id,
        alarm_name: fields.text_or("name", &key),
        alarm_last_change: fields.text_or("lastChange", version),
        alarm_change_type: fields.choice("changeType", AlarmChangeType::Added, "ADDED, DELETED, MODIFIED"),
        alarm_description: fields.text("description"),
        proposed_repair_actions: fields.text("proposedRepairActions"),
        clearing_type: fields.choice("clearingType", ClearingType::Automatic, "AUTOMATIC, MANUAL"),
        management_interface_id: vec![INTERFACE.to_owned()],
        pk_notification_field: vec!["alarmDefinitionId".to_owned()],
        alarm_additional_fields: fields.pairs("additionalFields"),
    }
}

fn probable_cause(fields: &Fields<'_>) -> ProbableCause {
    ProbableCause {
        probable_cause_code: fields.text("code"),
        probable_cause_description: fields.text("description"),
        standard_reference: standard_reference(fields),
    }
}

fn standard_reference(fields: &Fields<'_>) -> Option<StandardReference> {
    fields.entry("standardReference", STANDARD).map(|standard| StandardReference {
        standard_definition_organization: standard.text("organization"),
        standard_specification: standard.text("specification"),
        version_or_release: standard.text("version"),
    })
}

fn performance_dictionary(reader: &Reader<'_>, id: &Id, fields: &Fields<'_>) -> PerformanceDictionary {
    let measurements = fields.entries("measurements", MEASUREMENT);
    if measurements.is_empty() {
        fields.fault_of("measurements", "must hold at least one measurement");
    }
    refuse_twins(&measurements, "key");
    let dictionary = fields.text("key");
    PerformanceDictionary {
        performance_dictionary_id: id.clone(),
        performance_dictionary_version: fields.text("version"),
        performance_dictionary_schema_version: fields.text_or("schemaVersion", SCHEMA_VERSION),
        vendor_software_product: fields.text("vendorSoftwareProduct"),
        supported_interfaces: vec![INTERFACE.to_owned()],
        supported_measurements: measurements
            .iter()
            .map(|entry| measurement(reader, entry, &dictionary))
            .collect(),
    }
}

fn measurement(reader: &Reader<'_>, fields: &Fields<'_>, dictionary: &str) -> MeasurementDefinition {
    let key = fields.name("key");
    let native = format!("{dictionary}/{key}");
    let stable = || Id::stable(reader.source, Kind::PerformanceDictionary, &native);
    let measurement_definition = fields.pairs("measurementDefinition");
    if measurement_definition.is_empty() {
        fields.fault_of("measurementDefinition", "must say at least name and unit");
    }
    MeasurementDefinition {
        performance_measurement_definition_id: fields.opt_id("id").map_or_else(stable, Id::from),
        performance_measurement_id: key,
        standard_reference: standard_reference(fields),
        supported_interfaces: vec![INTERFACE.to_owned()],
        measurement_definition,
        extensions: fields.pairs("extensions"),
    }
}

/// Notes a fault for each entry whose value of a key repeats an earlier one.
fn refuse_twins(entries: &[Fields<'_>], key: &str) {
    let mut seen = BTreeSet::new();
    for fields in entries {
        if let Some(text) = fields.opt_text(key)
            && !seen.insert(text)
        {
            fields.fault_of(key, "is used twice in this dictionary");
        }
    }
}
