//! A page of the caller's subscriptions, read from the store each time.

use super::desk::Desk;
use super::represent;
use crate::present::page;
use netweave_model::query::{Indexed, Marker, Query};
use netweave_model::subscription::Major;
use netweave_model::{Error, Id, Result};

/// The collection's path segment, which markers are tied to.
pub(super) const COLLECTION: &str = "subscriptions";

/// Subscriptions read from the store at once.
const BATCH: usize = 200;

/// A page.
pub(super) struct Page {
    /// A bare array.
    pub(super) body: Vec<u8>,
    /// The marker of the next page, if there is one.
    pub(super) next: Option<String>,
}

/// Reads the page that a query asks for, ordered by id.
///
/// # Errors
/// `Invalid`: a numbered page lies beyond the end. `Unavailable`.
pub(super) async fn page(desk: &Desk, owner: &str, query: &Query, major: Major) -> Result<Page> {
    let limit = page::size(query, major);
    let (number, mut after) = match &query.marker {
        Some(Marker::Page(number)) => (Some(number.get()), None),
        Some(Marker::After { key }) => (None, Some(Id::from(key.as_str()))),
        None => (None, None),
    };
    let before = usize::try_from(number.unwrap_or(1).saturating_sub(1)).unwrap_or(usize::MAX);
    let mut skip = before.saturating_mul(limit);
    let filter = query.filter.as_ref().map(|filter| filter.bind(desk.paths()));
    let mut shown: Vec<(Id, Vec<u8>)> = Vec::new();
    let mut more = false;
    'store: loop {
        let batch = desk.parts().subscriptions.page(Some(owner), after.as_ref(), BATCH).await?;
        for subscription in &batch {
            let json = represent::info(subscription)?;
            if let Some(filter) = &filter
                && !filter.matches(&Indexed::new(json.clone().into(), desk.paths())?)
            {
                continue;
            }
            if skip > 0 {
                skip -= 1;
            } else if shown.len() == limit {
                more = true;
                break 'store;
            } else {
                shown.push((subscription.id.clone(), json));
            }
        }
        match batch.last() {
            Some(last) if batch.len() == BATCH => after = Some(last.id.clone()),
            Some(_) | None => break,
        }
    }
    if before > 0 && shown.is_empty() {
        return Err(Error::invalid("nextpage_opaque_marker", "there is no page with this number"));
    }
    let next = match (more, number, shown.last()) {
        (true, Some(number), _) => Some(number.saturating_add(1).to_string()),
        (true, None, Some((last, _))) => Some(Marker::after(COLLECTION, last.as_str(), query.hash())),
        (false, ..) | (true, None, None) => None,
    };
    Ok(Page { body: render(&shown, query)?, next })
}

fn render(shown: &[(Id, Vec<u8>)], query: &Query) -> Result<Vec<u8>> {
    let mut body = vec![b'['];
    for (_, json) in shown {
        if body.len() > 1 {
            body.push(b',');
        }
        if query.selectors.is_identity() {
            body.extend_from_slice(json);
        } else {
            body.extend_from_slice(&query.selectors.apply(json)?);
        }
    }
    body.push(b']');
    Ok(body)
}
