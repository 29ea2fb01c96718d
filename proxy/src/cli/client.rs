//! The HTTP client of the commands that talk to a running gateway.

use super::out::tame;
use super::serve::DEV_DIR;
use super::{Exit, Failure};
use crate::conf::profile;
use netweave_model::Secret;
use reqwest::{Certificate, Identity, Method};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Largest answer that is read.
const MAX_ANSWER: usize = 16 << 20;
/// Time for one call.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The base path of the inventory interface.
const INVENTORY: &str = "o2ims-infrastructureInventory";

/// Where the gateway is, and who asks.
#[derive(Debug, clap::Args)]
pub(super) struct Connection {
    /// The gateway's API listener
    #[arg(long, value_name = "URL", default_value = "https://127.0.0.1:8443", global = true)]
    url: Url,
    /// Certificate of the authority that issued the gateway's certificate, as a PEM file
    #[arg(long, value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
    /// The client certificate, as a PEM file
    #[arg(long, value_name = "FILE", global = true)]
    cert: Option<PathBuf>,
    /// Its private key, as a PEM file
    #[arg(long, value_name = "FILE", global = true)]
    key: Option<PathBuf>,
    /// Takes the certificates that `serve --dev` made
    #[arg(long, global = true)]
    dev: bool,
    /// With --dev: their folder
    #[arg(long, value_name = "DIR", default_value = DEV_DIR, global = true)]
    dir: PathBuf,
    /// The major version of the inventory interface
    #[arg(long, value_name = "MAJOR", default_value = "v2", value_parser = ["v1", "v2"], global = true)]
    major: String,
}

/// A client of one gateway.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    major: String,
}

/// An answer below 400.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The body; null if there is none, or none of JSON.
    pub(super) body: Value,
    /// The target of the `Link` with `rel="next"`.
    pub(super) next: Option<String>,
    /// The signing secret that a new subscription's answer carries.
    pub(super) secret: Option<Secret>,
}

impl Connection {
    /// Makes a client that trusts the given authority alone.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let given = |file: &Option<PathBuf>, dev: &str, flag: &str| match file {
            Some(file) => Ok(file.clone()),
            None if self.dev => Ok(self.dir.join(dev)),
            None => Err(Failure::new(Exit::Usage, format!("{flag} is needed, or --dev"))),
        };
        let ca = given(&self.ca, profile::CA, "--ca")?;
        let certificate = given(&self.cert, profile::CLIENT_CERTIFICATE, "--cert")?;
        let http = identified(&ca, &certificate, &given(&self.key, profile::CLIENT_KEY, "--key")?)?;
        Client::new(http, &self.url, &self.major)
    }
}

/// Prepares a client that trusts that authority alone and shows that certificate; all are PEM files.
pub(super) fn identified(
    ca: &Path,
    certificate: &Path,
    key: &Path,
) -> Result<reqwest::ClientBuilder, Failure> {
    let ca = read(ca)?;
    let mut identity = read(certificate)?;
    identity.push(b'\n');
    identity.extend(read(key)?);
    let wrong = |what: &str, error: &reqwest::Error| {
        Failure::new(Exit::Usage, format!("{what} cannot be used: {}", reason(error)))
    };
    let authorities =
        Certificate::from_pem_bundle(&ca).map_err(|error| wrong("the authority's certificate", &error))?;
    let identity =
        Identity::from_pem(&identity).map_err(|error| wrong("the client certificate or its key", &error))?;
    Ok(reqwest::Client::builder()
        .tls_certs_only(authorities)
        .identity(identity)
        .https_only(true)
        .timeout(TIMEOUT))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))
}

impl Client {
    fn new(builder: reqwest::ClientBuilder, base: &Url, major: &str) -> Result<Self, Failure> {
        let builder = builder.no_proxy().redirect(reqwest::redirect::Policy::none());
        let http = builder.build().map_err(|error| Failure::new(Exit::Usage, reason(&error)))?;
        Ok(Self { http, base: base.clone(), major: major.to_owned() })
    }

    /// Makes a client without certificates, for the operations listener.
    pub(super) fn plain(base: &Url, timeout: Duration) -> Result<Self, Failure> {
        Self::new(reqwest::Client::builder().timeout(timeout), base, "")
    }

    /// Returns the path of the inventory's subscriptions.
    pub(super) fn subscriptions(&self) -> [&str; 3] {
        [INVENTORY, &self.major, "subscriptions"]
    }

    /// Reads one object.
    pub(super) async fn get(&self, path: &[&str]) -> Result<Answer, Failure> {
        self.call(Method::GET, path, None).await
    }

    /// Reads all pages of a list.
    pub(super) async fn list(&self, path: &[&str]) -> Result<Vec<Value>, Failure> {
        const MAX_PAGES: usize = 10_000;
        let mut all = Vec::new();
        let mut answer = self.get(path).await?;
        for _ in 0..MAX_PAGES {
            all.extend(answer.body.as_array().cloned().unwrap_or_default());
            let Some(next) = answer.next else { return Ok(all) };
            let url = self.base.join(&next).ok().filter(|url| url.origin() == self.base.origin());
            let url = url.ok_or_else(|| Failure::new(Exit::Failed, "the next page is elsewhere"))?;
            answer = self.send(self.http.get(url)).await?;
        }
        Err(Failure::new(Exit::Failed, "the list has too many pages"))
    }

    /// Calls an operation.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(Failure::new(Exit::Usage, "the URL cannot be a base")),
        };
        let request = self.http.request(method, url);
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Failure> {
        let unreachable = |error: &reqwest::Error| Failure::new(Exit::Unreachable, reason(error));
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let next = header("link").as_deref().and_then(next);
        let secret = header("x-o2ims-webhook-secret").map(Secret::from);
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            if text.len().saturating_add(chunk.len()) > MAX_ANSWER {
                return Err(Failure::new(Exit::Failed, "the answer is too large"));
            }
            text.extend_from_slice(&chunk);
        }
        let body = serde_json::from_slice(&text).unwrap_or_default();
        if status < 400 { Ok(Answer { status, body, next, secret }) } else { Err(refusal(status, &body)) }
    }
}

/// Finds the target of `rel="next"`.
fn next(links: &str) -> Option<String> {
    let link = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let (target, _) = link.trim().strip_prefix('<')?.split_once('>')?;
    Some(target.to_owned())
}

/// Says what a problem document says, and chooses the exit code.
fn refusal(status: u16, problem: &Value) -> Failure {
    let exit = match status {
        401 | 403 => Exit::Unauthorised,
        404 | 410 => Exit::Failed,
        409 | 412 => Exit::Conflict,
        400..=428 => Exit::Usage,
        _ => Exit::Unreachable,
    };
    let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
    let detail =
        text(problem, "detail").or_else(|| text(problem, "title")).map(|detail| format!(": {detail}"));
    let mut lines = vec![format!("the gateway answers {status}{}", detail.unwrap_or_default())];
    for param in problem.get("invalidParams").and_then(Value::as_array).into_iter().flatten() {
        let name = text(param, "name").unwrap_or_default();
        lines.push(format!("  {name}: {}", text(param, "reason").unwrap_or_default()));
    }
    Failure::new(exit, lines.join("\n"))
}

/// Says why a call failed, with its causes.
pub(super) fn reason(error: &reqwest::Error) -> String {
    let mut causes = vec![error.to_string()];
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    tame(&causes.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_next_page_is_found_among_links() {
        let links = "</a?x=1>; rel=\"first\", </a?nextpage_opaque_marker=z>; rel=\"next\"";
        assert_eq!(next(links), Some("/a?nextpage_opaque_marker=z".to_owned()));
        assert_eq!(next("</a>; rel=\"first\""), None);
    }

    #[test]
    fn a_problem_becomes_a_message_and_an_exit_code() {
        let problem =
            json!({"detail": "no", "invalidParams": [{"name": "/callback", "reason": "is no URL"}]});
        let failure = refusal(400, &problem);
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(failure.message, "the gateway answers 400: no\n  /callback: is no URL");
        for (status, exit) in [
            (401, Exit::Unauthorised),
            (403, Exit::Unauthorised),
            (404, Exit::Failed),
            (409, Exit::Conflict),
            (412, Exit::Conflict),
            (429, Exit::Unreachable),
            (503, Exit::Unreachable),
        ] {
            assert_eq!(refusal(status, &Value::Null).exit, exit, "{status}");
        }
    }
}
