//! What a caller may do, and which collections it may see. Which objects, its scope decides where they are read; who owns a
//! subscription, the store.

use crate::access::{Grant, Permission};
use crate::problem::{Problem, Refused};
use crate::routes::{Operation, Route};
use netweave_model::{Error, ErrorKind};

/// Decides about one call.
///
/// # Errors
/// 403: no role of the caller allows it. 404: its scope does not have the collection.
pub fn check(grant: &Grant, route: &Route<'_>) -> Result<(), Refused> {
    if let Some(permission) = Permission::of(&route.operation)
        && !grant.permissions.has(permission)
    {
        let detail = format!("this needs a role such as `{}`, which you do not have", permission.role());
        return Err(Box::new(Problem::from(&Error::new(ErrorKind::Forbidden, detail))));
    }
    let covered = match &route.operation {
        Operation::List(kind, _) | Operation::Get(kind, ..) | Operation::TypeDictionary(kind, _) => {
            grant.scope.covers(*kind)
        }
        Operation::Refresh(source) => grant.scope.covers_source(&source.as_ref().into()),
        Operation::Cloud
        | Operation::ApiVersions(_)
        | Operation::Subscriptions
        | Operation::Subscription(_)
        | Operation::Caller
        | Operation::Sources
        | Operation::Lease(_)
        | Operation::Act(..)
        | Operation::DryRun
        | Operation::OpenApi
        | Operation::Health(_) => true,
    };
    if covered { Ok(()) } else { Err(Box::new(Problem::no_such_path())) }
}
