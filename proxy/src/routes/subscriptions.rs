//! The subscriptions of the O2-IMS interface: list, create, read and delete, each for the caller's own.
//!
//! A subscription of somebody else does not exist for the caller. What all operations share is `subscriptions/desk.rs`.

pub mod desk;
mod list;
mod precondition;
pub mod quota;
pub mod represent;
pub mod request;

use super::{Call, Operation};
use crate::conf::tree::Compatibility;
use crate::present::{etag, link, spelling};
use crate::reply::Reply;
use crate::webhook::signature::Secret;
use desk::Desk;
use http::header::{CACHE_CONTROL, ETAG, LINK, LOCATION};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use netweave_model::port::Created;
use netweave_model::query::{Query, Target};
use netweave_model::subscription::{Major, StateForm};
use netweave_model::{Error, ErrorKind, NewSubscription, Result, Subscription};
pub use precondition::required_revision;
use request::Wanted;
use std::sync::Arc;

#[cfg(test)]
pub(crate) mod tests;

/// Hands out the signing secret, once, with the answer that creates a subscription.
pub const WEBHOOK_SECRET: HeaderName = HeaderName::from_static("x-o2ims-webhook-secret");
/// The version of the interface that answers.
const VERSION: HeaderName = HeaderName::from_static("version");
/// What must stay out of every cache.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// What may be kept but must be asked about each time.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The operations under `/{api}/{major}/subscriptions`.
pub struct SubscriptionRoutes {
    desk: Arc<Desk>,
}

impl SubscriptionRoutes {
    /// Makes the routes.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// Answers a call to one of these operations.
    ///
    /// # Errors
    /// `Invalid`: query or body. `NotFound`: no such subscription of the caller. `Conflict`: it exists already.
    /// `PreconditionFailed`: `If-Match`. `RateLimited`: quota. `TooLarge`. `Unavailable`: the store does not answer.
    pub async fn serve(&self, call: &Call<'_>) -> Result<Reply> {
        let reply = match (&call.route.operation, call.method) {
            (Operation::Subscriptions, &Method::GET) => self.list(call).await,
            (Operation::Subscriptions, &Method::POST) => self.create(call).await,
            (Operation::Subscription(id), &Method::GET) => self.get(call, id).await,
            (Operation::Subscription(id), &Method::DELETE) => self.delete(call, id).await,
            _ => Err(Error::internal("a call came to the subscriptions that is not theirs")),
        };
        reply.map(|reply| reply.with(VERSION, spelling::version_header(call.route.major)))
    }

    async fn list(&self, call: &Call<'_>) -> Result<Reply> {
        let depth = self.desk.settings().filter_depth;
        let query = Query::parse(Target::Subscription, list::COLLECTION, call.query, depth)?;
        let page = list::page(&self.desk, &call.identity.name, &query, call.route.major).await?;
        let tag = etag::of(&page.body)?;
        let mut reply = if etag::has_it(call.headers, &tag) {
            Reply::empty(StatusCode::NOT_MODIFIED)
        } else {
            Reply::json(StatusCode::OK, page.body)
        };
        if let Some(marker) = page.next {
            let path = format!("{}/{}", spelling::base(call.route.major), list::COLLECTION);
            reply = reply.with(LINK, link::next(&path, &query.parameters(), &marker)?);
        }
        Ok(reply.with(ETAG, tag).with(CACHE_CONTROL, ASK_AGAIN))
    }

    async fn create(&self, call: &Call<'_>) -> Result<Reply> {
        call.without_parameters()?;
        let wanted = Wanted::parse(&call.body)?;
        let filter = self.desk.check(&wanted).await?;
        let settings = self.desk.settings();
        let major = call.route.major;
        let secret = Secret::generate(&*self.desk.parts().ids);
        let new = NewSubscription {
            owner: call.identity.name.clone(),
            major,
            callback: wanted.callback,
            consumer_subscription_id: wanted.consumer_subscription_id,
            filter,
            states: wanted.states.unwrap_or(match major {
                Major::V1 => StateForm::String,
                Major::V2 => StateForm::Object,
            }),
            secret: self.desk.parts().keys.seal(&call.identity.name, secret.text())?,
            lease: settings.subscriptions.ttl.0,
        };
        match self.desk.quotas().create(&self.desk, new, call.grant).await? {
            Created::New(subscription) => created(&subscription, &secret),
            Created::Duplicate(twin) => Err(self.duplicate(major, &twin)),
            Created::QuotaExceeded => Err(Error::new(
                ErrorKind::RateLimited,
                "the quota of subscriptions is used up: delete one, or let one expire",
            )),
        }
    }

    fn duplicate(&self, major: Major, twin: &Subscription) -> Error {
        let field = major == Major::V1 && self.desk.settings().compatibility == Compatibility::Field;
        let kind = if field { ErrorKind::Invalid } else { ErrorKind::Conflict };
        let id = &twin.id;
        Error::new(
            kind,
            format!("subscription {id} has the same callback, filter and consumerSubscriptionId"),
        )
    }

    async fn get(&self, call: &Call<'_>, id: &str) -> Result<Reply> {
        let selectors = Query::parse_single(Target::Subscription, call.query)?;
        let subscription = self.desk.read(id, call.identity).await?;
        let tag = represent::etag(&subscription)?;
        let reply = if etag::has_it(call.headers, &tag) {
            Reply::empty(StatusCode::NOT_MODIFIED)
        } else {
            let body = represent::info(&subscription)?;
            let body = if selectors.is_identity() { body } else { selectors.apply(&body)? };
            Reply::json(StatusCode::OK, body)
        };
        Ok(reply.with(ETAG, tag).with(CACHE_CONTROL, ASK_AGAIN))
    }

    async fn delete(&self, call: &Call<'_>, id: &str) -> Result<Reply> {
        self.desk.delete(id, call).await?;
        let field =
            call.route.major == Major::V1 && self.desk.settings().compatibility == Compatibility::Field;
        Ok(Reply::empty(if field { StatusCode::OK } else { StatusCode::NO_CONTENT }))
    }
}

/// Makes the header that hands out a secret.
///
/// # Errors
/// `Internal`: never in practice.
pub fn secret_header(secret: &Secret) -> Result<HeaderValue> {
    let value = HeaderValue::from_str(secret.as_str());
    let mut value = value.map_err(|error| Error::internal("the header of a secret").with_source(error))?;
    value.set_sensitive(true);
    Ok(value)
}

fn created(subscription: &Subscription, secret: &Secret) -> Result<Reply> {
    let mut location = format!("{}/{}/", spelling::base(subscription.major), list::COLLECTION);
    link::push_segment(&mut location, subscription.id.as_str());
    let header = |text: &str| {
        HeaderValue::from_str(text)
            .map_err(|error| Error::internal("a header of a creation").with_source(error))
    };
    Ok(Reply::json(StatusCode::CREATED, represent::info(subscription)?)
        .with(LOCATION, header(&location)?)
        .with(ETAG, represent::etag(subscription)?)
        .with(WEBHOOK_SECRET, secret_header(secret)?)
        .with(CACHE_CONTROL, NO_STORE))
}
