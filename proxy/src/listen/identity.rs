//! Who is calling, as the verified client certificate says.

use netweave_model::Timestamp;

/// Which field of the certificate the name comes from; the first that is present, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityField {
    /// The first URI subject alternative name (SPIFFE).
    Uri,
    /// The first DNS subject alternative name.
    Dns,
    /// The subject's common name.
    CommonName,
}

/// A verified client, for the life of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name by which rules and subscriptions know it.
    pub name: String,
    /// Where the name comes from.
    pub field: IdentityField,
    /// The subject's common name, if it has one; the audit log shows it always.
    pub common_name: Option<String>,
    /// SHA-256 of the certificate, in lower-case hex.
    pub fingerprint: String,
    /// When the certificate ends.
    pub not_after: Timestamp,
}
