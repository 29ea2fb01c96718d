//! What a caller may do, and which objects it may see.
//!
//! Every verified identity may do everything and sees every object; who owns a subscription is decided where the
//! subscription is read.

use crate::listen::identity::Identity;
use crate::problem::Refused;
use crate::routes::{Route, Scope};
use http::Method;

/// Decides about one call, and returns what the caller may see.
///
/// # Errors
/// 403, once there are roles.
pub fn check(_identity: &Identity, _route: &Route<'_>, _method: &Method) -> Result<Scope, Refused> {
    Ok(Scope::ALL)
}
