//! Rows and changes into views.

use super::catalog::Views;
use super::view::{KeyRef, View};
use bytes::Bytes;
use netweave_model::port::Snapshot;
use netweave_model::query::{Indexed, Paths};
use netweave_model::{Event, Id, Kind, SourceName};
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;

/// Puts the rows of some kinds in the place of what was known of them.
pub(super) fn install(
    views: &mut Views,
    source: &SourceName,
    snapshot: Snapshot,
    kinds: &[Kind],
    paths: &Paths,
) {
    let applied = snapshot.position.max(views.position);
    for kind in kinds {
        if let Some(view) = views.view_mut(source, *kind) {
            *view = View::at(applied);
        }
    }
    for object in snapshot.objects.into_iter().filter(|object| kinds.contains(&object.key.kind)) {
        let Some(view) = views.view_mut(source, object.key.kind) else { continue };
        if let Some(indexed) = indexed(&object.key.id, object.json, paths) {
            view.insert(object.parent, object.key.id, indexed);
        }
    }
}

/// Applies one change to its view, unless the view was loaded from rows that contain it already.
pub(super) fn patch(view: &mut View, event: Event, paths: &Paths) {
    if event.position <= view.applied {
        return;
    }
    view.changed = event.position;
    view.applied = event.position;
    let id = event.key.id;
    if event.key.kind == Kind::Resource
        && let Some(pool) = event.prior.as_deref().and_then(pool_of)
    {
        view.remove(KeyRef { parent: Some(&pool), id: id.as_str() });
    }
    match event.post {
        Some(json) => {
            if let Some(indexed) = indexed(&id, json, paths) {
                view.insert(event.parent, id, indexed);
            }
        }
        None => {
            view.remove(KeyRef { parent: event.parent.as_ref().map(Id::as_str), id: id.as_str() });
        }
    }
}

/// Indexes an object; one that cannot be is left out, with a word to the operator.
fn indexed(id: &Id, json: Bytes, paths: &Paths) -> Option<Arc<Indexed>> {
    match Indexed::new(json, paths) {
        Ok(object) => Some(Arc::new(object)),
        Err(error) => {
            tracing::error!(object.id = %id, %error, "an object in the store cannot be read and is left out");
            None
        }
    }
}

/// Reads the pool of a resource from its JSON: a resource that moved must leave the pool where it was.
fn pool_of(json: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Pool<'a> {
        #[serde(borrow)]
        resource_pool_id: Cow<'a, str>,
    }
    serde_json::from_slice::<Pool<'_>>(json).map(|pool| pool.resource_pool_id).ok()
}
