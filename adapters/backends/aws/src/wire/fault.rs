//! A refusal, in the two forms in which the services write one.

use super::start;
use serde::Deserialize;

/// Why something was refused, in the service's words.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Fault {
    #[serde(rename = "Code", default)]
    pub(crate) code: String,
    #[serde(rename = "Message", default)]
    pub(crate) message: String,
}

/// EC2 writes `Response/Errors/Error`, the others `ErrorResponse/Error`.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "Errors", default)]
    errors: Option<Errors>,
    #[serde(rename = "Error", default)]
    error: Option<Fault>,
}

#[derive(Default, Deserialize)]
struct Errors {
    #[serde(rename = "Error", default)]
    errors: Vec<Fault>,
}

impl Fault {
    /// Reads the first fault of an answer; one that is not of this form has no code, and its start as its message.
    pub(crate) fn read(body: &str) -> Self {
        let refusal: Refusal = quick_xml::de::from_str(body).unwrap_or_default();
        let first = refusal.errors.and_then(|errors| errors.errors.into_iter().next()).or(refusal.error);
        let fault = first.unwrap_or_else(|| Self { code: String::new(), message: body.to_owned() });
        Self { code: start(&fault.code), message: start(&fault.message) }
    }
}
