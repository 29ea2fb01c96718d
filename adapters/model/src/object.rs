//! An inventory object as it travels from a backend through the log to the views: its key and its JSON.

use crate::domain::Info;
use crate::error::{Error, Result};
use crate::kind::Kind;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a text as it is.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }
    };
}

text_id! {
    /// An identifier of the interface: any non-empty text. Ours are UUIDs.
    Id
}
text_id! {
    /// The configured name of one backend instance.
    SourceName
}

impl Id {
    /// Derives the stable id of a backend's object: UUIDv5 over source, kind and the backend's own id.
    ///
    /// The same object has the same id after a restart and after the loss of all state.
    pub fn stable(source: &SourceName, kind: Kind, native: &str) -> Self {
        /// Namespace of all ids made here; fixed for ever.
        const NAMESPACE: Uuid = Uuid::from_u128(0x6f2c_1f4e_6b1d_5e0a_9a57_0d4e_7766_2041);
        let name = format!("{source}\n{}\n{native}", kind.type_name());
        Self::from(Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string())
    }
}

/// What names an object within one source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// Its kind.
    pub kind: Kind,
    /// Its identifier, unique within the kind over all sources.
    pub id: Id,
}

/// One inventory object, serialised once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Kind and identifier.
    pub key: ObjectKey,
    /// The pool of a resource; `None` for all other kinds.
    pub parent: Option<Id>,
    /// The object as compact UTF-8 JSON with the specification's attribute names (the superset that both majors share).
    pub json: Bytes,
}

impl Object {
    /// Serialises a domain object.
    ///
    /// # Errors
    /// `Internal`: the object holds something JSON cannot say.
    pub fn encode<T: Info>(info: &T) -> Result<Self> {
        let json = serde_json::to_vec(info).map_err(|error| {
            Error::internal("an inventory object cannot be serialised").with_source(error)
        })?;
        Ok(Self {
            key: ObjectKey { kind: T::KIND, id: info.id().clone() },
            parent: info.parent().cloned(),
            json: json.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_ids_depend_on_source_kind_and_native_id_only() {
        let a = SourceName::from("a");
        assert_eq!(Id::stable(&a, Kind::Resource, "n"), Id::stable(&a, Kind::Resource, "n"));
        assert_ne!(Id::stable(&a, Kind::Resource, "n"), Id::stable(&a, Kind::ResourcePool, "n"));
        assert_ne!(
            Id::stable(&a, Kind::Resource, "n"),
            Id::stable(&SourceName::from("b"), Kind::Resource, "n")
        );
    }
}
