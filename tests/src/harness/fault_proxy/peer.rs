//! Where calls go.

use crate::harness::tls::install_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The peer behind a wire.
#[derive(Clone)]
pub(super) struct Peer {
    address: SocketAddr,
    tls: Option<TlsConnector>,
}

/// A connection to it.
pub(super) type Connection = Box<dyn Both>;

/// Something to read from and write to.
pub(super) trait Both: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Both for T {}

impl Peer {
    /// One that speaks plain HTTP.
    pub(super) fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// One with a certificate for its address, of an authority in PEM.
    pub(super) fn tls(address: SocketAddr, ca: &[u8]) -> Self {
        install_provider();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca) {
            roots.add(certificate.expect("a certificate")).expect("an authority");
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Self { address, tls: Some(Arc::new(config).into()) }
    }

    pub(super) async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(tls.connect(ServerName::from(self.address.ip()), stream).await?),
        })
    }
}
