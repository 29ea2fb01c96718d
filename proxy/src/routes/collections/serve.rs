//! From a read to its answer: first the caches, then the views, waiting for a source only where nothing is known.

use super::asked::{Asked, full_path, path};
use super::render::{self, List, Single};
use super::{Collections, Found};
use crate::access::Scope;
use crate::inventory::cache::{Answer, KeyRef, Spelling, Subject};
use crate::inventory::catalog::Views;
use crate::inventory::second::Origin;
use crate::inventory::version::Version;
use crate::inventory::view::KeyRef as ObjectRef;
use crate::present::spelling::{self, Dictionaries};
use crate::routes::Call;
use netweave_model::query::{Query, Target};
use netweave_model::{Error, ErrorKind, Kind, Result};
use std::sync::Arc;

impl Collections {
    /// Finds or makes the answer to a read.
    pub(super) async fn answer(&self, call: &Call<'_>, asked: &Asked<'_>) -> Result<(Arc<Answer>, Found)> {
        match asked.subject {
            Subject::Cloud => self.cloud(call, asked),
            Subject::List(kind) => self.list(call, asked, kind).await,
            Subject::Get(kind) | Subject::Dictionary(kind) => self.single(call, asked, kind).await,
        }
    }

    fn cloud(&self, call: &Call<'_>, asked: &Asked<'_>) -> Result<(Arc<Answer>, Found)> {
        let selectors = Query::parse_single(Target::Cloud, call.query)?;
        let body = spelling::cloud(&self.settings.cloud, call.route.major, self.settings.compatibility)?;
        let answer = render::answer(render::selected(body.into(), &selectors)?)?;
        let answer = Arc::new(answer);
        let key = asked.key(call, Version::default(), Spelling::Canonical, selectors.canonical());
        self.keep(call, asked, key, &answer);
        Ok((answer, Found::Miss))
    }

    async fn list(&self, call: &Call<'_>, asked: &Asked<'_>, kind: Kind) -> Result<(Arc<Answer>, Found)> {
        let scope = &*call.grant.scope;
        let collection = path(kind, asked.parent);
        let query =
            Query::parse(Target::Inventory(kind), &collection, call.query, self.settings.filter_depth)?;
        self.parts.fills.known(scope, asked.kinds, false).await?;
        let views = match asked.parent {
            Some(pool) => self.find(scope, Kind::ResourcePool, ObjectRef { parent: None, id: pool }).await?,
            None => Arc::clone(&self.parts.catalog.views()),
        };
        let canonical = query.canonical();
        let version = views.version(&asked.part()).ok_or_else(|| absent(Kind::ResourcePool))?;
        let key = asked.key(call, version, Spelling::Canonical, &canonical);
        if let Some(answer) = self.answers.get(&key) {
            self.answers.put(asked.key(call, key.version, Spelling::Raw, call.query), &answer);
            return Ok((answer, Found::Hit));
        }
        let list =
            List { kind, parent: asked.parent, collection: &collection, major: call.route.major, scope };
        let link_path = full_path(call.route.major, kind, asked.parent);
        let make = || render::list(&views, self.parts.catalog.paths(), &list, &query, &link_path);
        let (answer, found) = match &self.parts.second {
            None => (Arc::new(make()?), Found::Miss),
            Some(second) => {
                let lifetime = self.parts.fills.lifetime(asked.class);
                let (answer, origin) = second.find_or_make(key, lifetime, make).await?;
                (answer, origin.into())
            }
        };
        self.keep(call, asked, key, &answer);
        Ok((answer, found))
    }

    async fn single(&self, call: &Call<'_>, asked: &Asked<'_>, kind: Kind) -> Result<(Arc<Answer>, Found)> {
        let selectors = Query::parse_single(Target::Inventory(kind), call.query)?;
        let (scope, major) = (&*call.grant.scope, call.route.major);
        let id = asked.id.unwrap_or_default();
        let (views, single) = match asked.subject {
            Subject::Dictionary(_) => {
                let key = ObjectRef { parent: None, id };
                let views = self.find(scope, Kind::ResourceType, key).await?;
                let dictionary = dictionary_of(&views, scope, kind, key)?.ok_or_else(|| absent(kind))?;
                let views = self.find(scope, kind, ObjectRef { parent: None, id: &dictionary }).await?;
                (views, Single { kind, parent: None, id: dictionary.into(), major, scope })
            }
            Subject::Cloud | Subject::List(_) | Subject::Get(_) => {
                let parent = asked.parent;
                let views = self.find(scope, kind, ObjectRef { parent, id }).await?;
                (views, Single { kind, parent, id: id.into(), major, scope })
            }
        };
        let version = views.version(&asked.part()).ok_or_else(|| absent(kind))?;
        let key = asked.key(call, version, Spelling::Canonical, selectors.canonical());
        if let Some(answer) = self.answers.get(&key) {
            self.answers.put(asked.key(call, key.version, Spelling::Raw, call.query), &answer);
            return Ok((answer, Found::Hit));
        }
        let body = render::single(&views, &single, &selectors)?.ok_or_else(|| absent(kind))?;
        let answer = Arc::new(render::answer(body)?);
        self.keep(call, asked, key, &answer);
        Ok((answer, Found::Miss))
    }

    /// Returns views that hold an object which may be seen.
    ///
    /// Before it says that there is none, every source that may have it was read, and the views are as far as the log.
    async fn find(&self, scope: &Scope, kind: Kind, key: ObjectRef<'_>) -> Result<Arc<Views>> {
        let views = Arc::clone(&self.parts.catalog.views());
        if views.get(scope, kind, key).is_some() {
            return Ok(views);
        }
        self.parts.fills.known(scope, &[kind], true).await?;
        self.parts.catalog.catch_up(&*self.parts.log).await;
        let views = Arc::clone(&self.parts.catalog.views());
        if views.get(scope, kind, key).is_some() { Ok(views) } else { Err(absent(kind)) }
    }

    /// Offers an answer to the first cache, under both spellings of its query.
    fn keep(&self, call: &Call<'_>, asked: &Asked<'_>, key: KeyRef<'_>, answer: &Arc<Answer>) {
        self.answers.keep(key, asked.key(call, key.version, Spelling::Raw, call.query), answer);
    }
}

impl From<Origin> for Found {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Neighbour => Self::Hit,
            Origin::Shared => Self::Shared,
            Origin::Made => Self::Miss,
        }
    }
}

/// Returns the id of the dictionary that a resource type names.
fn dictionary_of(
    views: &Views,
    scope: &Scope,
    kind: Kind,
    resource_type: ObjectRef<'_>,
) -> Result<Option<String>> {
    let Some(object) = views.get(scope, Kind::ResourceType, resource_type) else {
        return Ok(None);
    };
    let dictionaries = Dictionaries::of(object.json())?;
    let named = if kind == Kind::AlarmDictionary {
        dictionaries.alarm_dictionary_id
    } else {
        dictionaries.performance_dictionary_id
    };
    Ok(named.map(|id| id.as_str().to_owned()))
}

fn absent(kind: Kind) -> Error {
    let text = match kind {
        Kind::Location => "there is no location with this id",
        Kind::OCloudSite => "there is no O-Cloud site with this id",
        Kind::ResourceType => "there is no resource type with this id",
        Kind::ResourcePool => "there is no resource pool with this id",
        Kind::Resource => "there is no resource with this id in this pool",
        Kind::DeploymentManager => "there is no deployment manager with this id",
        Kind::AlarmDictionary => "there is no such alarm dictionary",
        Kind::PerformanceDictionary => "there is no such performance dictionary",
    };
    Error::new(ErrorKind::NotFound, text)
}
