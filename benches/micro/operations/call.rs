//! A call as the audit log is told of it.

use netweave::access::Access;
use netweave::audit::{Call, Payload};
use netweave::clock::SystemClock;
use netweave::conf::tree::{self, Rate};
use netweave::filters::limits::Shares;
use netweave::listen::identity::{Facts, Identity, IdentityField};
use netweave::listen::peer::{Caller, Peer};
use netweave_model::Timestamp;
use netweave_model::port::Clock;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// A client as an SMO is one.
pub(crate) fn peer() -> Option<Arc<Peer>> {
    let identity = Identity {
        name: "spiffe://o2.example.net/smo".to_owned(),
        field: IdentityField::Uri,
        common_name: Some("smo".to_owned()),
        fingerprint: "3fdb2b5e3ea6b1a1b0f0d7e3a9c4f1d23fdb2b5e3ea6b1a1b0f0d7e3a9c4f1d2".to_owned(),
        not_after: Timestamp(1_890_000_000_000),
        facts: Facts {
            serial: "5f2c11a0b7d9e3".to_owned(),
            ends: Timestamp(1_890_000_000_000).to_string(),
            alternative_names: vec!["URI:spiffe://o2.example.net/smo".to_owned()],
        },
    };
    let grant = Access::new(&tree::Access::default(), &Rate::default(), 1).of(&identity.name)?;
    let share = Shares::new(&tree::Limits::default()).of(&identity.name, &grant, SystemClock.now());
    let caller = Caller { identity, grant, share };
    Some(Arc::new(Peer::known(IpAddr::from(Ipv4Addr::LOCALHOST), caller, Vec::new(), (1, 0))))
}

/// A read or, with bodies, a change of a resource.
pub(crate) fn call(peer: Option<&Arc<Peer>>, bodies: Option<(Payload, Payload)>) -> Call {
    Call {
        at: SystemClock.now(),
        peer: peer.cloned(),
        method: Some(if bodies.is_some() { http::Method::POST } else { http::Method::GET }),
        path: Some("/o2ims-infrastructureInventory/v2/resourcePools/pool-a/resources/server-0007".into()),
        slot: 30,
        status: http::StatusCode::OK,
        bytes: 1830,
        took: Duration::from_micros(85),
        id: Some("abcdef012345-000000000001".into()),
        trace: None,
        allowed: true,
        reason: None,
        token: None,
        bodies,
    }
}
