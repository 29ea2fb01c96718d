//! A stage for tests: memory store, clock by hand, a consumer on loopback, and the services, driven step by step.

use super::Service;
use super::dispatcher::{self, Dispatcher};
use super::notifier::{self, Notifier};
use super::sweeper::{self, Sweeper};
use crate::conf::tree::Delivery;
use crate::conf::unit::Span;
use crate::telemetry::metrics::Metrics;
use crate::webhook::inbox::{self, Answer, Inbox, Options, Received};
use crate::webhook::notification::{EVENT_TYPE, Renderer, SEQUENCE};
use crate::webhook::sealing::KeyRing;
use crate::webhook::signature::{Secret, WEBHOOK_ID};
use crate::webhook::signers::Signers;
use async_trait::async_trait;
use http::StatusCode;
use netweave_http::{Guard, Outbound, Resolver, Settings};
use netweave_memory::Memory;
use netweave_model::port::{
    Backlog, Change, Clock, Created, Deliveries, Fence, Ids, InventoryLog, Quota, Subscriptions,
};
use netweave_model::query::Paths;
use netweave_model::subscription::{Major, StateForm};
use netweave_model::{Id, Kind, NewSubscription, Object, ObjectKey, SourceName, Subscription, Timestamp};
use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use uuid::Uuid;

/// The signing secret of all subscriptions here.
pub(crate) const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// When every test begins.
const BEGIN: i64 = 1_700_000_000_000;

/// A clock that moves when it is told to.
pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Identifiers that count. As dice they always show the highest number, so that every pause is the longest.
#[derive(Default)]
pub(crate) struct Counting(AtomicU64);

impl Ids for Counting {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst)) + 1)
    }

    fn secret(&self) -> [u8; 32] {
        [7; 32]
    }
}

/// Resolves every name to one address after the other; the last one stays.
pub(crate) struct Names(Mutex<VecDeque<IpAddr>>);

impl Names {
    pub(crate) fn new(addresses: &[&str]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(addresses.iter().map(|text| text.parse().unwrap()).collect())))
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let mut left = self.0.lock().unwrap();
        let address = if left.len() > 1 { left.pop_front() } else { left.front().copied() };
        Ok(address.into_iter().collect())
    }
}

/// What a consumer does with one delivery, beside being told what to answer.
pub(crate) type Reaction = Box<dyn Fn(&Received) + Send + Sync>;

fn text(received: &Received, name: &http::HeaderName) -> String {
    received.header(name).unwrap().to_owned()
}

/// Shares what then is taken for one of its ports.
pub(crate) trait Share {
    fn share(&self) -> Self;
}

impl<T> Share for Arc<T> {
    fn share(&self) -> Self {
        Self::clone(self)
    }
}

type Answers = Arc<Mutex<VecDeque<Answer>>>;
type Reacts = Arc<Mutex<Option<Reaction>>>;

fn answerer(answers: Answers, reaction: Reacts) -> inbox::Answerer {
    Box::new(move |received: &Received| {
        if let Some(reaction) = &*reaction.lock().unwrap() {
            reaction(received);
        }
        answers.lock().unwrap().pop_front().unwrap_or(Answer::status(StatusCode::NO_CONTENT))
    })
}

/// What services are made of.
struct Core {
    store: Arc<Memory>,
    clock: Arc<Hand>,
    ids: Arc<Counting>,
    metrics: Arc<Metrics>,
    outbound: Arc<Outbound>,
    signers: Arc<Signers>,
}

impl Core {
    fn dispatcher(&self, max_queue: u64) -> Dispatcher {
        let parts = dispatcher::Parts {
            log: self.store.share(),
            subscriptions: self.store.share(),
            deliveries: self.store.share(),
            paths: Arc::new(Paths::new()),
            access: crate::access::admins(),
            metrics: Arc::clone(&self.metrics),
        };
        Dispatcher::new(parts, max_queue)
    }

    fn notifier(&self, delivery: Delivery) -> Notifier {
        let parts = notifier::Parts {
            deliveries: self.store.share(),
            subscriptions: self.store.share(),
            outbound: Arc::clone(&self.outbound),
            renderer: Renderer::new("https://gw.example.net").unwrap(),
            signers: Arc::clone(&self.signers),
            access: crate::access::admins(),
            clock: self.clock.share(),
            ids: self.ids.share(),
            audit: Arc::new(crate::audit::Audit::off()),
            metrics: Arc::clone(&self.metrics),
            tracer: Arc::default(),
        };
        Notifier::new(parts, delivery)
    }
}

/// The stage.
pub(crate) struct Rig {
    pub(crate) store: Arc<Memory>,
    pub(crate) clock: Arc<Hand>,
    pub(crate) ids: Arc<Counting>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) signers: Arc<Signers>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) url: String,
    /// The answers to come; 204 when there are none.
    pub(crate) answers: Answers,
    pub(crate) reaction: Reacts,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) notifier: Notifier,
    pub(crate) source: SourceName,
}

/// The settings of tests: retries within 300 s, items kept for a day.
pub(crate) fn delivery() -> Delivery {
    Delivery { timeout: Span::seconds(5), concurrency: 8, ..Delivery::default() }
}

/// Any port and loopback.
pub(crate) fn loopback() -> Settings {
    Settings {
        schemes: vec!["http".to_owned()],
        allow: vec!["127.0.0.0/8".to_owned()],
        ..Settings::default()
    }
}

/// An object with these members.
pub(crate) fn object(kind: Kind, id: &str, members: &serde_json::Value) -> Object {
    let mut json = members.clone();
    json[kind.id_attribute()] = id.into();
    let parent = (kind == Kind::Resource).then(|| Id::from("pool"));
    Object {
        key: ObjectKey { kind, id: Id::from(id) },
        parent,
        json: serde_json::to_vec(&json).unwrap().into(),
    }
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(delivery(), &loopback(), Names::new(&["127.0.0.1"])).await
    }

    pub(crate) async fn with(delivery: Delivery, settings: &Settings, names: Arc<Names>) -> Self {
        let clock = Arc::new(Hand(AtomicI64::new(BEGIN)));
        let ids = Arc::new(Counting::default());
        let guard = Arc::new(Guard::new(settings, names).unwrap());
        let core = Core {
            store: Arc::new(Memory::new(clock.share(), ids.share())),
            metrics: Arc::new(Metrics::new().unwrap()),
            outbound: Arc::new(Outbound::new(settings, Arc::clone(&guard), clock.share()).unwrap()),
            signers: Arc::new(Signers::new(Arc::new(KeyRing::read(&[]).unwrap()), &[]).unwrap()),
            clock,
            ids,
        };
        let (answers, reaction) = (Arc::default(), Arc::default());
        let inbox = Inbox::new(
            Options {
                secrets: vec![Secret::parse(SECRET).unwrap()],
                answer: answerer(Arc::clone(&answers), Arc::clone(&reaction)),
            },
            core.clock.share(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(inbox::serve(listener, Arc::clone(&inbox)));
        let rig = Self {
            dispatcher: core.dispatcher(delivery.max_queue),
            notifier: core.notifier(delivery),
            store: core.store,
            clock: core.clock,
            ids: core.ids,
            metrics: core.metrics,
            outbound: core.outbound,
            signers: core.signers,
            source: SourceName::from("lab"),
            guard,
            inbox,
            url,
            answers,
            reaction,
        };
        rig.begin().await;
        rig
    }

    /// Commits an empty baseline of all kinds.
    async fn begin(&self) {
        let steps = Kind::ALL.into_iter().flat_map(|kind| [Change::Reset(kind), Change::Synced(kind)]);
        self.commit(&steps.collect::<Vec<_>>()).await;
        self.fan_out().await;
    }

    pub(crate) fn sweeper(&self) -> Sweeper {
        Sweeper::new(sweeper::Parts {
            log: self.store.share(),
            subscriptions: self.store.share(),
            deliveries: self.store.share(),
            outbound: Arc::clone(&self.outbound),
            clock: self.clock.share(),
            audit: Arc::new(crate::audit::Audit::off()),
            metrics: Arc::clone(&self.metrics),
        })
    }

    pub(crate) async fn subscribe(&self, filter: Option<&str>) -> Subscription {
        self.subscribe_as(Major::V2, &self.url, filter).await
    }

    pub(crate) async fn subscribe_as(
        &self,
        major: Major,
        callback: &str,
        filter: Option<&str>,
    ) -> Subscription {
        let new = NewSubscription {
            owner: "smo".to_owned(),
            major,
            callback: callback.to_owned(),
            consumer_subscription_id: Some(self.ids.uuid().to_string()),
            filter: filter.map(str::to_owned),
            states: StateForm::Object,
            secret: SECRET.into(),
            lease: Duration::from_secs(1000),
        };
        match self.store.create(new, Quota { per_owner: 10_000, total: 10_000 }).await.unwrap() {
            Created::New(subscription) => subscription,
            other @ (Created::Duplicate(_) | Created::QuotaExceeded) => panic!("{other:?}"),
        }
    }

    pub(crate) async fn commit(&self, changes: &[Change]) {
        self.store.commit(&self.source, Fence(1), changes).await.unwrap();
    }

    /// Commits one resource with a number in it.
    pub(crate) async fn change(&self, id: &str, number: u32) {
        let json = serde_json::json!({ "description": number.to_string() });
        self.commit(&[Change::Upsert(object(Kind::Resource, id, &json))]).await;
    }

    /// Commits `count` changes of one resource and queues them.
    pub(crate) async fn changes(&self, count: u32) {
        for number in 0..count {
            self.change("r", number).await;
        }
        self.fan_out().await;
    }

    pub(crate) async fn fan_out(&self) {
        while self.dispatcher.activate().await.unwrap() {}
    }

    /// Delivers everything that is due now.
    pub(crate) async fn deliver(&self) {
        loop {
            self.notifier.activate().await.unwrap();
            if self.notifier.in_flight() == 0 {
                return;
            }
            while self.notifier.in_flight() > 0 {
                self.notifier.freed().await;
            }
        }
    }

    pub(crate) fn answer_next(&self, statuses: &[u16]) {
        let answers = statuses.iter().map(|status| Answer::status(StatusCode::from_u16(*status).unwrap()));
        self.answers.lock().unwrap().extend(answers);
    }

    pub(crate) async fn backlog(&self, subscription: &Subscription) -> Backlog {
        self.store.backlog(&subscription.id).await.unwrap()
    }

    /// What came in: what is told, sequence number and notification id of each delivery.
    pub(crate) fn told(&self) -> Vec<(String, u64, String)> {
        let received = self.inbox.received(0);
        assert!(received.iter().all(|one| one.verified == Some(true)), "every delivery is signed");
        received
            .iter()
            .map(|one| {
                (text(one, &EVENT_TYPE), text(one, &SEQUENCE).parse().unwrap(), text(one, &WEBHOOK_ID))
            })
            .collect()
    }

    pub(crate) fn sequences(&self) -> Vec<u64> {
        self.told().into_iter().map(|(_, sequence, _)| sequence).collect()
    }
}
