//! What can be judged before the first start: whether ports are free, and whether servers and backends answer.

use super::{Seen, redis};
use crate::cli::redis::Looked;
use crate::cli::verdict::Check;
use crate::cli::{Process, backend};
use crate::conf::tree::Conf;
use std::net::{SocketAddr, TcpListener};

/// Makes the checks.
pub(super) async fn all(conf: &Conf, process: &Process) -> Vec<Check> {
    let backends = conf.backends.iter().collect();
    let (checked, servers) =
        tokio::join!(backend::check_all(backends, conf, process), Looked::at(Some(conf)));
    let seen = Seen { told: Vec::new(), samples: None, servers };
    let mut checks = vec![listeners(conf)];
    checks.extend(redis::all(&seen, Some(conf), 0, process.now()));
    let mut check = Check::new("backends");
    check.seen(format!("{} answer", checked.len()));
    for one in checked {
        if let Some(failure) = one.failure {
            let change = "look at its address and credentials; a gateway starts without it";
            check.warn(format!("{}: {failure}", one.name), change, Some("NetweaveSourceNotLive"));
        }
    }
    checks.push(check);
    checks
}

/// Judges whether the addresses of the listeners can be listened on.
fn listeners(conf: &Conf) -> Check {
    let mut check = Check::new("listeners");
    let all: Vec<SocketAddr> = conf.api.listen.iter().copied().chain([conf.ops.listen]).collect();
    check.seen(format!("{} addresses are free", all.len()));
    for address in all {
        if let Err(error) = TcpListener::bind(address) {
            let what = format!("{address} cannot be listened on: {error}");
            check.failed(what, "end what listens there, or choose another address", None);
        }
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::verdict::State;

    #[test]
    fn a_port_that_is_taken_is_told() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut conf = Conf::default();
        conf.api.listen = vec!["127.0.0.1:0".parse().unwrap()];
        conf.ops.listen = "127.0.0.1:0".parse().unwrap();
        assert_eq!(listeners(&conf).state, State::Ok);
        conf.ops.listen = taken.local_addr().unwrap();
        assert_eq!(listeners(&conf).state, State::Failed);
    }
}
