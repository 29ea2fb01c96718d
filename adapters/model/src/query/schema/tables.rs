//! The attribute tables, one per data type.
//!
//! An attribute is mandatory here if its cardinality starts at 1: support alone does not make it present.
//! Source: O-RAN.WG6.TS.O2IMS-INTERFACE-R004-v10.00, inventory data model, as the domain types cite it.

use super::Scalar::{Enum, Identifier, Integer, Number, Text, Uri, Uuid};
use super::Shape::{Map, Object, ObjectArray, Simple, SimpleArray};
use super::{Attribute, Table};

const EXTENSIONS: Attribute = Attribute::may("extensions", Map, "Vendor attributes.");
const NAME: Attribute = Attribute::must("name", Simple(Text), "Human-readable name.");
const DESCRIPTION: Attribute = Attribute::must("description", Simple(Text), "Human-readable description.");
const STANDARD_REFERENCE: Attribute =
    Attribute::may("standardReference", Object(&STANDARD), "Where it is standardised.");

pub(super) static CLOUD: Table = Table {
    name: "CloudInfo",
    attributes: &[
        Attribute::must("oCloudId", Simple(Identifier), "Identifies the O-Cloud within its own domain."),
        Attribute::must("globalCloudId", Simple(Identifier), "Identifies the O-Cloud among all of the SMO."),
        Attribute::may("globalcloudId", Simple(Identifier), "An older spelling of globalCloudId.")
            .deprecated(),
        NAME,
        DESCRIPTION,
        Attribute::must("serviceUri", Simple(Uri), "The API root, without API name and version."),
        EXTENSIONS,
    ],
};

pub(super) static LOCATION: Table = Table {
    name: "LocationInfo",
    attributes: &[
        Attribute::must("globalLocationId", Simple(Identifier), "Identifies the place."),
        NAME,
        DESCRIPTION,
        Attribute::may("oCloudSiteIds", SimpleArray(Identifier), "The sites at this place."),
        Attribute::may("coordinate", Object(&POINT), "The place as a GeoJSON point."),
        Attribute::may("civicAddress", ObjectArray(&CIVIC_ADDRESS), "The address as RFC 4776 elements."),
        Attribute::may("address", Simple(Text), "The address as one text."),
        EXTENSIONS,
    ],
};

static POINT: Table = Table {
    name: "GeoJsonPoint",
    attributes: &[
        Attribute::must("type", Simple(Enum(&["Point"])), "Always Point."),
        Attribute::must("coordinates", SimpleArray(Number), "Longitude, then latitude, in degrees (WGS 84)."),
    ],
};

static CIVIC_ADDRESS: Table = Table {
    name: "CivicAddressElement",
    attributes: &[
        Attribute::must("caType", Simple(Integer), "The element's type, as RFC 4776 numbers it."),
        Attribute::must("caValue", Simple(Text), "The element's value."),
    ],
};

pub(super) static SITE: Table = Table {
    name: "OCloudSiteInfo",
    attributes: &[
        Attribute::must("oCloudSiteId", Simple(Identifier), "Identifies the site."),
        Attribute::must("globalLocationId", Simple(Identifier), "The place where it is."),
        NAME,
        DESCRIPTION,
        Attribute::must("resourcePools", SimpleArray(Identifier), "The pools at this site."),
        EXTENSIONS,
    ],
};

pub(super) static RESOURCE_TYPE: Table = Table {
    name: "ResourceTypeInfo",
    attributes: &[
        Attribute::must("resourceTypeId", Simple(Identifier), "Identifies the type."),
        NAME,
        DESCRIPTION,
        Attribute::must("vendor", Simple(Text), "Who makes it."),
        Attribute::must("model", Simple(Text), "The maker's model name."),
        Attribute::must("version", Simple(Text), "The model's version."),
        Attribute::may("alarmDictionary", Object(&ALARM_DICTIONARY), "A copy of its alarm dictionary.")
            .deprecated(),
        Attribute::may("alarmDictionaryId", Simple(Identifier), "The alarms it can raise."),
        Attribute::may("performanceDictionaryId", Simple(Identifier), "The measurements it can deliver."),
        Attribute::must(
            "resourceKind",
            Simple(Enum(&["UNDEFINED", "PHYSICAL", "LOGICAL"])),
            "What it is made of.",
        ),
        Attribute::must(
            "resourceClass",
            Simple(Enum(&["UNDEFINED", "COMPUTE", "NETWORKING", "STORAGE"])),
            "What it is for.",
        ),
        EXTENSIONS,
    ],
};

pub(super) static RESOURCE_POOL: Table = Table {
    name: "ResourcePoolInfo",
    attributes: &[
        Attribute::must("resourcePoolId", Simple(Identifier), "Identifies the pool."),
        Attribute::must("oCloudId", Simple(Identifier), "The O-Cloud.").deprecated(),
        Attribute::must("globalLocationId", Simple(Identifier), "The place.").deprecated(),
        NAME,
        Attribute::must("oCloudSiteId", Simple(Identifier), "The site."),
        DESCRIPTION,
        Attribute::may("location", Simple(Text), "The place in words.").deprecated(),
        EXTENSIONS,
    ],
};

pub(super) static RESOURCE: Table = Table {
    name: "ResourceInfo",
    attributes: &[
        Attribute::must("resourceId", Simple(Identifier), "Identifies the resource."),
        Attribute::must("resourcePoolId", Simple(Identifier), "Its pool."),
        Attribute::must("resourceTypeId", Simple(Identifier), "Its type."),
        Attribute::may("globalAssetId", Simple(Text), "The asset in the owner's books."),
        DESCRIPTION,
        Attribute::may("elements", ObjectArray(&RESOURCE), "Resources that are part of this one."),
        Attribute::may("tags", SimpleArray(Text), "Marks without a value."),
        Attribute::may("groups", SimpleArray(Text), "Groups it belongs to."),
        EXTENSIONS,
    ],
};

pub(super) static DEPLOYMENT_MANAGER: Table = Table {
    name: "DeploymentManagerInfo",
    attributes: &[
        Attribute::must("deploymentManagerId", Simple(Identifier), "Identifies the service."),
        NAME,
        DESCRIPTION,
        Attribute::must("oCloudId", Simple(Identifier), "The O-Cloud it belongs to."),
        Attribute::must("serviceUri", Simple(Uri), "The API root of the O2-DMS service."),
        Attribute::must("supportedLocations", SimpleArray(Identifier), "The places it can deploy to."),
        Attribute::must("capabilities", Map, "What it offers."),
        Attribute::must("capacity", Map, "How much of it there is."),
        EXTENSIONS,
    ],
};

pub(super) static ALARM_DICTIONARY: Table = Table {
    name: "AlarmDictionary",
    attributes: &[
        Attribute::must("alarmDictionaryId", Simple(Identifier), "Identifies the dictionary."),
        Attribute::must("alarmDictionaryVersion", Simple(Text), "Version of its content."),
        Attribute::must("alarmDictionarySchemaVersion", Simple(Text), "Version of its form."),
        Attribute::must("entityType", Simple(Text), "What raises the alarms."),
        Attribute::must("vendor", Simple(Text), "Who makes that."),
        Attribute::must("managementInterfaceId", SimpleArray(Text), "Over which interfaces the alarms come."),
        Attribute::must("pkNotificationField", SimpleArray(Text), "The attributes that identify an alarm."),
        Attribute::must("alarmDefinition", ObjectArray(&ALARM_DEFINITION), "The alarms."),
        Attribute::must("probableCauses", ObjectArray(&PROBABLE_CAUSE), "Their causes."),
    ],
};

static ALARM_DEFINITION: Table = Table {
    name: "AlarmDefinition",
    attributes: &[
        Attribute::must("alarmDefinitionId", Simple(Uuid), "Identifies the alarm."),
        Attribute::must("alarmName", Simple(Text), "Its name."),
        Attribute::must("alarmLastChange", Simple(Text), "The dictionary version of its last change."),
        Attribute::must(
            "alarmChangeType",
            Simple(Enum(&["ADDED", "DELETED", "MODIFIED"])),
            "How it came into that version.",
        ),
        Attribute::must("alarmDescription", Simple(Text), "What it means."),
        Attribute::must("proposedRepairActions", Simple(Text), "What to do."),
        Attribute::must("clearingType", Simple(Enum(&["AUTOMATIC", "MANUAL"])), "How it ends."),
        Attribute::may("managementInterfaceId", SimpleArray(Text), "Over which interfaces it comes."),
        Attribute::may("pkNotificationField", SimpleArray(Text), "The attributes that identify it."),
        Attribute::may("alarmAdditionalFields", Map, "Vendor attributes."),
    ],
};

static PROBABLE_CAUSE: Table = Table {
    name: "ProbableCause",
    attributes: &[
        Attribute::must("probableCauseCode", Simple(Text), "The cause's code."),
        Attribute::must("probableCauseDescription", Simple(Text), "The cause in words."),
        STANDARD_REFERENCE,
    ],
};

static STANDARD: Table = Table {
    name: "StandardReference",
    attributes: &[
        Attribute::must("standardDefinitionOrganization", Simple(Text), "The organisation."),
        Attribute::must("standardSpecification", Simple(Text), "The document."),
        Attribute::must("versionOrRelease", Simple(Text), "Its version."),
    ],
};

pub(super) static PERFORMANCE_DICTIONARY: Table = Table {
    name: "PerformanceDictionary",
    attributes: &[
        Attribute::must("performanceDictionaryId", Simple(Identifier), "Identifies the dictionary."),
        Attribute::must("performanceDictionaryVersion", Simple(Text), "Version of its content."),
        Attribute::must("performanceDictionarySchemaVersion", Simple(Text), "Version of its form."),
        Attribute::must("vendorSoftwareProduct", Simple(Text), "The product that measures."),
        Attribute::must("supportedInterfaces", SimpleArray(Text), "Over which interfaces measurements come."),
        Attribute::must("supportedMeasurements", ObjectArray(&MEASUREMENT), "The measurements."),
    ],
};

static MEASUREMENT: Table = Table {
    name: "MeasurementDefinition",
    attributes: &[
        Attribute::must(
            "performanceMeasurementDefinitionId",
            Simple(Identifier),
            "Identifies the definition.",
        ),
        Attribute::must("performanceMeasurementId", Simple(Text), "Identifies the measurement."),
        STANDARD_REFERENCE,
        Attribute::may("supportedInterfaces", SimpleArray(Text), "Over which interfaces it comes."),
        Attribute::must("measurementDefinition", Map, "The definition itself."),
        EXTENSIONS,
    ],
};

pub(super) static SUBSCRIPTION: Table = Table {
    name: "InventorySubscriptionInfo",
    attributes: &[
        Attribute::must("subscriptionId", Simple(Identifier), "Assigned by the gateway."),
        Attribute::may("consumerSubscriptionId", Simple(Text), "The consumer's own name for it."),
        Attribute::may("filter", Simple(Text), "Which changes are not sent."),
        Attribute::must("callback", Simple(Uri), "Where notifications are posted."),
    ],
};
