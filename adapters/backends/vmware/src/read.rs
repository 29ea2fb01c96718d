//! Reads everything, page by page.

use crate::error::Outcome;
use crate::inventory::Inventory;
use crate::map::Scope;
use crate::session::Session;
use netweave_model::port::fold;
use netweave_model::{Error, ErrorKind, Object, ObjectKey};
use std::collections::BTreeMap;

/// Most pages of one list; with a hundred objects each, more than an inventory holds.
const MAX_PAGES: usize = 5_000;

/// Builds the whole inventory from a fresh list; a page that fails fails the list.
pub(crate) async fn snapshot(session: &Session, scope: &Scope) -> Outcome<BTreeMap<ObjectKey, Object>> {
    let mut inventory = Inventory::new(scope.clone(), session.content.about.clone());
    let mut token = None;
    for pages in 0.. {
        if pages > MAX_PAGES {
            return Err(Error::new(ErrorKind::TooLarge, "the vCenter's inventory exceeds its bound").into());
        }
        let page = session.page(token.as_deref()).await?;
        for update in &page.objects {
            inventory.apply(update)?;
        }
        token = page.token;
        if token.is_none() {
            break;
        }
    }
    let mut objects = BTreeMap::new();
    fold(&mut objects, inventory.drain()?);
    Ok(objects)
}
