//! What this process owes the queues because the server did not answer. It lives, so nobody gives on what it holds, and
//! without this the queues would wait until their claims run out.

use crate::store::Redis;
use netweave_model::port::Claim;
use netweave_model::{Id, Result};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Claims that are remembered at most; further ones run out by themselves.
const CLAIMS: usize = 10_000;

/// What is to be made good.
#[derive(Default)]
pub(crate) struct Owed(Mutex<Debts>);

#[derive(Default)]
struct Debts {
    /// The name of the latest `take`, if its answer did not come. It is made again under this name, and so gets what it
    /// may have claimed.
    take: Option<String>,
    /// Claims that could not be let go: subscription and token.
    claims: Vec<(Id, u64)>,
}

impl Owed {
    /// Returns the name of a `take` that was not answered; it is no longer owed.
    pub(crate) fn unanswered_take(&self) -> Option<String> {
        self.debts().take.take()
    }

    /// Notes that a `take` was not answered.
    pub(crate) fn note_take(&self, call: String) {
        self.debts().take = Some(call);
    }

    /// Notes that a claim could not be let go.
    pub(crate) fn note_claim(&self, claim: &Claim) {
        let mut debts = self.debts();
        if debts.claims.len() < CLAIMS {
            debts.claims.push((claim.subscription.clone(), claim.token));
        }
    }

    fn debts(&self) -> MutexGuard<'_, Debts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Redis {
    /// Lets go of claims that could not be let go before.
    ///
    /// # Errors
    /// `Unavailable`: some are still owed.
    pub(crate) async fn make_good(&self) -> Result<()> {
        loop {
            let Some((id, token)) = self.owed().debts().claims.last().cloned() else { return Ok(()) };
            self.let_go(&id, token, Duration::ZERO).await?;
            self.owed().debts().claims.retain(|claim| *claim != (id.clone(), token));
        }
    }
}
