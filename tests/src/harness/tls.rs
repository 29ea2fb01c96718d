//! The TLS provider of the test's own process.

use std::sync::Once;

/// Installs it, as the gateway does first thing: clients that do not bring one of their own ask for it.
pub(super) fn install_provider() {
    static ONCE: Once = Once::new();
    // Another part of the test may have installed it already: then that one stays.
    ONCE.call_once(|| {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    });
}
