//! The scripts of subscriptions and queues, which share functions and are called without keys: they name their own.

use crate::scripts::{Answer, Lua, number};
use crate::store::Redis;
use fred::prelude::Value;
use netweave_model::{Error, Result};

/// Declares a script that begins with `q_common.lua`, `q_letters.lua` and other files of this crate's `lua` folder.
macro_rules! queue_lua {
    (reads $name:ident, $file:literal $(, $shared:literal)*) => {
        $crate::scripts::lua!(reads $name, "q_common.lua", "q_letters.lua" $(, $shared)*, $file);
    };
    ($vis:vis $name:ident, $file:literal $(, $shared:literal)*) => {
        $crate::scripts::lua!($vis $name, "q_common.lua", "q_letters.lua" $(, $shared)*, $file);
    };
}
pub(crate) use queue_lua;

impl Redis {
    /// Runs a script that may refuse.
    pub(crate) async fn ask(&self, script: &'static Lua, arguments: Vec<Value>) -> Result<Answer> {
        self.call(script, Vec::new(), arguments).await
    }

    /// Runs a script that never refuses.
    pub(crate) async fn tell(&self, script: &'static Lua, arguments: Vec<Value>) -> Result<Value> {
        self.run(script, Vec::new(), arguments).await
    }
}

/// Makes an argument of how many are wanted; a server knows no limit beyond this one.
pub(crate) fn limit(limit: usize) -> Value {
    number(u32::try_from(limit).unwrap_or(u32::MAX))
}

/// The error of a refusal that the caller does not know.
pub(crate) fn refused(code: &str) -> Error {
    Error::internal(format!("a script refused with {code}"))
}
