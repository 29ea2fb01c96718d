//! What the majors spell differently, and documents that come from the configuration.
//!
//! Both majors share one model; everything that differs on the wire between them is here. Inventory 1.x carries a copy
//! of the alarm dictionary in each resource type, which its clients expect and `exclude_fields` cuts out; filters do not
//! see the copy. In the field's dialect the O-Cloud's id has a second spelling.

use crate::conf::tree::Compatibility;
use crate::routes::table::API;
use http::HeaderValue;
use netweave_model::Result;
use netweave_model::domain::CloudInfo;
use netweave_model::subscription::Major;
use netweave_model::{Error, Id};
use serde::{Deserialize, Serialize};

/// Returns the version of the interface that a major stands for.
///
/// Source: O-RAN.WG6.TS.O2IMS-INTERFACE-R004-v10.00, version history of the inventory API.
pub const fn version(major: Major) -> &'static str {
    match major {
        Major::V1 => "1.2.0",
        Major::V2 => "2.0.0",
    }
}

/// Returns the `Version` header of answers.
pub const fn version_header(major: Major) -> HeaderValue {
    HeaderValue::from_static(version(major))
}

/// Returns the path under which a major is served.
pub const fn base(major: Major) -> &'static str {
    match major {
        Major::V1 => "/o2ims-infrastructureInventory/v1",
        Major::V2 => "/o2ims-infrastructureInventory/v2",
    }
}

/// Renders the O-Cloud.
///
/// # Errors
/// `Internal`: its extensions cannot be serialised.
pub fn cloud(info: &CloudInfo, major: Major, compatibility: Compatibility) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Field<'a> {
        #[serde(flatten)]
        info: &'a CloudInfo,
        #[serde(rename = "globalcloudId")]
        global_cloud_id: &'a Id,
    }
    let body = match (major, compatibility) {
        (Major::V1, Compatibility::Field) => {
            serde_json::to_vec(&Field { info, global_cloud_id: &info.global_cloud_id })
        }
        (Major::V1, Compatibility::Spec) | (Major::V2, _) => serde_json::to_vec(info),
    };
    body.map_err(unwritable)
}

/// Renders the versions of the API: of one major, or of all that are served (`ApiVersionInformation`).
///
/// # Errors
/// `Internal`: never in practice.
pub fn versions(service_uri: &str, served: &[Major], of: Option<Major>) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Information {
        uri_prefix: String,
        api_versions: Vec<Version>,
    }
    #[derive(Serialize)]
    struct Version {
        version: &'static str,
    }
    let root = service_uri.trim_end_matches('/');
    let path = of.map_or_else(|| format!("/{API}"), |major| base(major).to_owned());
    let shown = served.iter().filter(|major| of.is_none_or(|asked| asked == **major));
    let mut api_versions: Vec<_> = shown.map(|major| Version { version: version(*major) }).collect();
    api_versions.sort_by_key(|shown| shown.version);
    serde_json::to_vec(&Information { uri_prefix: format!("{root}{path}"), api_versions }).map_err(unwritable)
}

/// The dictionaries that a resource type names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dictionaries {
    /// Of its alarms.
    pub alarm_dictionary_id: Option<Id>,
    /// Of its measurements.
    pub performance_dictionary_id: Option<Id>,
}

impl Dictionaries {
    /// Reads them from a type's JSON.
    ///
    /// # Errors
    /// `Internal`: that is no resource type.
    pub fn of(resource_type: &[u8]) -> Result<Self> {
        serde_json::from_slice(resource_type)
            .map_err(|error| Error::internal("a resource type cannot be read").with_source(error))
    }
}

/// Puts a copy of its alarm dictionary into a resource type's compact JSON.
pub fn with_alarm_dictionary(resource_type: &[u8], dictionary: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b",\"alarmDictionary\":";
    let open = resource_type.strip_suffix(b"}").unwrap_or(resource_type);
    [open, NAME, dictionary, b"}"].concat()
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::internal("a document cannot be serialised").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn info() -> CloudInfo {
        CloudInfo {
            o_cloud_id: Id::from("o"),
            global_cloud_id: Id::from("g"),
            name: "n".to_owned(),
            description: "d".to_owned(),
            service_uri: "https://ims".to_owned(),
            extensions: serde_json::Map::new(),
        }
    }

    fn read(body: Result<Vec<u8>>) -> Value {
        serde_json::from_slice(&body.unwrap()).unwrap()
    }

    #[test]
    fn only_the_fields_v1_has_the_second_spelling() {
        let spelled =
            |major, compatibility| read(cloud(&info(), major, compatibility)).get("globalcloudId").cloned();
        assert_eq!(spelled(Major::V1, Compatibility::Field), Some(json!("g")));
        assert_eq!(spelled(Major::V1, Compatibility::Spec), None);
        assert_eq!(spelled(Major::V2, Compatibility::Field), None);
    }

    #[test]
    fn versions_of_one_major_and_of_all() {
        let all = read(versions("https://ims/", &[Major::V2, Major::V1], None));
        assert_eq!(
            all,
            json!({"uriPrefix": "https://ims/o2ims-infrastructureInventory", "apiVersions": [{"version": "1.2.0"}, {"version": "2.0.0"}]})
        );
        let one = read(versions("https://ims", &[Major::V2, Major::V1], Some(Major::V2)));
        assert_eq!(
            one,
            json!({"uriPrefix": "https://ims/o2ims-infrastructureInventory/v2", "apiVersions": [{"version": "2.0.0"}]})
        );
    }

    #[test]
    fn a_dictionary_is_put_inside() {
        let body = with_alarm_dictionary(br#"{"name":"x"}"#, br#"{"vendor":"v"}"#);
        assert_eq!(read(Ok(body)), json!({"name": "x", "alarmDictionary": {"vendor": "v"}}));
    }
}
