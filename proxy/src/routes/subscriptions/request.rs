//! Reads JSON bodies of requests: bounded, strict about the types of members that are known, silent about others.

use netweave_model::subscription::StateForm;
use netweave_model::{Error, ErrorKind, Result};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Largest body that describes a subscription.
const MAX_BODY: usize = 64 * 1024;
/// Deepest nesting of a body.
const MAX_DEPTH: usize = 32;
/// Longest consumer id, in bytes.
const MAX_CONSUMER_ID: usize = 1024;

/// What a client wants to subscribe to. A `subscriptionId` that it sends is ignored, as are unknown members.
///
/// Source: O-RAN.WG6.TS.O2IMS-INTERFACE-R004-v10.00, `InventorySubscriptionInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where notifications are to be posted; not checked yet.
    pub callback: String,
    /// The consumer's own name for the subscription.
    pub consumer_subscription_id: Option<String>,
    /// What must not be sent; not parsed yet.
    pub filter: Option<String>,
    /// How notifications carry states: a member of our own, `object` or `string`.
    pub states: Option<StateForm>,
}

impl Wanted {
    /// Reads a body.
    ///
    /// # Errors
    /// `TooLarge`: more than 64 KiB. `Invalid`, naming the member: not JSON, a missing callback, a wrong type.
    pub fn parse(body: &[u8]) -> Result<Self> {
        if body.len() > MAX_BODY {
            return Err(Error::new(
                ErrorKind::TooLarge,
                "the description of a subscription is larger than 64 KiB",
            ));
        }
        let members = object(body)?;
        let callback = text(&members, "callback")?
            .ok_or_else(|| Error::invalid("/callback", "the callback is missing"))?
            .to_owned();
        let consumer_subscription_id = text(&members, "consumerSubscriptionId")?.map(str::to_owned);
        if consumer_subscription_id.as_ref().is_some_and(|id| id.len() > MAX_CONSUMER_ID) {
            return Err(Error::invalid("/consumerSubscriptionId", "the id is longer than 1024 bytes"));
        }
        let filter = text(&members, "filter")?.filter(|filter| !filter.is_empty()).map(str::to_owned);
        let states = match text(&members, "states")? {
            None => None,
            Some("object") => Some(StateForm::Object),
            Some("string") => Some(StateForm::String),
            Some(_) => return Err(Error::invalid("/states", "must be \"object\" or \"string\"")),
        };
        Ok(Self { callback, consumer_subscription_id, filter, states })
    }
}

/// Reads a body that is a JSON object, nested at most 32 deep.
///
/// # Errors
/// `Invalid`.
pub fn object(body: &[u8]) -> Result<Map<String, Value>> {
    if depth(body) > MAX_DEPTH {
        return Err(Error::new(ErrorKind::Invalid, "the body is nested too deep"));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(Error::new(ErrorKind::Invalid, "the body must be a JSON object"))
        }
        Err(error) => {
            let place =
                format!("the body is not JSON: fault in line {}, column {}", error.line(), error.column());
            Err(Error::new(ErrorKind::Invalid, place).with_source(error))
        }
    }
}

/// As [`object`], but an empty body is an empty object.
///
/// # Errors
/// As [`object`].
pub fn optional_object(body: &[u8]) -> Result<Map<String, Value>> {
    if body.trim_ascii().is_empty() { Ok(Map::new()) } else { object(body) }
}

/// Returns a member that is a text; `None` if it is absent or null.
///
/// # Errors
/// `Invalid`, naming the member: it is something else.
pub fn text<'a>(members: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::invalid(pointer(name), "must be a text")),
    }
}

/// Returns the JSON pointer of a member; names are ours and need no escapes.
pub fn pointer(name: &str) -> Cow<'static, str> {
    format!("/{name}").into()
}

/// Returns how deep a text nests, if it is JSON.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(body: &str) -> String {
        let error = Wanted::parse(body.as_bytes()).unwrap_err();
        error
            .params()
            .first()
            .map_or_else(|| error.public().to_owned(), |param| param.name.clone().into_owned())
    }

    #[test]
    fn a_full_body_is_read_and_what_is_not_known_is_ignored() {
        let body = r#"{"subscriptionId":"mine","callback":"https://x/","consumerSubscriptionId":"c","filter":"","extra":{"a":[1]}}"#;
        let wanted = Wanted::parse(body.as_bytes()).unwrap();
        assert_eq!(wanted.callback, "https://x/");
        assert_eq!(
            (wanted.consumer_subscription_id.as_deref(), wanted.filter, wanted.states),
            (Some("c"), None, None)
        );
    }

    #[test]
    fn null_means_absent() {
        let wanted =
            Wanted::parse(br#"{"callback":"https://x/","filter":null,"consumerSubscriptionId":null}"#)
                .unwrap();
        assert_eq!((wanted.filter, wanted.consumer_subscription_id), (None, None));
    }

    #[test]
    fn faults_name_the_member() {
        for (body, name) in [
            ("{}", "/callback"),
            (r#"{"callback":null}"#, "/callback"),
            (r#"{"callback":7}"#, "/callback"),
            (r#"{"callback":"x","filter":["a"]}"#, "/filter"),
            (r#"{"callback":"x","consumerSubscriptionId":{}}"#, "/consumerSubscriptionId"),
            (r#"{"callback":"x","states":"xml"}"#, "/states"),
            ("[]", "the body must be a JSON object"),
        ] {
            assert_eq!(fault(body), name, "{body}");
        }
        assert!(fault("<xml/>").contains("line 1, column 1"));
        assert!(fault("").contains("not JSON"));
    }

    #[test]
    fn size_depth_and_ids_are_bounded() {
        let deep =
            |levels: usize| format!(r#"{{"callback":"x","a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(Wanted::parse(deep(31).as_bytes()).is_ok());
        assert_eq!(fault(&deep(32)), "the body is nested too deep");
        assert_eq!(depth(br#"{"a":"[[[\"[["}"#), 1);
        let large = format!(r#"{{"callback":"x","a":"{}"}}"#, "b".repeat(MAX_BODY));
        assert_eq!(Wanted::parse(large.as_bytes()).unwrap_err().kind(), ErrorKind::TooLarge);
        let long = format!(r#"{{"callback":"x","consumerSubscriptionId":"{}"}}"#, "b".repeat(1025));
        assert_eq!(fault(&long), "/consumerSubscriptionId");
    }
}
