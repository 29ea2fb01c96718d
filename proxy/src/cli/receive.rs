//! Prints the notifications that come into an inbox, one a line, until the user interrupts.

use super::out::tame;
use super::{Exit, Failure, Output, Process};
use crate::webhook::inbox::{Inbox, Received};
use crate::webhook::notification::{EVENT_TYPE, NOTIFICATION_ID, SEQUENCE, SUBSCRIPTION_ID};
use crate::webhook::signature::Secret;
use http::HeaderName;
use serde_json::{Value, json};
use std::pin::pin;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How notifications are printed.
pub(super) struct Form {
    /// The form of a line.
    pub(super) output: Output,
    /// The secret to verify with, where the inbox does not know it.
    pub(super) secret: Option<Secret>,
}

/// Prints what comes in, until `count` came or the user interrupts, which is a success.
pub(super) async fn print(
    inbox: &Arc<Inbox>,
    form: &Form,
    count: Option<u64>,
    process: &mut Process,
) -> Result<(), Failure> {
    let mut arrived = inbox.count();
    let mut end = pin!(interrupted()?);
    let mut last = 0;
    while count.is_none_or(|count| last < count) {
        tokio::select! {
            () = &mut end => return Ok(()),
            changed = arrived.changed() => {
                changed.map_err(|error| Failure::new(Exit::Failed, format!("the inbox has ended: {error}")))?;
            }
        }
        for received in inbox.received(last) {
            last = received.number;
            process.out.line(&line(&received, form))?;
        }
    }
    Ok(())
}

/// Resolves when the user or the system asks the command to end.
fn interrupted() -> Result<impl Future<Output = ()>, Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::new(Exit::Failed, format!("cannot wait: {error}")));
    let (mut int, mut term): (Signal, Signal) =
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
    })
}

fn line(received: &Received, form: &Form) -> String {
    let verified = match &form.secret {
        Some(secret) => Some(secret.verify(&received.headers, &received.body, received.at).is_ok()),
        None => received.verified,
    };
    let body: Option<Value> = serde_json::from_slice(&received.body).ok();
    let header = |name: &HeaderName| received.header(name).unwrap_or_default().to_owned();
    if form.output == Output::Json {
        return json!({
            "at": received.at.to_string(),
            "path": received.path,
            "verified": verified,
            "eventType": header(&EVENT_TYPE),
            "notificationId": header(&NOTIFICATION_ID),
            "subscriptionId": header(&SUBSCRIPTION_ID),
            "sequence": header(&SEQUENCE),
            "body": body,
        })
        .to_string();
    }
    let signature = match verified {
        Some(true) => "signature good",
        Some(false) => "SIGNATURE BAD",
        None => "signature unknown",
    };
    let reference =
        body.as_ref().and_then(|body| body.get("objectRef")).and_then(Value::as_str).unwrap_or("-");
    let text =
        format!("{}  #{}  {}  {reference}  {signature}", received.at, header(&SEQUENCE), header(&EVENT_TYPE));
    tame(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use netweave_model::Timestamp;

    #[test]
    fn a_line_names_time_sequence_event_object_and_signature() {
        let mut headers = HeaderMap::new();
        headers.insert(EVENT_TYPE, "MODIFY".parse().unwrap());
        headers.insert(SEQUENCE, "7".parse().unwrap());
        let body = r#"{"objectRef": "/x/resourcePools/a"}"#.into();
        let mut received = Received {
            number: 1,
            at: Timestamp(0),
            path: "/".to_owned(),
            headers,
            body,
            verified: Some(true),
        };
        let mut form = Form { output: Output::Text, secret: None };
        assert_eq!(
            line(&received, &form),
            "1970-01-01T00:00:00.000Z  #7  MODIFY  /x/resourcePools/a  signature good"
        );
        received.verified = None;
        form.output = Output::Json;
        let value: Value = serde_json::from_str(&line(&received, &form)).unwrap();
        assert_eq!(value["body"]["objectRef"], "/x/resourcePools/a");
        assert!(value["verified"].is_null());
    }
}
