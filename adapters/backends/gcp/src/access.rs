//! Who the gateway is to the cloud: from the credentials to the header fields of a call.

use crate::error;
use google_cloud_auth::credentials::{
    Builder, CacheableResource, Credentials, external_account, impersonated, service_account, user_account,
};
use http::{Extensions, HeaderMap};
use netweave_model::{Error, ErrorKind, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// All that the gateway may do: read Compute Engine.
const SCOPE: &str = "https://www.googleapis.com/auth/compute.readonly";
/// Time to get a token from whoever gives tokens.
const TOKEN_TIME: Duration = Duration::from_secs(10);
/// The longest credentials file.
const MAX_FILE: u64 = 64 * 1024;

/// Makes the header fields that say who is calling.
pub(crate) struct Access {
    file: Option<PathBuf>,
    current: Mutex<Option<Arc<Credentials>>>,
}

impl Access {
    /// Reads the credentials once, to see that they can be used; nobody is asked.
    ///
    /// # Errors
    /// `Invalid`, naming `credentialsFile`.
    pub(crate) fn open(file: Option<PathBuf>) -> Result<Self> {
        drop(build(file.as_deref())?);
        // Made anew by the first call: what refreshes a token lives on the runtime that uses it.
        Ok(Self { file, current: Mutex::new(None) })
    }

    /// Returns the header fields of a call that is made now.
    ///
    /// # Errors
    /// `Unauthenticated`: the credentials are refused or gone. `Unavailable`, `Timeout`: whoever gives tokens does not answer.
    pub(crate) async fn headers(&self) -> Result<HeaderMap> {
        let credentials = self.credentials()?;
        let Ok(token) = tokio::time::timeout(TOKEN_TIME, credentials.headers(Extensions::new())).await else {
            return Err(error::no_token(TOKEN_TIME));
        };
        match token.map_err(error::credentials)? {
            CacheableResource::New { data, .. } => Ok(data),
            CacheableResource::NotModified => Err(Error::internal("credentials were not asked for a change")),
        }
    }

    /// Forgets what was read, so that the next call reads the credentials again.
    pub(crate) fn renew(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn credentials(&self) -> Result<Arc<Credentials>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(credentials) = current.as_ref() {
            return Ok(Arc::clone(credentials));
        }
        let built = build(self.file.as_deref()).map_err(|error| {
            Error::new(ErrorKind::Unauthenticated, "the gateway has no credentials for the cloud")
                .with_source(error)
        })?;
        Ok(Arc::clone(current.insert(Arc::new(built))))
    }
}

fn build(file: Option<&Path>) -> Result<Credentials> {
    let unusable = |what: &'static str| Error::invalid("credentialsFile", what);
    let Some(path) = file else {
        return Builder::default()
            .with_scopes([SCOPE])
            .build()
            .map_err(|error| unusable("are not to be found or cannot be used").with_source(error));
    };
    let key: Value = read(path)?;
    let kind = key.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let built = match kind.as_str() {
        "service_account" => service_account::Builder::new(key)
            .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
            .build(),
        "external_account" => external_account::Builder::new(key).with_scopes([SCOPE]).build(),
        "impersonated_service_account" => impersonated::Builder::new(key).with_scopes([SCOPE]).build(),
        "authorized_user" => user_account::Builder::new(key).with_scopes([SCOPE]).build(),
        _ => return Err(unusable("are of a type that is not known")),
    };
    built.map_err(|error| unusable("cannot be used").with_source(error))
}

/// Reads the file; what it says stays out of every error.
fn read(path: &Path) -> Result<Value> {
    let unreadable = |error: std::io::Error| {
        Error::invalid("credentialsFile", "cannot be read")
            .with_private(path.display().to_string())
            .with_source(error)
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE {
        return Err(Error::invalid("credentialsFile", "are longer than 64 KiB"));
    }
    let text = std::fs::read(path).map_err(unreadable)?;
    serde_json::from_slice(&text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Error::invalid("credentialsFile", "are not JSON").with_private(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Result<Access> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("credentials.json");
        std::fs::write(&file, text).unwrap();
        Access::open(Some(file))
    }

    #[tokio::test]
    async fn unusable_credentials_stop_the_start_and_are_not_shown() {
        for text in [
            "",
            "secret",
            r#"{"type": "secret"}"#,
            r#"{"private_key": "secret"}"#,
            r#"{"type": "service_account", "private_key": "secret"}"#,
        ] {
            let error = open(text).err().unwrap();
            assert_eq!(
                (error.kind(), error.params()[0].name.as_ref()),
                (ErrorKind::Invalid, "credentialsFile")
            );
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let missing = Access::open(Some("/nowhere/credentials.json".into())).err().unwrap();
        assert_eq!(missing.kind(), ErrorKind::Invalid);
    }
}
