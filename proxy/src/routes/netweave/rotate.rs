//! A new signing secret for a subscription; the one before signs beside it for a while.

use super::NetweaveRoutes;
use crate::conf::unit::Span;
use crate::reply::Reply;
use crate::routes::Call;
use crate::routes::subscriptions::{WEBHOOK_SECRET, request, required_revision, secret_header};
use crate::webhook::signature::Secret;
use netweave_model::port::Update;
use netweave_model::{Error, ErrorKind, FormerSecret, Result, SigningSecrets, Subscription};
use std::time::Duration;

/// Longest time in which two secrets sign.
const MAX_OVERLAP: Duration = Duration::from_hours(7 * 24);

impl NetweaveRoutes {
    /// Body: nothing, or `{"overlap": "1h"}`; `0s` ends the old secret at once.
    pub(super) async fn rotate(&self, call: &Call<'_>, subscription: &Subscription) -> Result<Reply> {
        let desk = &self.parts.desk;
        let asked = required_revision(call.headers, subscription)?;
        let members = request::optional_object(&call.body)?;
        let overlap = match request::text(&members, "overlap")? {
            None => desk.settings().subscriptions.secret_overlap.0,
            Some(text) => text
                .parse()
                .map(|Span(overlap)| overlap)
                .map_err(|why: String| Error::invalid("/overlap", why))?,
        };
        if overlap > MAX_OVERLAP {
            return Err(Error::invalid(
                "/overlap",
                format!("the overlap must be 0s to {}", Span(MAX_OVERLAP)),
            ));
        }
        let fresh = Secret::generate(&*desk.parts().ids);
        let until = desk.parts().clock.now().plus(overlap);
        let former = Box::new(FormerSecret { secret: subscription.secret.clone(), until });
        let secrets = SigningSecrets {
            secret: desk.parts().keys.seal(&subscription.owner, fresh.text())?,
            former: (!overlap.is_zero()).then_some(former),
        };
        let update = Update { secrets: Some(secrets), ..Update::default() };
        // In the place of the revision that was read: of two rotations at once one must not take the other's secret away.
        let put = desk.parts().subscriptions.update(&subscription.id, Some(subscription.rev), update).await;
        let rotated = put.map_err(|error| {
            if error.kind() == ErrorKind::PreconditionFailed && asked.is_none() {
                let again = "the subscription was changed at the same time: try again";
                return Error::new(ErrorKind::Conflict, again);
            }
            error
        })?;
        tracing::info!(subscription = %rotated.id, owner = rotated.owner, "the secret of a subscription was replaced");
        Ok(self.shown(&rotated).await?.with(WEBHOOK_SECRET, secret_header(&fresh)?))
    }
}
