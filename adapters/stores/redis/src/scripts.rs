//! Scripts: each is one atomic step.
//!
//! Every script but one begins with the generation that it is made for and `lua/common.lua`, which ends it where the log
//! has another generation; the one that asks for the generation cannot. `ARGV[1]` is the time in milliseconds, or empty for the server's own clock. A script that refuses
//! returns an error reply that begins with `NW` and a code that its caller knows.

use fred::prelude::Value;
use fred::types::scripts::Script;
use netweave_model::Error;
use std::time::Duration;

const TIME: &str = include_str!("../lua/time.lua");
const COMMON: &str = include_str!("../lua/common.lua");
/// Has the server see to it that a script writes nothing.
const READ_ONLY: &str = "#!lua flags=no-writes\n";

/// One script.
pub(crate) struct Lua {
    files: &'static [&'static str],
    texts: &'static [&'static str],
    /// Whether it writes nothing.
    pub(crate) reads: bool,
}

/// What a script answered.
pub(crate) type Answer = Result<Value, Refusal>;

/// The code of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

/// Declares a script: files of this crate's `lua` folder, those that it shares with others first. The last one names it.
///
/// `reads` before the name says that it writes nothing, so a replica executes it as well.
macro_rules! lua {
    (reads $name:ident, $($file:literal),+) => { $crate::scripts::lua!(@ true, $name, $($file),+); };
    (@ $reads:literal, $vis:vis $name:ident, $($file:literal),+) => {
        $vis static $name: $crate::scripts::Lua = $crate::scripts::Lua::new(
            &[$($file),+],
            &[$(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/lua/", $file))),+],
            $reads,
        );
    };
    ($vis:vis $name:ident, $($file:literal),+) => { $crate::scripts::lua!(@ false, $vis $name, $($file),+); };
}
pub(crate) use lua;

/// Makes an argument of a number, which a script reads as text.
pub(crate) fn number(number: impl ToString + Copy) -> Value {
    Value::from(number.to_string())
}

/// Makes an argument of a span, in milliseconds.
pub(crate) fn millis(span: Duration) -> Value {
    number(span.as_millis())
}

impl Lua {
    pub(crate) const fn new(
        files: &'static [&'static str],
        texts: &'static [&'static str],
        reads: bool,
    ) -> Self {
        Self { files, texts, reads }
    }

    /// The name of the script, which no other one has: that of its own file.
    pub(crate) fn name(&self) -> &'static str {
        self.files.last().map_or("", |file| file.trim_end_matches(".lua"))
    }

    /// Makes the script for a generation of the log, on its primary or on a replica, which refuses it when promoted.
    pub(crate) fn made_for(&self, generation: u64, replica: bool) -> Script {
        let flags = if replica { READ_ONLY } else { "" };
        let head = format!("{flags}local GENERATION, REPLICA = '{generation}', {replica}");
        Script::from_lua([&[&*head, TIME, COMMON], self.texts].concat().join("\n"))
    }

    /// Makes the script for a server of any generation.
    pub(crate) fn made_for_any(&self) -> String {
        [&[TIME], self.texts].concat().join("\n")
    }

    /// The error of a refusal by a script that never refuses.
    pub(crate) fn refused(&self, code: &str) -> Error {
        Error::internal(format!("the script {} refused with {code}", self.name()))
    }
}
