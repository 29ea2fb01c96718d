//! The least that Pingora does for an answer: a `ProxyHttp` which writes fixed bytes, over mTLS, with nothing around it.
//!
//! It answers with the headers in the file `head` and the bytes in the file `body` of its folder, and makes the head anew for each
//! request, as whoever answers different requests has to.

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, StatusCode};
use netweave_benches::Result;
use pingora::http::ResponseHeader;
use pingora_core::listeners::tls::TlsSettings;
use pingora_core::modules::http::HttpModules;
use pingora_core::server::configuration::ServerConf;
use pingora_core::server::{RunArgs, Server};
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, ErrorType};
use pingora_proxy::{ProxyHttp, Session, http_proxy_service};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use std::path::Path;
use std::sync::Arc;

/// Threads, as many as the gateway has on the machine that figures are made on.
const THREADS: usize = 2;

struct Fixed {
    head: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

#[async_trait]
impl ProxyHttp for Fixed {
    type CTX = ();

    fn new_ctx(&self) {}

    /// As the gateway: no compression.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> pingora_core::Result<Box<HttpPeer>> {
        Error::e_explain(ErrorType::InternalError, "nothing is proxied")
    }

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> pingora_core::Result<bool> {
        let mut header = ResponseHeader::build_no_case(StatusCode::OK, Some(self.head.len() + 4))?;
        for (name, value) in &self.head {
            header.append_header(name.clone(), value.clone())?;
        }
        header.insert_header(CONTENT_LENGTH, self.body.len())?;
        let session = &mut session.downstream_session;
        session.write_response_header(Box::new(header)).await?;
        session.write_response_body(self.body.clone(), true).await?;
        Ok(true)
    }
}

/// Serves on an address what lies in a folder, until the process is asked to end.
pub(crate) fn serve(address: &str, folder: &Path) -> Result<()> {
    let mut head = Vec::new();
    for line in std::fs::read_to_string(folder.join("head"))?.lines() {
        let (name, value) = line.split_once(": ").ok_or("a line of the head is no header")?;
        head.push((name.parse()?, value.parse()?));
    }
    let fixed = Fixed { head, body: std::fs::read(folder.join("body"))?.into() };
    let conf = ServerConf {
        threads: THREADS,
        ca_file: Some(folder.join("ca.crt").to_string_lossy().into_owned()),
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    let mut service = http_proxy_service(&server.configuration, fixed);
    service.add_tls_with_settings(address, None, tls(folder)?);
    server.add_service(service);
    server.run(RunArgs::default());
    Ok(())
}

fn tls(folder: &Path) -> Result<TlsSettings> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.crt"))?)?;
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let mut tls = TlsSettings::intermediate(&file("tls.crt"), &file("tls.key"))?;
    tls.set_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build()?);
    tls.enable_h2();
    Ok(tls)
}
