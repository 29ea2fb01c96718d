//! Scripts: each is one atomic step. They are called by their digest; a server that lost them gets them again.
//!
//! Every script begins with `lua/common.lua`. `ARGV[1]` is the time in milliseconds, or empty for the server's own clock.
//! A script that refuses returns an error reply whose first word is a code that its caller knows.

use crate::client::unavailable;
use fred::prelude::{Client, Value};
use fred::types::scripts::Script;
use netweave_model::{Error, Result};
use std::sync::LazyLock;

const COMMON: &str = include_str!("../lua/common.lua");

/// One script.
pub(crate) struct Lua {
    name: &'static str,
    script: LazyLock<Script>,
}

/// What a script answered.
pub(crate) type Answer = std::result::Result<Value, Refusal>;

/// The code of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

/// Declares a script: files of this crate's `lua` folder, those that it shares with others first.
macro_rules! lua {
    ($name:ident, $($file:literal),+) => {
        static $name: $crate::scripts::Lua = $crate::scripts::Lua::new(
            stringify!($name),
            std::sync::LazyLock::new(|| {
                $crate::scripts::script(&[$(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/lua/", $file))),+])
            }),
        );
    };
}
pub(crate) use lua;

/// Makes a script of the common beginning and what follows it.
pub(crate) fn script(texts: &[&str]) -> Script {
    Script::from_lua([&[COMMON], texts].concat().join("\n"))
}

/// Makes an argument of a number, which a script reads as text.
pub(crate) fn number(number: impl ToString + Copy) -> Value {
    Value::from(number.to_string())
}

impl Lua {
    pub(crate) const fn new(name: &'static str, script: LazyLock<Script>) -> Self {
        Self { name, script }
    }

    /// Runs it. `arguments` follow the time.
    ///
    /// # Errors
    /// `Unavailable`; a refusal is an answer.
    pub(crate) async fn call(
        &self,
        client: &Client,
        now: &str,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Answer> {
        let mut all = Vec::with_capacity(arguments.len() + 1);
        all.push(Value::from(now));
        all.extend(arguments);
        match self.script.evalsha_with_reload(client, keys, all).await {
            Ok(value) => Ok(Ok(value)),
            Err(error) => match error.details().split_once(' ') {
                Some(("NW", rest)) => Ok(Err(Refusal(rest.to_owned()))),
                _ => Err(unavailable(error)),
            },
        }
    }

    /// Runs a script that never refuses.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(crate) async fn get(
        &self,
        client: &Client,
        now: &str,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value> {
        let answer = self.call(client, now, keys, arguments).await?;
        answer
            .map_err(|Refusal(code)| Error::internal(format!("the script {} refused with {code}", self.name)))
    }
}
