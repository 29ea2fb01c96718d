//! Certificates and revocation lists of the API listener.

use crate::cli::diagnose::Finding;
use crate::cli::diagnose::facts::{Facts, any, finding, with};

const EXPIRY: &str = "netweave_tls_certificate_expiration_timestamp_seconds";
const DAY: f64 = 86_400.0;

/// Returns the seconds from now to a time.
fn left(facts: &Facts, at: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this century are exact")]
    let now = facts.at.0 as f64 / 1000.0;
    at - now
}

/// The certificate that ends first.
pub(in super::super) fn ends(facts: &Facts) -> Option<Finding> {
    let roles = ["server", "client_ca", "observed_client", "webhook_client"];
    let end = |role: &'static str| {
        Some((role, left(facts, facts.min(EXPIRY, |one| with("role", role)(one) && one.value > 0.0)?)))
    };
    let all: Vec<(&str, f64)> = roles.into_iter().filter_map(end).collect();
    let (role, first) = all.iter().min_by(|(_, one), (_, other)| one.total_cmp(other))?;
    if *first > 14.0 * DAY {
        return None;
    }
    let what = match *role {
        "server" => "the gateways' own certificate",
        "client_ca" => "the certificate of an authority of the clients",
        "observed_client" => "a client's certificate, which its owner has to renew,",
        _ => "the certificate that is shown to callbacks",
    };
    let sentence = format!(
        "{what} ends in {:.1} days: it was not renewed, or the new one did not get here",
        first / DAY
    );
    let evidence = all.iter().map(|(role, left)| format!("{role}: {:.1} days left", left / DAY)).collect();
    Some(finding("certificate-ends", sentence, evidence))
}

/// New files could not be used.
pub(in super::super) fn reload_failed(facts: &Facts) -> Option<Finding> {
    let failed = facts.total("netweave_tls_reloads_total", with("result", "failed"));
    (failed > 0.0).then(|| {
        let sentence = "the certificate files that the gateways were given cannot be used, so they go on with the old ones; \
                        the log names the file and the reason";
        finding("certificate-files", sentence.to_owned(), vec![format!("{failed:.0} exchanges failed")])
    })
}

/// A revocation list is due.
pub(in super::super) fn list_ends(facts: &Facts) -> Option<Finding> {
    let next =
        facts.min("netweave_tls_crl_next_update_timestamp_seconds", |one| any(one) && one.value > 0.0)?;
    let left = left(facts, next);
    (left < 6.0 * 3600.0).then(|| {
        let due = if left < 0.0 { "should have been replaced" } else { "is to be replaced" };
        let (hours, when) = (left.abs() / 3600.0, if left < 0.0 { "ago" } else { "from now" });
        let sentence =
            format!("a revocation list {due} {hours:.1} hours {when}, and no newer one has come here");
        finding("crl-due", sentence, Vec::new())
    })
}
