//! Deployment managers.

use super::{Reader, extensions};
use crate::fields::Fields;
use netweave_model::domain::DeploymentManagerInfo;
use netweave_model::{Id, Kind};

const MANAGER: &[&str] = &[
    "key",
    "id",
    "name",
    "description",
    "serviceUri",
    "supportedLocations",
    "capabilities",
    "capacity",
    "extensions",
];

/// First pass: opens and names all entries.
pub(super) fn open<'a>(reader: &mut Reader<'_>, top: &Fields<'a>) -> Vec<(Id, Fields<'a>)> {
    let entries = top.entries("deploymentManagers", MANAGER);
    entries
        .into_iter()
        .map(|fields| (reader.names.declare(Kind::DeploymentManager, &fields), fields))
        .collect()
}

/// Second pass: makes the objects.
pub(super) fn build(reader: &Reader<'_>, managers: &[(Id, Fields<'_>)]) {
    for (id, fields) in managers {
        reader.add(fields, &manager(reader, id, fields));
    }
}

fn manager(reader: &Reader<'_>, id: &Id, fields: &Fields<'_>) -> DeploymentManagerInfo {
    let key = fields.opt_text("key").unwrap_or_default();
    let name = fields.text_or("name", &key);
    let service_uri = fields.text("serviceUri");
    if !service_uri.is_empty() && !service_uri.starts_with("https://") && !service_uri.starts_with("http://")
    {
        fields.fault_of("serviceUri", "must be an http or https URI");
    }
    let supported_locations = reader.names.find_all(Kind::Location, fields, "supportedLocations");
    if supported_locations.is_empty() {
        fields.fault_of("supportedLocations", "must name at least one location");
    }
    DeploymentManagerInfo {
        deployment_manager_id: id.clone(),
        description: fields.text_or("description", &name),
        name,
        o_cloud_id: reader.o_cloud_id.clone(),
        service_uri,
        supported_locations,
        capabilities: fields.pairs("capabilities"),
        capacity: fields.pairs("capacity"),
        extensions: extensions(fields),
    }
}
