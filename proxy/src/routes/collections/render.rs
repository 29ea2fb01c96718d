//! Bodies made of views: pages of collections and single objects, in the spelling of a major.

use crate::access::Scope;
use crate::inventory::cache::Answer;
use crate::inventory::catalog::{Selection, Views};
use crate::inventory::view::KeyRef;
use crate::present::spelling::{Dictionaries, with_alarm_dictionary};
use crate::present::{etag, link, page};
use bytes::Bytes;
use netweave_model::query::{Indexed, Marker, Paths, Query, Selectors};
use netweave_model::subscription::Major;
use netweave_model::{Error, Kind, Result};
use std::borrow::Cow;
use std::sync::Arc;

/// A collection to render.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    pub(super) kind: Kind,
    pub(super) parent: Option<&'a str>,
    /// Names the collection in markers.
    pub(super) collection: &'a str,
    pub(super) major: Major,
    pub(super) scope: &'a Scope,
}

/// An object to render.
pub(super) struct Single<'a> {
    pub(super) kind: Kind,
    pub(super) parent: Option<&'a str>,
    pub(super) id: Cow<'a, str>,
    pub(super) major: Major,
    pub(super) scope: &'a Scope,
}

/// Renders a page; `link_path` is the collection's path, for the link to the next page.
///
/// The link is made of the canonical query: the answer may be kept for others, who spelled theirs otherwise.
///
/// # Errors
/// `Invalid`: a numbered page lies beyond the end.
pub(super) fn list(
    views: &Views,
    paths: &Paths,
    list: &List<'_>,
    query: &Query,
    link_path: &str,
) -> Result<Answer> {
    let spelled = spelled(views, paths, list)?;
    let filter = query.filter.as_ref().map(|filter| filter.bind(paths));
    let (number, after) = match &query.marker {
        Some(Marker::Page(number)) => (Some(number.get()), None),
        Some(Marker::After { key }) => (None, Some(key.as_str())),
        None => (None, None),
    };
    let limit = page::size(query, list.major);
    let before = usize::try_from(number.unwrap_or(1).saturating_sub(1)).unwrap_or(usize::MAX);
    let skip = before.saturating_mul(limit);
    let List { kind, parent, scope, .. } = *list;
    let page = spelled.list(Selection { kind, parent, after, scope, filter: filter.as_ref(), skip, limit });
    if skip > 0 && page.objects.is_empty() {
        return Err(Error::invalid("nextpage_opaque_marker", "there is no page with this number"));
    }
    let next = match (page.more, number, page.last) {
        (false, ..) | (true, None, None) => None,
        (true, Some(number), _) => Some(number.saturating_add(1).to_string()),
        (true, None, Some(id)) => Some(Marker::after(list.collection, id.as_str(), query.hash())),
    };
    let next = next.map(|marker| link::next(link_path, &query.parameters(), &marker)).transpose()?;
    let size: usize = page.objects.iter().map(|held| held.object.json().len() + 1).sum();
    let mut body = Vec::with_capacity(size + 2);
    body.push(b'[');
    for held in &page.objects {
        if body.len() > 1 {
            body.push(b',');
        }
        if query.selectors.is_identity() {
            body.extend_from_slice(held.object.json());
        } else {
            body.extend_from_slice(&query.selectors.apply(held.object.json())?);
        }
    }
    body.push(b']');
    let versions = page.objects.iter().map(|held| held.version);
    let etag = etag::of_list(versions, query.selectors.canonical())?;
    Ok(Answer { etag, link: next, body: body.into() })
}

/// Renders one object; `None` if the views do not hold it.
pub(super) fn single(views: &Views, single: &Single<'_>, selectors: &Selectors) -> Result<Option<Bytes>> {
    let key = KeyRef { parent: single.parent, id: &single.id };
    let Some(object) = views.get(single.scope, single.kind, key) else {
        return Ok(None);
    };
    let json = shown(views, single.scope, (single.kind, single.major), object.json())?;
    selected(json, selectors).map(Some)
}

/// Applies attribute selectors; without any, the object's own bytes are shared.
pub(super) fn selected(json: Bytes, selectors: &Selectors) -> Result<Bytes> {
    if selectors.is_identity() { Ok(json) } else { selectors.apply(&json).map(Into::into) }
}

/// Makes an answer of a body.
pub(super) fn answer(body: Bytes) -> Result<Answer> {
    Ok(Answer { etag: etag::of(&body)?, link: None, body })
}

/// Says whether a major carries a copy of the alarm dictionary in objects of a kind.
fn with_dictionary(kind: Kind, major: Major) -> bool {
    kind == Kind::ResourceType && major == Major::V1
}

/// Returns the views as the caller may see the objects of a list, in the spelling of its major, so that filters see what the
/// client sees.
fn spelled<'a>(views: &'a Views, paths: &Paths, list: &List<'_>) -> Result<Cow<'a, Views>> {
    if !with_dictionary(list.kind, list.major) && !list.scope.alters(list.kind) {
        return Ok(Cow::Borrowed(views));
    }
    let mut spelled = views.clone();
    for source in &mut spelled.sources {
        let view = source.kinds.get_mut(list.kind);
        for (id, held) in view.clone().range(None, None) {
            let json = shown(views, list.scope, (list.kind, list.major), held.object.json())?;
            if json.as_ptr() != held.object.json().as_ptr() {
                view.insert(None, id.clone(), Arc::new(Indexed::new(json, paths)?));
            }
        }
    }
    Ok(Cow::Owned(spelled))
}

/// Returns an object as the caller may see it, in the spelling of its major.
fn shown(views: &Views, scope: &Scope, (kind, major): (Kind, Major), json: &Bytes) -> Result<Bytes> {
    if with_dictionary(kind, major) {
        type_with_dictionary(views, scope, json)
    } else {
        scope.shown(kind, json)
    }
}

/// Returns a resource type with a copy of its alarm dictionary, if it has one that is known.
fn type_with_dictionary(views: &Views, scope: &Scope, json: &Bytes) -> Result<Bytes> {
    let Some(id) = Dictionaries::of(json)?.alarm_dictionary_id else { return Ok(json.clone()) };
    let dictionary = views.get(scope, Kind::AlarmDictionary, KeyRef { parent: None, id: id.as_str() });
    Ok(dictionary.map_or_else(|| json.clone(), |found| with_alarm_dictionary(json, found.json()).into()))
}
