//! Resource types and resources with their elements.

use super::places::Places;
use super::{Reader, extensions};
use crate::fields::Fields;
use netweave_model::domain::{ResourceClass, ResourceInfo, ResourceKind, ResourceTypeInfo};
use netweave_model::{Id, Kind};

const TYPE: &[&str] = &[
    "key",
    "id",
    "name",
    "description",
    "vendor",
    "model",
    "version",
    "resourceKind",
    "resourceClass",
    "alarmDictionary",
    "performanceDictionary",
    "extensions",
];
const RESOURCE: &[&str] =
    &["key", "id", "type", "description", "globalAssetId", "tags", "groups", "extensions", "elements"];
const LOOSE: &[&str] = &[
    "key",
    "id",
    "pool",
    "type",
    "description",
    "globalAssetId",
    "tags",
    "groups",
    "extensions",
    "elements",
];

/// The entries of these sections with their ids.
pub(super) struct Resources<'a> {
    types: Vec<(Id, Fields<'a>)>,
    resources: Vec<Resource<'a>>,
}

/// One resource, or a part of one.
struct Resource<'a> {
    id: Id,
    /// The pool where it is written; `None` for one that names its pool.
    pool: Option<Id>,
    fields: Fields<'a>,
    elements: Vec<Resource<'a>>,
}

/// First pass: opens and names all entries.
pub(super) fn open<'a>(reader: &mut Reader<'_>, top: &Fields<'a>, places: &Places<'a>) -> Resources<'a> {
    let mut types = Vec::new();
    for fields in top.entries("resourceTypes", TYPE) {
        types.push((reader.names.declare(Kind::ResourceType, &fields), fields));
    }
    let nested = places.pools.iter().flat_map(|(id, pool)| {
        pool.entries("resources", RESOURCE).into_iter().map(|fields| (Some(id.clone()), fields))
    });
    let loose = top.entries("resources", LOOSE).into_iter().map(|fields| (None, fields));
    let mut resources = Vec::new();
    for (pool, fields) in nested.chain(loose) {
        let id = reader.names.declare(Kind::Resource, &fields);
        let elements = open_elements(reader, &fields, &fields.text("key"));
        resources.push(Resource { id, pool, fields, elements });
    }
    Resources { types, resources }
}

/// Elements are named below their resource, `server-1/nic-0`, so their keys need only be unique there.
fn open_elements<'a>(reader: &mut Reader<'_>, parent: &Fields<'a>, path: &str) -> Vec<Resource<'a>> {
    let mut elements: Vec<Resource<'a>> = Vec::new();
    for fields in parent.entries("elements", RESOURCE) {
        let native = format!("{path}/{}", fields.name("key"));
        let id = reader.names.id_of(Kind::Resource, &fields, &native);
        if elements.iter().any(|other| other.id == id) {
            fields.fault("another element of this resource has the same key or id");
        }
        let parts = open_elements(reader, &fields, &native);
        elements.push(Resource { id, pool: None, fields, elements: parts });
    }
    elements
}

/// Second pass: makes the objects.
pub(super) fn build(reader: &Reader<'_>, entries: &Resources<'_>) {
    for (id, fields) in &entries.types {
        reader.add(fields, &resource_type(reader, id, fields));
    }
    for entry in &entries.resources {
        let pool = match &entry.pool {
            Some(pool) => pool.clone(),
            None => reader.names.find(Kind::ResourcePool, &entry.fields, "pool"),
        };
        reader.add(&entry.fields, &resource(reader, entry, &pool));
    }
}

fn resource_type(reader: &Reader<'_>, id: &Id, fields: &Fields<'_>) -> ResourceTypeInfo {
    let key = fields.opt_text("key").unwrap_or_default();
    let name = fields.text_or("name", &key);
    ResourceTypeInfo {
        resource_type_id: id.clone(),
        description: fields.text_or("description", &name),
        name,
        vendor: fields.text("vendor"),
        model: fields.text("model"),
        version: fields.text("version"),
        alarm_dictionary_id: reader.names.find_opt(Kind::AlarmDictionary, fields, "alarmDictionary"),
        performance_dictionary_id: reader.names.find_opt(
            Kind::PerformanceDictionary,
            fields,
            "performanceDictionary",
        ),
        resource_kind: fields.choice("resourceKind", ResourceKind::Undefined, "UNDEFINED, PHYSICAL, LOGICAL"),
        resource_class: fields.choice(
            "resourceClass",
            ResourceClass::Undefined,
            "UNDEFINED, COMPUTE, NETWORKING, STORAGE",
        ),
        extensions: extensions(fields),
    }
}

fn resource(reader: &Reader<'_>, entry: &Resource<'_>, pool: &Id) -> ResourceInfo {
    let fields = &entry.fields;
    let key = fields.opt_text("key").unwrap_or_default();
    ResourceInfo {
        resource_id: entry.id.clone(),
        resource_pool_id: pool.clone(),
        resource_type_id: reader.names.find(Kind::ResourceType, fields, "type"),
        global_asset_id: fields.opt_text("globalAssetId"),
        description: fields.text_or("description", &key),
        elements: entry.elements.iter().map(|element| resource(reader, element, pool)).collect(),
        tags: fields.texts("tags"),
        groups: fields.texts("groups"),
        extensions: extensions(fields),
    }
}
