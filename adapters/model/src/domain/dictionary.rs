//! Alarm and performance dictionaries.

use super::{Info, KeyValuePairs};
use crate::kind::Kind;
use crate::object::Id;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The alarms of one type of entity (`AlarmDictionary`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmDictionary {
    /// Identifies the dictionary.
    pub alarm_dictionary_id: Id,
    /// Version of its content.
    pub alarm_dictionary_version: String,
    /// Version of its form.
    pub alarm_dictionary_schema_version: String,
    /// What raises the alarms.
    pub entity_type: String,
    /// Who makes that.
    pub vendor: String,
    /// Over which interfaces the alarms come: `O2IMS`.
    pub management_interface_id: Vec<String>,
    /// The attributes that identify an alarm: `alarmDefinitionId`.
    pub pk_notification_field: Vec<String>,
    /// The alarms, at least one.
    pub alarm_definition: Vec<AlarmDefinition>,
    /// Their causes, at least one.
    pub probable_causes: Vec<ProbableCause>,
}

/// How an alarm came into the dictionary; upper case as live servers send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AlarmChangeType {
    /// It is new.
    Added,
    /// It was removed.
    Deleted,
    /// It was changed.
    Modified,
}

/// How an alarm ends; upper case as live servers send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ClearingType {
    /// By itself.
    Automatic,
    /// By a person.
    Manual,
}

/// One alarm that can be raised (`AlarmDefinition`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmDefinition {
    /// Identifies the alarm.
    pub alarm_definition_id: Uuid,
    /// Its name.
    pub alarm_name: String,
    /// The dictionary version of its last change.
    pub alarm_last_change: String,
    /// How it came into that version.
    pub alarm_change_type: AlarmChangeType,
    /// What it means.
    pub alarm_description: String,
    /// What to do.
    pub proposed_repair_actions: String,
    /// How it ends.
    pub clearing_type: ClearingType,
    /// Over which interfaces it comes.
    #[serde(default)]
    pub management_interface_id: Vec<String>,
    /// The attributes that identify it.
    #[serde(default)]
    pub pk_notification_field: Vec<String>,
    /// Vendor attributes.
    #[serde(default)]
    pub alarm_additional_fields: KeyValuePairs,
}

/// Why an alarm may be raised (`ProbableCause`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbableCause {
    /// The cause's code.
    pub probable_cause_code: String,
    /// The cause in words.
    pub probable_cause_description: String,
    /// Where it is standardised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_reference: Option<StandardReference>,
}

/// Where something is standardised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StandardReference {
    /// The organisation.
    pub standard_definition_organization: String,
    /// The document.
    pub standard_specification: String,
    /// Its version.
    pub version_or_release: String,
}

/// The measurements of one type of entity (`PerformanceDictionary`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PerformanceDictionary {
    /// Identifies the dictionary.
    pub performance_dictionary_id: Id,
    /// Version of its content.
    pub performance_dictionary_version: String,
    /// Version of its form.
    pub performance_dictionary_schema_version: String,
    /// The product that measures.
    pub vendor_software_product: String,
    /// Over which interfaces the measurements come: `O2IMS`.
    pub supported_interfaces: Vec<String>,
    /// The measurements, at least one.
    pub supported_measurements: Vec<MeasurementDefinition>,
}

/// One measurement that can be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasurementDefinition {
    /// Identifies the definition.
    pub performance_measurement_definition_id: Id,
    /// Identifies the measurement.
    pub performance_measurement_id: String,
    /// Where it is standardised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_reference: Option<StandardReference>,
    /// Over which interfaces it comes.
    #[serde(default)]
    pub supported_interfaces: Vec<String>,
    /// The definition itself: name, unit, how it is collected.
    pub measurement_definition: KeyValuePairs,
    /// Vendor attributes.
    #[serde(default)]
    pub extensions: KeyValuePairs,
}

impl Info for AlarmDictionary {
    const KIND: Kind = Kind::AlarmDictionary;

    fn id(&self) -> &Id {
        &self.alarm_dictionary_id
    }
}

impl Info for PerformanceDictionary {
    const KIND: Kind = Kind::PerformanceDictionary;

    fn id(&self) -> &Id {
        &self.performance_dictionary_id
    }
}
