//! What nodes can raise and measure: one alarm dictionary and one performance dictionary, the same for every cluster.

use super::Scope;
use netweave_model::domain::{
    AlarmChangeType, AlarmDefinition, AlarmDictionary, ClearingType, KeyValuePairs, MeasurementDefinition,
    PerformanceDictionary, ProbableCause,
};
use netweave_model::{Error, Id, Kind, Object, Result};
use serde_json::json;
use uuid::Uuid;

const VERSION: &str = "1.0.0";
const INTERFACE: &str = "O2IMS";

/// Condition, name, description, repair.
const ALARMS: &[(&str, &str, &str, &str)] = &[
    (
        "Ready",
        "Node not ready",
        "The node does not report that it is ready to run workloads",
        "Check power and network of the machine, then kubelet and container runtime on it",
    ),
    (
        "MemoryPressure",
        "Memory pressure",
        "The node runs out of memory",
        "Move workloads away or add memory; find the workload that grows",
    ),
    (
        "DiskPressure",
        "Disk pressure",
        "The node runs out of disk space or inodes",
        "Remove unused images and logs, or enlarge the disk",
    ),
    (
        "PIDPressure",
        "Process pressure",
        "The node runs out of process ids",
        "Find the workload that starts too many processes",
    ),
    (
        "NetworkUnavailable",
        "Network unavailable",
        "The network of the node is not set up",
        "Check the network plugin on the node",
    ),
];
const CAUSES: &[(&str, &str)] = &[
    ("node-unreachable", "The machine is switched off or cut off from the network"),
    ("node-agent-failed", "The agent on the machine does not run"),
    ("resource-exhausted", "A resource of the machine is used up"),
    ("network-plugin-failed", "The network plugin did not set up the machine's network"),
];
/// Measurement, name, unit.
const MEASUREMENTS: &[(&str, &str, &str)] = &[
    ("node.cpu.usage", "Processor time used per second", "cores"),
    ("node.memory.usage", "Memory in the working set", "bytes"),
];

/// Returns the identifier of the alarm dictionary.
pub(crate) fn alarm_id(scope: &Scope) -> Id {
    scope.id(Kind::AlarmDictionary, "node")
}

/// Returns the identifier of the performance dictionary.
pub(crate) fn performance_id(scope: &Scope) -> Id {
    scope.id(Kind::PerformanceDictionary, "node")
}

/// Makes the alarm dictionary.
pub(crate) fn alarms(scope: &Scope) -> Result<Object> {
    let fields: KeyValuePairs = KeyValuePairs::new();
    let definition =
        |(condition, name, description, repair): &(&str, &str, &str, &str)| -> Result<AlarmDefinition> {
            let id = scope.id(Kind::AlarmDictionary, &format!("node/{condition}"));
            let mut fields = fields.clone();
            fields.insert("condition".to_owned(), json!(condition));
            Ok(AlarmDefinition {
                alarm_definition_id: Uuid::parse_str(id.as_str())
                    .map_err(|error| Error::internal("a derived id is not a UUID").with_source(error))?,
                alarm_name: (*name).to_owned(),
                alarm_last_change: VERSION.to_owned(),
                alarm_change_type: AlarmChangeType::Added,
                alarm_description: (*description).to_owned(),
                proposed_repair_actions: (*repair).to_owned(),
                clearing_type: ClearingType::Automatic,
                management_interface_id: vec![INTERFACE.to_owned()],
                pk_notification_field: vec!["alarmDefinitionId".to_owned()],
                alarm_additional_fields: fields,
            })
        };
    let cause = |(code, description): &(&str, &str)| ProbableCause {
        probable_cause_code: (*code).to_owned(),
        probable_cause_description: (*description).to_owned(),
        standard_reference: None,
    };
    Object::encode(&AlarmDictionary {
        alarm_dictionary_id: alarm_id(scope),
        alarm_dictionary_version: VERSION.to_owned(),
        alarm_dictionary_schema_version: VERSION.to_owned(),
        entity_type: "node".to_owned(),
        vendor: "Kubernetes".to_owned(),
        management_interface_id: vec![INTERFACE.to_owned()],
        pk_notification_field: vec!["alarmDefinitionId".to_owned()],
        alarm_definition: ALARMS.iter().map(definition).collect::<Result<_>>()?,
        probable_causes: CAUSES.iter().map(cause).collect(),
    })
}

/// Makes the performance dictionary.
pub(crate) fn performance(scope: &Scope) -> Result<Object> {
    let measurement = |(key, name, unit): &(&str, &str, &str)| MeasurementDefinition {
        performance_measurement_definition_id: scope.id(Kind::PerformanceDictionary, &format!("node/{key}")),
        performance_measurement_id: (*key).to_owned(),
        standard_reference: None,
        supported_interfaces: vec![INTERFACE.to_owned()],
        measurement_definition: [("name", name), ("unit", unit), ("collection", &"GAUGE")]
            .map(|(key, value)| (key.to_owned(), json!(value)))
            .into_iter()
            .collect(),
        extensions: KeyValuePairs::new(),
    };
    Object::encode(&PerformanceDictionary {
        performance_dictionary_id: performance_id(scope),
        performance_dictionary_version: VERSION.to_owned(),
        performance_dictionary_schema_version: VERSION.to_owned(),
        vendor_software_product: "Kubernetes metrics API".to_owned(),
        supported_interfaces: vec![INTERFACE.to_owned()],
        supported_measurements: MEASUREMENTS.iter().map(measurement).collect(),
    })
}
