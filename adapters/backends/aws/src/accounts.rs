//! The accounts that are read: whose keys are used in each, and when they are had anew.

use crate::client::{Client, Site};
use crate::conf::{self, Conf};
use crate::credentials::Source;
use crate::error;
use crate::wire::identity::{Assumed, Caller, Keys};
use aws_credential_types::Credentials;
use netweave_model::{ErrorKind, Result, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::{Mutex, OnceCell};

/// Keys that end sooner than this are had anew.
const REMAINING: Duration = Duration::from_mins(5);
/// How long the keys of a role last. Source: AWS STS API Reference, `AssumeRole`, the default.
const LASTING: Duration = Duration::from_hours(1);
/// Under which name the gateway appears in the records of an account.
const SESSION: &str = "netweave";

/// The accounts of one source; at least one.
pub(crate) struct Accounts {
    base: Arc<Base>,
    all: Vec<Account>,
}

/// The keys of the gateway itself.
struct Base {
    source: Source,
    keys: Mutex<Option<Credentials>>,
    refused: AtomicBool,
}

/// One account.
pub(crate) struct Account {
    base: Arc<Base>,
    role: Option<conf::Account>,
    id: OnceCell<String>,
    keys: Mutex<Option<Credentials>>,
}

impl Accounts {
    pub(crate) fn new(conf: &Conf, source: Source) -> Self {
        let base = Arc::new(Base { source, keys: Mutex::new(None), refused: AtomicBool::new(false) });
        let account = |role: Option<conf::Account>| {
            let id =
                OnceCell::new_with(role.as_ref().and_then(|role| account_of(&role.role)).map(str::to_owned));
            Account { base: Arc::clone(&base), role, id, keys: Mutex::new(None) }
        };
        let mut all: Vec<Account> = conf.accounts.iter().cloned().map(Some).map(account).collect();
        if all.is_empty() {
            all.push(account(None));
        }
        Self { base, all }
    }

    pub(crate) fn all(&self) -> &[Account] {
        &self.all
    }

    /// Begins a question to all accounts: if the gateway's own keys were refused in the last one, they are had anew, once.
    pub(crate) async fn begin(&self) {
        if self.base.refused.swap(false, Ordering::AcqRel) {
            *self.base.keys.lock().await = None;
        }
    }
}

impl Base {
    async fn keys(&self, now: SystemTime) -> Result<Credentials> {
        let mut kept = self.keys.lock().await;
        if let Some(keys) = kept.as_ref().filter(|keys| lasts(keys, now)) {
            return Ok(keys.clone());
        }
        Ok(kept.insert(self.source.keys().await?).clone())
    }

    fn refuse(&self) {
        self.refused.store(true, Ordering::Release);
    }
}

impl Account {
    /// Returns keys that are valid in the account; a role is assumed in the given region.
    ///
    /// # Errors
    /// `Unauthenticated`: there are no keys, or they are refused. `Forbidden`: the role may not be assumed.
    pub(crate) async fn keys(&self, client: &Client, region: &str) -> Result<Credentials> {
        let Some(role) = &self.role else { return self.base.keys(client.now()).await };
        let mut kept = self.keys.lock().await;
        if let Some(keys) = kept.as_ref().filter(|keys| lasts(keys, client.now())) {
            return Ok(keys.clone());
        }
        let base = self.base.keys(client.now()).await?;
        let assumed = assume(client, Site { keys: &base, region }, role).await;
        if is_refused(&assumed) {
            self.base.refuse();
        }
        Ok(kept.insert(assumed?).clone())
    }

    /// Runs a call with keys of the account. Where they are refused, the next one has them anew; those of other accounts stay.
    ///
    /// # Errors
    /// Those of the call.
    pub(crate) async fn heeded<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let outcome = call.await;
        if is_refused(&outcome) {
            match self.role {
                Some(_) => *self.keys.lock().await = None,
                None => self.base.refuse(),
            }
        }
        outcome
    }

    /// Returns the account's number.
    ///
    /// # Errors
    /// As `keys`.
    pub(crate) async fn id(&self, client: &Client, region: &str) -> Result<&str> {
        let ask = async || {
            let keys = self.keys(client, region).await?;
            let caller: Caller = client.call(Site { keys: &keys, region }, &[]).await?;
            // Every object is named with it.
            Some(caller.result.account)
                .filter(|account| !account.is_empty())
                .ok_or_else(|| error::unreadable("an account without a number"))
        };
        self.id.get_or_try_init(ask).await.map(String::as_str)
    }
}

fn is_refused<T>(outcome: &Result<T>) -> bool {
    outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unauthenticated)
}

/// Whether keys last long enough to be used.
fn lasts(keys: &Credentials, now: SystemTime) -> bool {
    keys.expiry().is_none_or(|end| end > now + REMAINING)
}

async fn assume(client: &Client, site: Site<'_>, role: &conf::Account) -> Result<Credentials> {
    let mut params = vec![
        ("RoleArn".to_owned(), role.role.clone()),
        ("RoleSessionName".to_owned(), SESSION.to_owned()),
        ("DurationSeconds".to_owned(), LASTING.as_secs().to_string()),
    ];
    params.extend(role.external_id.clone().map(|id| ("ExternalId".to_owned(), id)));
    let assumed: Assumed = client.call(site, &params).await?;
    let Keys { id, secret, token, expiration } = assumed.result.keys;
    let end = Timestamp::parse(&expiration).ok_or_else(|| error::unreadable("the end of a role's keys"))?;
    let end = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(end.0).unwrap_or_default());
    Ok(Credentials::new(id, secret, Some(token), Some(end), "role"))
}

/// Returns the account in the ARN of a role.
pub(crate) fn account_of(role: &str) -> Option<&str> {
    let mut parts = role.splitn(6, ':');
    let arn = parts.next()? == "arn";
    let partition = parts.next()?.starts_with("aws");
    let service = parts.next()? == "iam" && parts.next()?.is_empty();
    let account = parts.next()?;
    let name = parts.next()?.strip_prefix("role/")?;
    let number = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (arn && partition && service && number && !name.is_empty()).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_of_a_role_is_in_its_name() {
        assert_eq!(account_of("arn:aws:iam::111122223333:role/netweave"), Some("111122223333"));
        assert_eq!(account_of("arn:aws-cn:iam::111122223333:role/path/netweave"), Some("111122223333"));
        for bad in [
            "netweave",
            "arn:aws:iam::1111:role/netweave",
            "arn:aws:iam::111122223333:user/netweave",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:sts::111122223333:role/netweave",
        ] {
            assert_eq!(account_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_are_had_anew_before_they_end() {
        let now = SystemTime::UNIX_EPOCH + LASTING;
        let ending = |in_time| Credentials::new("id", "secret", None, Some(now + in_time), "test");
        assert!(!lasts(&ending(REMAINING), now));
        assert!(lasts(&ending(REMAINING + Duration::from_secs(1)), now));
        assert!(lasts(&Credentials::new("id", "secret", None, None, "test"), now));
    }
}
