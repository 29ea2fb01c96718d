//! A door for the fuzz targets: one answer of the server -> the objects that it makes, by the code that a look runs.

use crate::client::{Unusable, read};
use crate::conf::Served;
use crate::error::{self, Failure};
use crate::inventory::Inventory;
use crate::map::Scope;
use crate::soap::answer::{self, About, Update};
use crate::soap::xml::Node;
use netweave_model::port::{Change, fold};
use netweave_model::{Error, Id, Object, Result, SourceName};
use std::collections::BTreeMap;

/// Reads an answer as that of each call, and makes of each what a look, or the stream of changes, would.
///
/// # Errors
/// Inside: as these.
pub fn answers(status: u16, body: &[u8]) -> Vec<Result<Vec<Object>>> {
    let call = |operation| called(operation, status, body);
    vec![
        call("RetrievePropertiesEx").and_then(|answer| objects(&answer::page(&answer)?.objects)),
        call("WaitForUpdatesEx").and_then(|answer| match answer::updates(&answer)? {
            Some(updates) => objects(&updates.objects),
            None => Ok(Vec::new()),
        }),
        call("RetrieveServiceContent").and_then(|answer| answer::content(&answer).map(|_| Vec::new())),
        call("CreateFilter").and_then(|answer| answer::made(&answer).map(|_| Vec::new())),
    ]
}

fn called(operation: &'static str, status: u16, body: &[u8]) -> Result<Node> {
    read(operation, status, body).map_err(|unusable| match unusable {
        Unusable::Fault(fault) => Failure::Fault(fault).into_error(),
        Unusable::Status => error::status(status, None),
        Unusable::Answer(error) => error::in_call(operation, error),
    })
}

/// Takes the updates in, all at once and one by one, which must come to the same.
fn objects(updates: &[Update]) -> Result<Vec<Object>> {
    let (mut at_once, mut one_by_one) = (inventory(), inventory());
    let (mut all, mut steps) = (BTreeMap::new(), BTreeMap::new());
    for update in updates {
        at_once.apply(update)?;
        one_by_one.apply(update)?;
        fold(&mut steps, one_by_one.drain()?);
    }
    fold(&mut all, at_once.drain()?);
    fold(&mut steps, one_by_one.drain()?);
    let again: Vec<Change> = at_once.drain()?;
    if all != steps || !again.is_empty() {
        return Err(Error::invalid("updates", "come to something else one by one"));
    }
    Ok(all.into_values().collect())
}

fn inventory() -> Inventory {
    let scope = Scope {
        source: SourceName::from("vc"),
        o_cloud_id: Id::from("cloud"),
        service_uri: "https://vc/sdk".to_owned(),
        served: Served::all(),
    };
    Inventory::new(scope, About { version: "8.0.3".to_owned(), ..About::default() })
}
