//! One object of each kind, as it must be sent.

use netweave_model::Object;
use netweave_model::domain::{
    AlarmDictionary, DeploymentManagerInfo, Info, LocationInfo, OCloudSiteInfo, PerformanceDictionary,
    ResourceInfo, ResourcePoolInfo, ResourceTypeInfo,
};
use serde::de::DeserializeOwned;

/// Reads one golden body into the domain and encodes it again, as a backend would.
fn encoded<T: Info + DeserializeOwned>(golden: &str) -> Object {
    Object::encode(&serde_json::from_str::<T>(golden).unwrap()).unwrap()
}

pub(super) fn inventory() -> Vec<Object> {
    vec![
        encoded::<LocationInfo>(LOCATION),
        encoded::<OCloudSiteInfo>(SITE),
        encoded::<ResourceTypeInfo>(TYPE),
        encoded::<ResourcePoolInfo>(POOL),
        encoded::<ResourceInfo>(RESOURCE),
        encoded::<DeploymentManagerInfo>(MANAGER),
        encoded::<AlarmDictionary>(ALARMS),
        encoded::<PerformanceDictionary>(MEASUREMENTS),
    ]
}

pub(super) const LOCATION: &str = r#"{"globalLocationId":"loc","name":"l","description":"a place","oCloudSiteIds":["site"],"coordinate":{"type":"Point","coordinates":[13.4,52.5]},"civicAddress":[{"caType":24,"caValue":"10115"}],"extensions":{}}"#;
pub(super) const SITE: &str = r#"{"oCloudSiteId":"site","globalLocationId":"loc","name":"s","description":"a site","resourcePools":["pool"],"extensions":{}}"#;
pub(super) const POOL: &str = r#"{"resourcePoolId":"pool","oCloudId":"o","globalLocationId":"loc","name":"p","oCloudSiteId":"site","description":"a pool","location":"Berlin","extensions":{}}"#;
pub(super) const RESOURCE: &str = r#"{"resourceId":"res","resourcePoolId":"pool","resourceTypeId":"type","description":"a resource","elements":[],"tags":["gpu"],"groups":[],"extensions":{"labels":{"topology.kubernetes.io/zone":"z1"}}}"#;
pub(super) const MANAGER: &str = r#"{"deploymentManagerId":"dms","name":"d","description":"a manager","oCloudId":"o","serviceUri":"https://dms.example","supportedLocations":["loc"],"capabilities":{},"capacity":{"cpu":"8"},"extensions":{}}"#;
pub(super) const ALARMS: &str = r#"{"alarmDictionaryId":"alarms","alarmDictionaryVersion":"1","alarmDictionarySchemaVersion":"1","entityType":"t","vendor":"v","managementInterfaceId":["O2IMS"],"pkNotificationField":["alarmDefinitionId"],"alarmDefinition":[{"alarmDefinitionId":"00000000-0000-0000-0000-000000000000","alarmName":"down","alarmLastChange":"1","alarmChangeType":"ADDED","alarmDescription":"it is down","proposedRepairActions":"lift it","clearingType":"AUTOMATIC","managementInterfaceId":[],"pkNotificationField":[],"alarmAdditionalFields":{}}],"probableCauses":[{"probableCauseCode":"NODE_DOWN","probableCauseDescription":"the node is down"}]}"#;
pub(super) const MEASUREMENTS: &str = r#"{"performanceDictionaryId":"measurements","performanceDictionaryVersion":"1","performanceDictionarySchemaVersion":"1","vendorSoftwareProduct":"x","supportedInterfaces":["O2IMS"],"supportedMeasurements":[]}"#;
pub(super) const TYPE: &str = r#"{"resourceTypeId":"type","name":"t","description":"a type","vendor":"v","model":"m","version":"1","alarmDictionaryId":"alarms","performanceDictionaryId":"measurements","resourceKind":"PHYSICAL","resourceClass":"COMPUTE","extensions":{}}"#;
pub(super) const CLOUD: &str = r#"{"oCloudId":"o","globalCloudId":"g","name":"cloud","description":"a cloud","serviceUri":"https://ims.example","extensions":{}}"#;
pub(super) const CLOUD_FIELD: &str = r#"{"oCloudId":"o","globalCloudId":"g","name":"cloud","description":"a cloud","serviceUri":"https://ims.example","extensions":{},"globalcloudId":"g"}"#;
