//! `confined PROFILE PROGRAM ARGUMENTS...`: starts a program under a seccomp profile as a container runtime reads it.
//!
//! Rules with conditions on arguments are not read; the profile of this repository has none.
#![expect(clippy::print_stderr, reason = "a program of tests: says why it could not start the other one")]

use serde::Deserialize;
use serde_json::{Value, json};
use std::error::Error;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Profile {
    default_action: String,
    default_errno_ret: u32,
    #[serde(rename = "architectures")]
    _architectures: Vec<String>,
    syscalls: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    names: Vec<String>,
    action: String,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [profile, program, rest @ ..] = arguments.as_slice() else {
        eprintln!("usage: confined PROFILE PROGRAM ARGUMENTS...");
        return ExitCode::from(2);
    };
    let error = match confine(profile) {
        Ok(()) => Command::new(program).args(rest).exec().into(),
        Err(error) => error,
    };
    eprintln!("confined: {error}");
    ExitCode::FAILURE
}

fn confine(path: &str) -> Result<(), Box<dyn Error>> {
    let profile: Profile = serde_json::from_slice(&std::fs::read(path)?)?;
    if profile.default_action != "SCMP_ACT_ERRNO" {
        return Err("what is not allowed must be an error".into());
    }
    let mut allowed = Vec::new();
    for rule in &profile.syscalls {
        if rule.action != "SCMP_ACT_ALLOW" {
            return Err("only what is allowed may be listed".into());
        }
        allowed.extend(rule.names.iter().map(|name| json!({ "syscall": name })));
    }
    let of_all: Value = json!({ "all": {
        "mismatch_action": { "errno": profile.default_errno_ret }, "match_action": "allow", "filter": allowed,
    } });
    let arch = std::env::consts::ARCH.try_into()?;
    let filters = seccompiler::compile_from_json(of_all.to_string().as_bytes(), arch)?;
    seccompiler::apply_filter(filters.get("all").ok_or("the filter was not made")?)?;
    Ok(())
}
