//! How many items a page has.

use netweave_model::query::{Marker, Query};
use netweave_model::subscription::Major;
use std::num::NonZeroUsize;

/// Items of a page, unless the client asks for fewer or more. Source: `docs/architecture.md`, section 6.
const PAGE: usize = 100;
/// Items of a numbered page of v1, as its field clients expect. Source: as above.
const NUMBERED_PAGE: usize = 30;

/// Returns the size of the page that a query asks for, 1 to 1000.
pub fn size(query: &Query, major: Major) -> usize {
    let numbered = matches!(query.marker, Some(Marker::Page(_)));
    let usual = if numbered && major == Major::V1 { NUMBERED_PAGE } else { PAGE };
    query.limit.map_or(usual, NonZeroUsize::get)
}
