//! Tells whoever counts calls of each call to the cluster's API, up to the head of its answer: a watch goes on for long.

use http::{Method, Request, Response};
use netweave_model::ErrorKind;
use netweave_model::port::InfrastructureCall;
use netweave_model::trace::Context;
use tokio::time::Instant;

/// What is asked for, as it is counted.
const ENDPOINTS: [&str; 3] = ["nodes", "storageclasses", "baremetalhosts"];

/// What a call asks for.
pub(crate) struct Asked {
    endpoint: &'static str,
    method: &'static str,
    server: Option<(String, u16)>,
}

impl Asked {
    /// Reads what is asked for.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let uri = request.uri();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let method = if *request.method() == Method::GET { "GET" } else { "other" };
        let server = uri.host().map(|host| (host.to_owned(), port));
        Self { endpoint: endpoint(uri.path()), method, server }
    }

    /// Waits for the head of the answer.
    pub(crate) async fn told<B, E>(
        self,
        answer: impl Future<Output = Result<Response<B>, E>>,
    ) -> Result<Response<B>, E> {
        let Context { trace: parent, calls, .. } = Context::current();
        let Some(calls) = calls else { return answer.await };
        let (own, began) = (calls.begin(parent), Instant::now());
        let answer = answer.await;
        let status = answer.as_ref().map(|answer| answer.status().as_u16());
        calls.called(&InfrastructureCall {
            endpoint: self.endpoint,
            method: self.method,
            server: self.server.as_ref().map(|(host, port)| (host.as_str(), *port)),
            outcome: status.map_err(|_broken| ErrorKind::Unavailable),
            took: began.elapsed(),
            spans: (parent, own),
        });
        answer
    }
}

/// Names what a path leads to: its collection.
fn endpoint(path: &str) -> &'static str {
    let mut parts = path.rsplit('/');
    parts.find_map(|part| ENDPOINTS.into_iter().find(|name| *name == part)).unwrap_or("version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_under_its_collection() {
        for (path, name) in [
            ("/api/v1/nodes", "nodes"),
            ("/api/v1/nodes/a", "nodes"),
            ("/apis/storage.k8s.io/v1/storageclasses", "storageclasses"),
            ("/apis/metal3.io/v1alpha1/namespaces/a/baremetalhosts/nodes-1", "baremetalhosts"),
            ("/version", "version"),
        ] {
            assert_eq!(endpoint(path), name, "{path}");
        }
    }
}
