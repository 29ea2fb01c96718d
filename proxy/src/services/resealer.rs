//! Resealer: seals the secrets of subscriptions with the key that seals now, and removes secrets that sign no more.
//!
//! A secret that no key opens stays as it is: the deliveries of its subscription wait, and the gauge and the log say so.

use super::Service;
use crate::telemetry::metrics::Metrics;
use crate::webhook::sealing::{Form, KeyRing};
use async_trait::async_trait;
use netweave_model::port::{Clock, Subscriptions, Update};
use netweave_model::{ErrorKind, FormerSecret, Id, Result, Secret, SigningSecrets, Subscription};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tracing::{error, info};

/// Pause between two rounds; new keys begin one at once.
const PAUSE: Duration = Duration::from_mins(1);
/// Subscriptions that are read at once.
const AT_ONCE: usize = 200;

/// What the service works with.
pub struct Parts {
    /// The subscriptions.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// The keys.
    pub keys: Arc<KeyRing>,
    /// The store's time: secrets end by it.
    pub clock: Arc<dyn Clock>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// The service.
pub struct Resealer {
    parts: Parts,
    /// How many secrets could not be opened in the last round.
    shut: AtomicUsize,
}

/// What a round found.
#[derive(Debug, Default)]
struct Found {
    sealed: usize,
    plain: usize,
    shut: usize,
    resealed: usize,
}

impl Resealer {
    /// Makes the service.
    pub fn new(parts: Parts) -> Self {
        Self { parts, shut: AtomicUsize::new(0) }
    }

    async fn one(&self, subscription: &Subscription, found: &mut Found) -> Result<()> {
        let keys = &self.parts.keys;
        let now = self.parts.clock.now();
        let former = subscription.former.as_ref();
        let kept = former.filter(|former| now < former.until).map(|former| &**former);
        let forms = [Some(&subscription.secret), kept.map(|kept| &kept.secret)];
        let forms: Vec<Form> = forms.into_iter().flatten().map(|secret| keys.form(secret)).collect();
        if forms.contains(&Form::Unknown) {
            found.shut += 1;
            return Ok(());
        }
        let current = |form: &Form| *form == Form::Current || (*form == Form::Plain && !keys.seals());
        if kept.is_some() != former.is_some() || !forms.iter().all(current) {
            // What has its key and does not open is damaged, or was moved here from another owner.
            let Ok(secrets) = self.again(subscription, kept) else {
                found.shut += 1;
                return Ok(());
            };
            self.put(subscription, secrets).await?;
            found.resealed += 1;
        }
        if keys.seals() {
            found.sealed += 1;
        } else {
            found.plain += 1;
        }
        Ok(())
    }

    /// Seals the secrets of a subscription with the key that seals now.
    fn again(&self, subscription: &Subscription, kept: Option<&FormerSecret>) -> Result<SigningSecrets> {
        let (keys, owner) = (&self.parts.keys, &subscription.owner);
        let again = |secret: &Secret| keys.open(owner, secret).and_then(|open| keys.seal(owner, &open));
        let former = |kept: &FormerSecret| {
            Ok(Box::new(FormerSecret { secret: again(&kept.secret)?, until: kept.until }))
        };
        Ok(SigningSecrets { secret: again(&subscription.secret)?, former: kept.map(former).transpose()? })
    }

    async fn put(&self, subscription: &Subscription, secrets: SigningSecrets) -> Result<()> {
        let update = Update { secrets: Some(secrets), ..Update::default() };
        match self.parts.subscriptions.update(&subscription.id, Some(subscription.rev), update).await {
            // Somebody changed or deleted it meanwhile: the next round sees it as it is then.
            Err(error) if matches!(error.kind(), ErrorKind::PreconditionFailed | ErrorKind::NotFound) => {
                Ok(())
            }
            outcome => outcome.map(drop),
        }
    }

    fn tell(&self, found: &Found) {
        let metrics = &self.parts.metrics;
        for (form, count) in [("sealed", found.sealed), ("plain", found.plain), ("unreadable", found.shut)] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            metrics.subscription_secrets.with_label_values(&[form]).set(count);
        }
        metrics.subscription_secrets_resealed.inc_by(found.resealed as u64);
        log_resealed(found.resealed);
        if self.shut.swap(found.shut, Ordering::Relaxed) != found.shut {
            log_shut(found.shut);
        }
    }
}

fn log_resealed(count: usize) {
    if count > 0 {
        info!(count, "secrets of subscriptions were sealed anew");
    }
}

fn log_shut(count: usize) {
    if count > 0 {
        error!(
            count,
            "secrets of subscriptions are sealed with a key that is not there; their deliveries wait for it"
        );
    }
}

#[async_trait]
impl Service for Resealer {
    fn name(&self) -> &'static str {
        "resealer"
    }

    async fn activate(&self) -> Result<bool> {
        let (mut found, mut after) = (Found::default(), None::<Id>);
        loop {
            let page = self.parts.subscriptions.page(None, after.as_ref(), AT_ONCE).await?;
            for subscription in &page {
                self.one(subscription, &mut found).await?;
            }
            match page.last() {
                Some(last) if page.len() == AT_ONCE => after = Some(last.id.clone()),
                Some(_) | None => break,
            }
        }
        self.tell(&found);
        Ok(false)
    }

    async fn wait(&self) {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = self.parts.keys.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::fakes::{Rig, SECRET, Share};
    use netweave_model::port::Update;
    use std::path::PathBuf;

    struct Stage {
        rig: Rig,
        folder: tempfile::TempDir,
    }

    impl Stage {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            for byte in 1..=2_u8 {
                std::fs::write(folder.path().join(byte.to_string()), [byte; 32]).unwrap();
            }
            Self { rig: Rig::start().await, folder }
        }

        fn keys(&self, names: &[&str]) -> Arc<KeyRing> {
            let files: Vec<PathBuf> = names.iter().map(|name| self.folder.path().join(name)).collect();
            Arc::new(KeyRing::read(&files).unwrap())
        }

        async fn round(&self, keys: &Arc<KeyRing>) {
            let parts = Parts {
                subscriptions: self.rig.store.share(),
                keys: Arc::clone(keys),
                clock: self.rig.clock.share(),
                metrics: Arc::clone(&self.rig.metrics),
            };
            assert!(!Resealer::new(parts).activate().await.unwrap());
        }

        fn count(&self, form: &str) -> i64 {
            self.rig.metrics.subscription_secrets.with_label_values(&[form]).get()
        }
    }

    #[tokio::test]
    async fn secrets_go_from_plain_to_the_first_key_to_the_next_and_wait_when_theirs_is_gone() {
        let stage = Stage::new().await;
        let id = stage.rig.subscribe(None).await.id;
        let none = stage.keys(&[]);
        stage.round(&none).await;
        assert_eq!((stage.count("plain"), stage.rig.store.get(&id).await.unwrap().rev), (1, 1));
        for keys in [stage.keys(&["1"]), stage.keys(&["2", "1"])] {
            stage.round(&keys).await;
            stage.round(&keys).await;
            let now = stage.rig.store.get(&id).await.unwrap();
            assert_eq!(keys.form(&now.secret), Form::Current);
            assert_eq!(keys.open("smo", &now.secret).unwrap().expose(), SECRET);
            assert_eq!((stage.count("sealed"), stage.count("plain")), (1, 0));
        }
        let before = stage.rig.store.get(&id).await.unwrap();
        assert_eq!(before.rev, 3, "a secret that lies as it should is left alone");
        stage.round(&stage.keys(&["1"])).await;
        assert_eq!((stage.count("unreadable"), stage.count("sealed")), (1, 0));
        assert_eq!(stage.rig.store.get(&id).await.unwrap(), before);
    }

    #[tokio::test]
    async fn a_former_secret_is_sealed_too_and_removed_at_its_end() {
        let stage = Stage::new().await;
        let one = stage.rig.subscribe(None).await;
        let until = stage.rig.clock.now().plus(Duration::from_mins(1));
        let former = Some(Box::new(FormerSecret { secret: SECRET.into(), until }));
        let secrets = Some(SigningSecrets { secret: SECRET.into(), former });
        stage.rig.store.update(&one.id, None, Update { secrets, ..Update::default() }).await.unwrap();
        let keys = stage.keys(&["1"]);
        stage.round(&keys).await;
        let former = stage.rig.store.get(&one.id).await.unwrap().former.unwrap();
        assert_eq!((keys.form(&former.secret), former.until), (Form::Current, until));
        stage.rig.clock.advance(Duration::from_mins(1));
        stage.round(&keys).await;
        assert_eq!(stage.rig.store.get(&one.id).await.unwrap().former, None);
    }
}
