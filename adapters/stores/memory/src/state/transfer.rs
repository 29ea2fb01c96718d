//! Taking over subscriptions that were saved in another store.

use super::State;
use crate::backing::Backing;
use netweave_model::Timestamp;
use netweave_model::port::{Restored, Saved};

impl<B: Backing> State<B> {
    /// See `Subscriptions::restore`.
    pub fn take_over(&mut self, saved: &[Saved], now: Timestamp) -> Vec<Restored> {
        saved.iter().map(|saved| self.take_over_one(saved, now)).collect()
    }

    fn take_over_one(&mut self, saved: &Saved, now: Timestamp) -> Restored {
        let new = &saved.subscription;
        if new.expires_at <= now {
            return Restored::Ended;
        }
        let known = self.members.live(&new.id, now);
        if known.is_some_and(|known| known.subscription.rev >= new.rev) {
            return Restored::Known;
        }
        self.put(new.clone(), true);
        if let Some(member) = self.members.get_mut(&new.id) {
            let last = &mut member.queue.fact.last_sequence;
            *last = saved.last_sequence.max(*last);
            member.record_queue(&mut self.backing);
            self.ready.place(member);
        }
        Restored::Put
    }
}
