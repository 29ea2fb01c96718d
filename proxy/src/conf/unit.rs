//! Values that carry their unit in the file, and the forms of texts that only their schema knows.

pub use netweave_model::unit::{Size, Span};

use schemars::JsonSchema;

/// The form of a socket address, for the schema.
#[derive(JsonSchema)]
#[schemars(inline, extend("format" = "socket-address"))]
pub(super) struct SocketText(#[expect(dead_code, reason = "only its schema is used")] String);
