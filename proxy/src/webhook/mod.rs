//! Notifications on the wire: what is posted to a callback, how it is signed, and an inbox that receives it.

pub mod inbox;
pub mod notification;
pub mod signature;

use crate::conf::tree::{Callback, Delivery};
use netweave_http::Settings;
use std::time::Duration;

/// Time to resolve and connect; a callback that needs longer is not one to wait for. Source: the project's notes, 5.1.
const CONNECT_TIME: Duration = Duration::from_secs(1);

/// Translates the sections of the configuration into the settings of outbound calls.
pub fn settings(callback: &Callback, delivery: &Delivery) -> Settings {
    Settings {
        schemes: callback.schemes.clone(),
        ports: callback.ports.clone(),
        allow: callback.allow.clone(),
        ca: callback.ca.clone(),
        connect_timeout: CONNECT_TIME.min(delivery.timeout.0),
        timeout: delivery.timeout.0,
    }
}
