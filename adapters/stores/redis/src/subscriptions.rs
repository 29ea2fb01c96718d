//! Subscriptions; each operation is one script.

pub(crate) mod record;

use crate::keys;
use crate::mend::{PUT, PUT_BACK};
use crate::queue_scripts::{limit, queue_lua, refused};
use crate::reply::{damaged, list, number as read_number, text};
use crate::scripts::{Answer, Refusal, number};
use crate::session::existing;
use crate::store::Redis;
use async_trait::async_trait;
use fred::prelude::Value;
use netweave_model::port::refusal::{changed_meanwhile, no_subscription, twin};
use netweave_model::port::{
    Created, Quota, Restored, Saved, SubscriptionChange, Subscriptions, Update, Updated,
};
use netweave_model::{Error, Id, NewSubscription, Result, Subscription, Timestamp};
use std::time::Duration;

queue_lua!(CREATE, "sub_create.lua", "sub_common.lua", "sys_settled.lua", "sub_begin.lua");
queue_lua!(DELETE, "sub_delete.lua", "sub_common.lua", "sys_settled.lua", "sub_begin.lua");
queue_lua!(reads GET, "sub_get.lua", "sub_common.lua", "sys_settled.lua", "sub_begin.lua");
queue_lua!(reads PAGE, "sub_page.lua", "sub_common.lua", "sys_settled.lua", "sub_begin.lua");
queue_lua!(RENEW, "sub_renew.lua", "sub_common.lua", "sys_settled.lua", "sub_begin.lua");
queue_lua!(reads SINCE, "sub_since.lua", "sub_common.lua");
queue_lua!(SWEEP, "sub_sweep.lua", "sub_common.lua", "sys_hold.lua");
queue_lua!(UPDATE, "sub_update.lua", "sub_common.lua", "sys_settled.lua", "sub_begin.lua");

/// How long nobody may have swept before the end of leases is held back.
const SWEEP_GAP: Duration = Duration::from_secs(10);

/// How long the dead letters of an expired subscription stay readable.
const GRAVE_KEPT: Duration = Duration::from_hours(24);

impl Redis {
    /// Puts an update in place of the revision that it was made of; `None` if there is another one by now.
    async fn replace(&self, old: &Subscription, update: Update, call: &str) -> Result<Option<Subscription>> {
        let Updated { subscription: new, rematch, revived } = update.on(old);
        let arguments = vec![
            new.id.as_str().into(),
            number(old.rev),
            record::data(&new)?,
            record::shown(&new)?,
            record::likeness(&new)?,
            record::state(&new).into(),
            call.into(),
            number(u8::from(rematch)),
            number(u8::from(revived)),
        ];
        let note = |answer: Answer| match answer {
            Ok(row) => self.note(row).map(Some),
            Err(Refusal(code)) if code == "REVISION" => Ok(None),
            Err(Refusal(code)) => Err(refusal(&code)),
        };
        let replaced = self.noted(&UPDATE, arguments, note).await?;
        self.signals().work();
        Ok(replaced)
    }

    /// Reads a subscription that was written, and has the journal know it.
    fn note(&self, row: Value) -> Result<Subscription> {
        let subscription = record::decode(row)?;
        self.journal().put(&subscription);
        Ok(subscription)
    }

    /// Reads what came of a creation.
    fn created(&self, answer: Answer) -> Result<Created> {
        let answer = answer.map_err(|Refusal(code)| refused(&code))?;
        let mut answer = answer.into_array().into_iter();
        let outcome = answer.next().unwrap_or(Value::Null);
        let subscription = answer.next().unwrap_or(Value::Null);
        match &*text(&outcome)? {
            "NEW" => self.note(subscription).map(Created::New),
            "DUPLICATE" => record::decode(subscription).map(Created::Duplicate),
            "QUOTA" => Ok(Created::QuotaExceeded),
            _ => Err(damaged("what came of a creation")),
        }
    }
}

#[async_trait]
impl Subscriptions for Redis {
    async fn create(&self, new: NewSubscription, quota: Quota) -> Result<Created> {
        // The script sets the times, by the server's clock.
        let new = new.made(Id::from(self.ids().uuid().to_string()), Timestamp::default());
        let arguments = vec![
            new.id.as_str().into(),
            record::data(&new)?,
            record::shown(&new)?,
            new.owner.as_str().into(),
            record::likeness(&new)?,
            number(new.lease_ms),
            number(quota.per_owner),
            number(quota.total),
        ];
        self.noted(&CREATE, arguments, |answer| self.created(answer)).await
    }

    async fn get(&self, id: &Id) -> Result<Subscription> {
        let found = self.tell(&GET, vec![id.as_str().into()]).await?;
        record::decode_found(found)?.ok_or_else(no_subscription)
    }

    async fn page(&self, owner: Option<&str>, after: Option<&Id>, count: usize) -> Result<Vec<Subscription>> {
        let set = owner.map_or_else(|| keys::SUBSCRIPTIONS.to_owned(), keys::owned_by);
        let from = after.map_or_else(|| "-".to_owned(), |id| format!("({id}"));
        record::decode_all(self.tell(&PAGE, vec![set.into(), from.into(), limit(count)]).await?)
    }

    async fn update(&self, id: &Id, if_rev: Option<u64>, update: Update) -> Result<Subscription> {
        let call = self.ids().uuid().to_string();
        loop {
            let old = self.get(id).await?;
            if if_rev.is_some_and(|rev| rev != old.rev) {
                return Err(changed_meanwhile());
            }
            if let Some(new) = self.replace(&old, update.clone(), &call).await? {
                return Ok(new);
            }
        }
    }

    async fn renew(&self, id: &Id, lease: Option<Duration>) -> Result<Subscription> {
        let lease = lease.map_or_else(String::new, |lease| lease.as_millis().to_string());
        let note = |answer: Answer| {
            let found = answer.map_err(|Refusal(code)| refused(&code))?;
            if found.is_null() { Err(no_subscription()) } else { self.note(found) }
        };
        self.noted(&RENEW, vec![id.as_str().into(), lease.into()], note).await
    }

    async fn delete(&self, id: &Id, if_rev: Option<u64>) -> Result<()> {
        let rev = if_rev.map_or_else(String::new, |rev| rev.to_string());
        let call = self.ids().uuid().to_string();
        let note = |answer: Answer| {
            let rev = answer.map_err(|Refusal(code)| refusal(&code))?;
            self.journal().delete(id, read_number(&rev)?);
            Ok(())
        };
        self.noted(&DELETE, vec![id.as_str().into(), rev.into(), call.into()], note).await
    }

    async fn sweep(&self, count: usize) -> Result<Vec<Subscription>> {
        let gap = if self.is_server_timed() { SWEEP_GAP.as_millis().to_string() } else { String::new() };
        let arguments = vec![limit(count), number(GRAVE_KEPT.as_millis()), gap.into()];
        let ended = record::decode_all(self.tell(&SWEEP, arguments).await?)?;
        for one in &ended {
            self.journal().end(&one.id);
        }
        Ok(ended)
    }

    async fn restore(&self, saved: &[Saved]) -> Result<Vec<Restored>> {
        let mut all = Vec::with_capacity(saved.len());
        for part in saved.chunks(PUT) {
            let mut arguments = vec![Value::from("import")];
            for Saved { subscription, last_sequence, .. } in part {
                arguments.extend(existing(subscription, *last_sequence)?);
            }
            let outcomes = self.tell(&PUT_BACK, arguments).await?.into_array();
            for (one, outcome) in part.iter().zip(outcomes) {
                all.push(match &*text(&outcome)? {
                    "known" => Restored::Known,
                    "ended" => Restored::Ended,
                    _ => {
                        self.journal().put(&one.subscription);
                        Restored::Put
                    }
                });
            }
        }
        self.signals().work();
        Ok(all)
    }

    async fn since(&self, version: u64) -> Result<(u64, bool, Vec<SubscriptionChange>)> {
        let [version, complete, changes] = list(self.tell(&SINCE, vec![number(version)]).await?)?;
        let changes = changes.into_array().into_iter().map(|change| {
            let [id, row] = list(change)?;
            Ok(match record::decode_found(row)? {
                Some(subscription) => SubscriptionChange::Put(subscription),
                None => SubscriptionChange::Gone(Id::from(&*text(&id)?)),
            })
        });
        let (complete, changes) = (read_number::<u8>(&complete)? == 1, changes.collect::<Result<Vec<_>>>()?);
        self.journal().changed(complete, &changes);
        Ok((read_number(&version)?, complete, changes))
    }
}

fn refusal(code: &str) -> Error {
    match code {
        "UNKNOWN" => no_subscription(),
        "REVISION" => changed_meanwhile(),
        "TWIN" => twin(),
        _ => refused(code),
    }
}
