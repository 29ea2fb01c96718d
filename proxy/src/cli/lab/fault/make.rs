//! What each fault does.

use super::{Breaker, Fault, files, servers};
use crate::cli::Failure;
use crate::cli::lab::conf::INVENTORY;
use time::Duration;

/// The gateway that faults of one gateway hit.
const ONE: &str = "gateway-3";

/// More servers than changes that may wait to be told of.
const MANY: usize = 1_500;
/// Servers, and bytes of each, that a gateway of the lab has not the memory for; few, as consumers are told of each.
const LARGE: (usize, usize) = (900, 60_000);

pub(super) fn make(fault: Fault, lab: &mut Breaker<'_>) -> Result<(), Failure> {
    match fault {
        Fault::RedisPrimary => lab.kill(&servers::primary(lab)?.name),
        Fault::RedisReplica => lab.kill(&servers::replica(lab)?),
        Fault::RedisReplicaHangs => lab.pause(&servers::replica(lab)?),
        Fault::RedisAll => servers::kill_all(lab),
        Fault::RedisFull => servers::full(lab),
        Fault::RedisFillsUp => servers::fills_up(lab),
        Fault::RedisEvicts => servers::evicts(lab),
        Fault::RedisLosesKeys => servers::loses_keys(lab),
        Fault::RedisRights => servers::rights(lab, &["-eval", "-evalsha"]),
        Fault::RedisLimitKeys => servers::limit_keys(lab),
        Fault::RedisLogRights => {
            servers::rights(lab, &["-xrange"])?;
            files::grows(lab, MANY, 0)
        }
        Fault::RedisSlow => lab.helper("drag", &["drag", "--millis", "800"]),
        Fault::RedisVerySlow => lab.helper("drag", &["drag", "--millis", "1600"]),
        Fault::Sentinel => lab.kill("sentinel-3"),
        Fault::Gateway => lab.kill(ONE),
        Fault::Gateways => ["gateway-2", ONE].iter().try_for_each(|name| lab.kill(name)),
        Fault::GatewayRestarts => (0..3).try_for_each(|_| lab.bounce(ONE)),
        Fault::GatewayWithoutRedis => files::without_redis(lab, ONE),
        Fault::GatewayWithoutTokenKeys => files::without_token_keys(lab, ONE),
        Fault::Configuration => files::configuration(lab, ONE),
        Fault::SourceBroken => files::breaks(lab, INVENTORY),
        Fault::SourceNeverRead => files::never_read(lab),
        Fault::InventoryGrows => files::grows_large(lab, LARGE.0, LARGE.1),
        Fault::SmoFails => lab.with("smo", &["--answer", "500"]),
        Fault::SmoRejects => lab.with("smo", &["--answer", "400"]),
        Fault::SmoSlow => lab.with("smo", &["--delay", "2s"]),
        Fault::SmoHangs => lab.pause("smo"),
        Fault::SmoFailsForHours => {
            lab.with("smo", &["--answer", "500"])?;
            lab.helper("age", &["age"])
        }
        Fault::CallbackTokens => files::callback_tokens(lab),
        Fault::CallbackFiles => files::breaks(lab, "callback.crt"),
        Fault::SecretKeyLost => files::secret_key_lost(lab),
        Fault::CertificateEnds => files::reissue(lab, Duration::days(5)),
        Fault::CertificateEndsSoon => files::reissue(lab, Duration::days(10)),
        Fault::CertificateBroken => files::breaks(lab, "tls.crt"),
        Fault::CrlStale => files::relist(lab, -Duration::HOUR),
        Fault::CrlEnds => files::relist(lab, Duration::hours(3)),
        Fault::AuditFolders => files::audit_folders(lab),
        Fault::AuditCollector => lab.kill("collector"),
        Fault::Overload => lab.load(|load| load.reads = 400.0),
        Fault::Connections => lab.load(|load| load.connections = 60.0),
        Fault::CacheMisses => lab.load(|load| load.distinct = true),
    }
}
