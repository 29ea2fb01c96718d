//! `netweave runbook`: the pages of `docs/runbooks`, as this binary was built with them.

use super::{Exit, Failure, Process, diagnose};
use crate::conf::words;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The page, named as its alert; without it, all are listed
    name: Option<String>,
    #[command(flatten)]
    diagnosis: diagnose::Args,
}

/// A page: the name of its alert, and its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// The name.
    pub(super) name: &'static str,
    /// The text, in Markdown.
    pub(super) text: &'static str,
}

macro_rules! pages {
    ($($name:literal)*) => {
        &[$(Page { name: $name, text: include_str!(concat!("../../../docs/runbooks/", $name, ".md")) },)*]
    };
}

/// All pages, ordered by name.
#[rustfmt::skip]
pub(super) const PAGES: &[Page] = pages! {
    "NetweaveAuditBlocks"
    "NetweaveAuditDropped"
    "NetweaveAuditSinkDown"
    "NetweaveBackendErrors"
    "NetweaveBackendSlower"
    "NetweaveCacheHitRatioLow"
    "NetweaveCallbackFilesRefused"
    "NetweaveCallbackSilent"
    "NetweaveCallbackTokensFailing"
    "NetweaveCertificateEndsIn14Days"
    "NetweaveCertificateEndsIn7Days"
    "NetweaveCertificateReloadFailed"
    "NetweaveClientLimited"
    "NetweaveConnectionsFlooded"
    "NetweaveConnectionsRefused"
    "NetweaveDeadLetters"
    "NetweaveDeliveryFailing"
    "NetweaveDeliverySlow"
    "NetweaveErrorBudgetBurns"
    "NetweaveErrorBudgetBurnsFast"
    "NetweaveErrorRateAboveObjective"
    "NetweaveErrorRateCritical"
    "NetweaveErrorRateHigh"
    "NetweaveFanOutBehind"
    "NetweaveHandshakesFailing"
    "NetweaveLatencyAboveObjective"
    "NetweaveLatencyCritical"
    "NetweaveLatencyHigh"
    "NetweaveLimitsNotShared"
    "NetweaveMemoryHigh"
    "NetweaveNoSubscriptionActivity"
    "NetweaveNoSubscriptions"
    "NetweaveOverloaded"
    "NetweavePodMissing"
    "NetweavePodRestarting"
    "NetweavePodsDown"
    "NetweavePoolCountDrop"
    "NetweaveRedisDropsState"
    "NetweaveRedisFinding"
    "NetweaveRedisMemoryHigh"
    "NetweaveRedisPrimaryDown"
    "NetweaveRedisReplicaDown"
    "NetweaveRedisReplicaLags"
    "NetweaveRedisSwitched"
    "NetweaveRedisUnreachable"
    "NetweaveRedisUnusable"
    "NetweaveResourceCountDrop"
    "NetweaveRevocationListEndsSoon"
    "NetweaveRevocationListStale"
    "NetweaveSecretsUnreadable"
    "NetweaveSentinelDown"
    "NetweaveServiceFailing"
    "NetweaveSharedCacheFailing"
    "NetweaveSourceNotLive"
    "NetweaveStateCallsFailing"
    "NetweaveSubscriptionsExpired"
    "NetweaveSubscriptionsMended"
    "NetweaveTokenKeysNotFetched"
    "NetweaveViewsBehind"
};

pub(super) async fn run(args: &Args, process: &mut Process) -> Result<Exit, Failure> {
    let Some(name) = &args.name else {
        for page in PAGES {
            process.out.line(&format!("{:36}  {}", page.name, page.signal()))?;
        }
        return Ok(Exit::Done);
    };
    let page = PAGES.iter().find(|page| page.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let names: Vec<&str> = PAGES.iter().map(|page| page.name).collect();
        let near = words::nearest(name, &names).map(|near| format!("; did you mean `{near}`?"));
        Failure::new(Exit::Failed, format!("there is no page `{name}`{}", near.unwrap_or_default()))
    })?;
    if args.diagnosis.diagnose {
        return diagnose::run(page.name, &args.diagnosis, process).await;
    }
    process.out.text(page.text).map(|()| Exit::Done)
}

impl Page {
    /// Returns its priority, such as `P1`, and the first sentence of what was measured.
    fn signal(&self) -> String {
        let mut lines = self.text.lines().map(str::trim).filter(|line| !line.is_empty());
        let priority = lines.clone().nth(1).and_then(|line| line.split('.').next()).unwrap_or_default();
        let after = lines.by_ref().skip_while(|line| *line != "## Signal").nth(1).unwrap_or_default();
        format!("{priority}  {after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_page_is_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbooks");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| {
                entry.unwrap().file_name().into_string().unwrap().strip_suffix(".md").map(str::to_owned)
            })
            .filter(|name| name != "README")
            .collect();
        files.sort();
        assert_eq!(PAGES.iter().map(|page| page.name).collect::<Vec<_>>(), files);
    }

    #[test]
    fn each_page_says_its_priority_and_what_was_measured() {
        for page in PAGES {
            let signal = page.signal();
            assert!(signal.starts_with('P') && signal.len() > 20, "{}: {signal}", page.name);
        }
    }
}
