//! The OpenAPI 3.1 document of everything that is served, made from the route table and the attribute tables.
//!
//! A path, a method or an attribute that is served is described: there is no second list of them here.
//! `openapi/operations.rs` says what an operation takes and gives, `openapi/schemas.rs` and `own.rs` what the data looks
//! like, `openapi/shared.rs` what many operations have in common.
//!
//! Source: OpenAPI Specification 3.1.0.

mod operations;
mod own;
mod schemas;
mod shared;

use crate::conf::tree::Compatibility;
use crate::routes::Route;
use crate::routes::table::{SLOTS, resolve, template_of};
use netweave_model::subscription::Major;
use netweave_model::{Error, Result};
use serde_json::{Map, Value, json};

/// Renders the document.
///
/// # Errors
/// `Internal`: never in practice.
pub fn document(service_uri: &str, majors: &[Major], dialect: Compatibility) -> Result<Vec<u8>> {
    let mut paths = Map::new();
    for template in templates() {
        if let Some(route) = resolve(template, majors) {
            paths.insert(template.to_owned(), path_item(&route, dialect));
        }
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "netweave: O-RAN O2-IMS infrastructure inventory",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every path is served with and without a trailing slash, and under the API name \
                O2ims_infrastructureInventory as well. HEAD is answered wherever GET is.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": service_uri.trim_end_matches('/') }],
        "security": [{ "clientCertificate": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "clientCertificate": { "type": "mutualTLS", "description": "A certificate of an accepted authority." },
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Where the gateway asks for tokens, beside the certificate." },
            },
            "schemas": schemas::all(),
            "parameters": shared::parameters(),
            "headers": shared::headers(),
            "responses": shared::responses(),
        },
    });
    serde_json::to_vec(&document).map_err(|error| Error::internal("the OpenAPI document").with_source(error))
}

/// Returns the templates of all routes, each once, in the order of the table.
fn templates() -> Vec<&'static str> {
    let mut templates = Vec::new();
    for template in (0..SLOTS).map(template_of) {
        if !templates.contains(&template) {
            templates.push(template);
        }
    }
    templates
}

/// Describes all methods of one path. Placeholders stand in the route where ids would.
fn path_item(route: &Route<'_>, dialect: Compatibility) -> Value {
    let mut item = Map::new();
    let placeholders: Vec<Value> = placeholders(route.template).map(shared::path_parameter).collect();
    if !placeholders.is_empty() {
        item.insert("parameters".to_owned(), Value::Array(placeholders));
    }
    for method in route.methods {
        item.insert(method.as_str().to_ascii_lowercase(), operations::describe(route, method, dialect));
    }
    Value::Object(item)
}

/// Returns the names of a template's placeholders.
fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

#[cfg(test)]
pub(crate) mod check;
#[cfg(test)]
mod tests;
