//! What a command judges: checks with their findings, of which the worst decides the exit code.

use super::out::Out;
use super::{Exit, Failure};
use serde::Serialize;

/// How something is, the worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum State {
    /// As it should be.
    #[default]
    Ok,
    /// Nothing can be said from here.
    NotJudged,
    /// It works, but something should be changed.
    Warning,
    /// It does not work.
    Failed,
}

impl State {
    /// Returns how a command ends whose worst finding this is.
    pub(super) const fn exit(self) -> Exit {
        match self {
            Self::Ok | Self::NotJudged => Exit::Done,
            Self::Warning => Exit::Warnings,
            Self::Failed => Exit::Failed,
        }
    }

    /// Returns the word for people.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotJudged => "not judged",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    /// How bad it is.
    pub(super) state: State,
    /// What is wrong.
    pub(super) what: String,
    /// What to do.
    pub(super) change: String,
    /// The page that says more, for `netweave runbook`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) runbook: Option<&'static str>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    /// Its name.
    pub(super) name: &'static str,
    /// The worst of its findings.
    pub(super) state: State,
    /// What was seen, or why nothing could be.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) seen: String,
    /// What is not as it should be, in the order in which it was found.
    pub(super) findings: Vec<Finding>,
}

impl Check {
    /// A check without findings yet.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, state: State::Ok, seen: String::new(), findings: Vec::new() }
    }

    /// A check that cannot be made from here.
    pub(super) fn not_judged(name: &'static str, why: impl Into<String>) -> Self {
        Self { state: State::NotJudged, seen: why.into(), ..Self::new(name) }
    }

    /// Says what was seen.
    pub(super) fn seen(&mut self, what: impl Into<String>) {
        self.seen = what.into();
    }

    /// Adds a finding, unless it is there already.
    pub(super) fn add(&mut self, finding: Finding) {
        self.state = self.state.max(finding.state);
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Adds that something does not work.
    pub(super) fn failed(
        &mut self,
        what: impl Into<String>,
        change: impl Into<String>,
        runbook: Option<&'static str>,
    ) {
        self.add(Finding { state: State::Failed, what: what.into(), change: change.into(), runbook });
    }

    /// Adds that something should be changed.
    pub(super) fn warn(
        &mut self,
        what: impl Into<String>,
        change: impl Into<String>,
        runbook: Option<&'static str>,
    ) {
        self.add(Finding { state: State::Warning, what: what.into(), change: change.into(), runbook });
    }
}

/// Returns the worst state of all.
pub(super) fn worst(checks: &[Check]) -> State {
    let judged = checks.iter().map(|check| check.state).filter(|state| *state != State::NotJudged);
    judged.max().unwrap_or_default()
}

/// Prints one line for each finding, and one for each check without any.
pub(super) fn show(checks: &[Check], out: &mut Out) -> Result<(), Failure> {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    for check in checks {
        let line = |state: State, text: &str| format!("{:10}  {:width$}  {text}", state.word(), check.name);
        if check.findings.is_empty() {
            out.line(line(check.state, &super::out::tame(&check.seen)).trim_end())?;
        }
        for finding in &check.findings {
            let page = finding.runbook.map(|page| format!(" (netweave runbook {page})")).unwrap_or_default();
            let text = super::out::tame(&format!("{}: {}{page}", finding.what, finding.change));
            out.line(&line(finding.state, &text))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides_and_what_is_not_judged_does_not() {
        let mut check = Check::new("redis");
        assert_eq!(worst(&[check.clone(), Check::not_judged("x", "no file")]).exit(), Exit::Done);
        check.warn("a", "b", None);
        check.warn("a", "b", None);
        assert_eq!((check.findings.len(), worst(&[check.clone()]).exit()), (1, Exit::Warnings));
        check.failed("c", "d", Some("NetweavePodsDown"));
        check.warn("e", "f", None);
        assert_eq!(worst(&[check]).exit(), Exit::Failed);
    }
}
