//! What is handed to the writer: nothing is formatted or parsed yet that need not be.
//!
//! A call is one piece of memory in the queue, and holds no piece of the request's head: memory that one thread takes and another
//! gives back costs both, and a head that waits for its record is cold when it is used again.

use super::body::Redactor;
use super::operation;
use super::record::{Certificate, Record, Text, Token, VERSION, Written};
use crate::filters::bearer::Presented;
use crate::listen::identity::Identity;
use crate::listen::peer::Peer;
use crate::telemetry::requests::template;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use netweave_model::{Timestamp, Trace};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Longest path that is recorded; `limits.url` may allow more.
const MAX_TARGET: usize = 512;

/// A text of a request; one of up to `N` bytes lies where it is kept.
#[derive(Clone, Default)]
pub struct Short<const N: usize>(SmallVec<[u8; N]>);

impl<const N: usize> Short<N> {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    fn heap(&self) -> usize {
        if self.0.spilled() { self.0.capacity() } else { 0 }
    }
}

impl<const N: usize> From<&str> for Short<N> {
    fn from(text: &str) -> Self {
        Self(SmallVec::from_slice(text.as_bytes()))
    }
}

impl<const N: usize> std::fmt::Debug for Short<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Something to record.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are calls, which are copied into the queue once")]
pub enum Entry {
    /// A call of the API, answered or refused.
    Call(Call),
    /// Anything else.
    Event(Box<Event>),
}

/// A call, as it is known when it is over.
#[derive(Debug)]
pub struct Call {
    /// When it was over.
    pub at: Timestamp,
    /// Who called.
    pub peer: Option<Arc<Peer>>,
    /// The method; none if the head could not be read.
    pub method: Option<Method>,
    /// The target's path; none if the head could not be read.
    pub path: Option<Short<128>>,
    /// The route's slot.
    pub slot: usize,
    /// The status of the answer.
    pub status: StatusCode,
    /// Size of the answer's body.
    pub bytes: usize,
    /// Time from the head to now.
    pub took: Duration,
    /// The request's id.
    pub id: Option<Short<32>>,
    /// The trace that it belongs to.
    pub trace: Option<Trace>,
    /// Whether all filters let it pass.
    pub allowed: bool,
    /// Why it was refused or failed.
    pub reason: Option<&'static str>,
    /// Its token, if one was looked at.
    pub token: Option<Presented>,
    /// The bodies of a change: request, response.
    pub bodies: Option<(Payload, Payload)>,
}

/// A body with its media type.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    /// All of it.
    pub bytes: Bytes,
    /// The media type.
    pub media_type: Option<HeaderValue>,
}

/// Something that is no call.
#[derive(Debug, Default)]
pub struct Event {
    /// When it happened.
    pub at: Timestamp,
    /// What happened, such as `process.start`.
    pub name: &'static str,
    /// The address that somebody connected from.
    pub source: Option<IpAddr>,
    /// Who did it, if that is no client.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<&'static str>,
    /// What else is to be known.
    pub detail: Vec<(&'static str, Value)>,
}

impl Event {
    /// Makes an event.
    pub fn new(name: &'static str, at: Timestamp) -> Self {
        Self { at, name, ..Self::default() }
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.detail.push((name, value.into()));
        self
    }
}

impl Entry {
    /// Returns about how much memory it holds.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Call(call) => {
                let bodies = call.bodies.as_ref();
                let texts = [call.path.as_ref().map(Short::heap), call.id.as_ref().map(Short::heap)];
                size_of::<Call>()
                    + texts.into_iter().flatten().sum::<usize>()
                    + bodies.map_or(0, |(sent, answered)| sent.bytes.len() + answered.bytes.len())
            }
            Self::Event(event) => size_of::<Event>() + 128 * event.detail.len(),
        }
    }

    /// Makes the record, without its place in the chain.
    pub fn record<'a>(&'a self, redactor: &Redactor, stamp: &'a mut Stamp) -> Record<'a> {
        match self {
            Self::Call(call) => call.record(redactor, stamp),
            Self::Event(event) => event.record(),
        }
    }
}

/// The time of the latest call as text: under load, many end within its millisecond.
#[derive(Debug, Default)]
pub struct Stamp(Option<(Timestamp, String)>);

impl Stamp {
    fn of(&mut self, at: Timestamp) -> &str {
        if self.0.as_ref().is_none_or(|(known, _)| *known != at) {
            self.0 = None;
        }
        &self.0.get_or_insert_with(|| (at, at.to_string())).1
    }
}

impl Call {
    fn record<'a>(&'a self, redactor: &Redactor, stamp: &'a mut Stamp) -> Record<'a> {
        let path = self.path.as_ref().map(Short::as_str);
        let named = path.zip(self.method.as_ref());
        let named = named.map(|(path, method)| operation::named(path, method)).unwrap_or_default();
        let text = |value: &'static str| Some(Text::Borrowed(value));
        let mut record = Record {
            collection: named.collection.map(Text::Borrowed),
            decision: text(if self.allowed { "allowed" } else { "refused" }),
            duration_us: Some(u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX)),
            event: Text::Borrowed("api.call"),
            id: named.id,
            method: self.method.as_ref().map(|method| Text::Borrowed(method.as_str())),
            operation: named.operation.map(Text::Borrowed),
            parent: named.parent,
            reason: self.reason.map(Text::Borrowed),
            request_id: self.id.as_ref().map(|id| Text::Borrowed(id.as_str())),
            response_bytes: u64::try_from(self.bytes).ok(),
            route: Some(Text::Borrowed(template(self.slot))),
            source_ip: self.peer.as_ref().map(|peer| Text::Owned(peer.address.to_string())),
            status: Some(self.status.as_u16()),
            tenant: self
                .peer
                .as_ref()
                .and_then(|peer| peer.tenant())
                .map(|tenant| Text::Owned(tenant.name.clone())),
            target: path.map(|path| Text::Borrowed(cut(path))),
            time: Text::Borrowed(stamp.of(self.at)),
            trace_id: self.trace.map(|trace| Text::Owned(trace.id_text())),
            v: VERSION,
            ..Record::default()
        };
        if let Some(peer) = &self.peer {
            sign(&mut record, peer);
        }
        if let Some(presented) = &self.token {
            show(&mut record, presented);
        }
        if let Some((sent, answered)) = &self.bodies {
            record.request = redactor.body(sent);
            record.response = redactor.body(answered);
        }
        record
    }
}

/// Says who the client is.
fn sign<'a>(record: &mut Record<'a>, peer: &'a Peer) {
    let Some(identity) = peer.certificate() else { return };
    record.certificate = peer.recorded().map(|certificate| Written(Cow::Borrowed(certificate)));
    record.common_name = identity.common_name.as_deref().map(Text::Borrowed);
    record.identity = Some(Text::Borrowed(&identity.name));
    record.identity_field = Some(Text::Borrowed(identity.field.word()));
}

/// Returns a certificate as records have it; `None` if it cannot be written.
pub fn certificate(identity: &Identity) -> Option<Box<RawValue>> {
    let names = identity.facts.alternative_names.iter();
    let certificate = Certificate {
        alternative_names: names.map(|name| Text::Borrowed(name.as_str())).collect(),
        fingerprint: Text::Borrowed(&identity.fingerprint),
        not_after: Text::Borrowed(&identity.facts.ends),
        serial: Text::Borrowed(&identity.facts.serial),
    };
    to_raw_value(&certificate).ok()
}

/// Says what its token was.
fn show<'a>(record: &mut Record<'a>, presented: &'a Presented) {
    let holder = match presented {
        Presented::Good(holder) => holder,
        Presented::Refused(word) => {
            record.token = Some(Token { refused: Some(Text::Borrowed(word)), ..Token::default() });
            return;
        }
    };
    let (caller, token) = (&holder.caller, &holder.verified.token);
    record.identity = Some(Text::Borrowed(&caller.identity.name));
    record.identity_field = Some(Text::Borrowed(caller.identity.field.word()));
    record.tenant = caller.grant.tenant.as_ref().map(|tenant| Text::Borrowed(tenant.name.as_str()));
    record.token = Some(Token {
        client: token.client.as_deref().map(Text::Borrowed),
        expires: Some(Text::Owned(token.expires.to_string())),
        id: token.id.as_deref().map(Text::Borrowed),
        issuer: Some(Text::Borrowed(&token.issuer)),
        refused: None,
        scopes: token.scopes.iter().map(|scope| Text::Borrowed(scope.as_str())).collect(),
        subject: token.subject.as_deref().map(Text::Borrowed),
    });
}

impl Event {
    fn record(&self) -> Record<'_> {
        let detail = self.detail.iter().map(|(name, value)| (Text::Borrowed(*name), value.clone()));
        Record {
            detail: detail.collect(),
            event: Text::Borrowed(self.name),
            identity: self.actor.as_deref().map(Text::Borrowed),
            reason: self.reason.map(Text::Borrowed),
            source_ip: self.source.map(|address| Text::Owned(address.to_string())),
            time: Text::Owned(self.at.to_string()),
            v: VERSION,
            ..Record::default()
        }
    }
}

/// Cuts a path at its bound.
fn cut(path: &str) -> &str {
    path.get(..path.floor_char_boundary(MAX_TARGET)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_that_of_its_time() {
        let mut stamp = Stamp::default();
        for at in [5, 5, 7, 5] {
            assert_eq!(stamp.of(Timestamp(at)), Timestamp(at).to_string());
        }
    }

    #[test]
    fn a_long_path_is_cut_between_two_characters() {
        assert_eq!(cut(&"é".repeat(400)).len(), 512);
        assert_eq!(cut(&format!("/{}", "é".repeat(400))).len(), 511);
    }
}
