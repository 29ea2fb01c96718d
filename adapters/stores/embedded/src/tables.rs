//! The tables of the file, and the version of their layout.

use netweave_model::port::Schema;
use redb::TableDefinition;

/// The version of the layout that this code reads and writes.
pub const SCHEMA: Schema = Schema::new(1, 0);

/// The key of the layout's major version in [`META`].
pub(crate) const META_SCHEMA: &str = "schema";

/// The key of the layout's minor version in [`META`]; without it that is zero.
pub(crate) const META_SCHEMA_MINOR: &str = "schemaMinor";

/// The key of the time of the last batch in [`META`], in milliseconds since 1970.
pub(crate) const META_ALIVE: &str = "alive";

/// A few numbers about the file itself.
pub(crate) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// Key and value are JSON: `FactKey` and `Fact`.
pub(crate) const FACTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("facts");

/// Source, code of the kind, id; the value is a row of `codec`.
pub(crate) const ROWS: TableDefinition<'_, (&str, u8, &str), &[u8]> = TableDefinition::new("rows");

/// Sequence number; the value is an entry of `codec`.
pub(crate) const ENTRIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("entries");

/// Number of a queued event; the value is an event of `codec`.
pub(crate) const BODIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("bodies");
