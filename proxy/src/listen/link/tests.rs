use super::*;
use crate::listen::tls::install_provider;
use futures::future::poll_immediate;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener as Bound, TcpStream as Client};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, TlsConnector, client};

async fn pair() -> (Link, Client) {
    let bound = Bound::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let client = Client::connect(bound.local_addr().unwrap()).unwrap();
    let (stream, address) = bound.accept().unwrap();
    for end in [&stream, &client] {
        end.set_nonblocking(true).unwrap();
    }
    let stream = TcpStream::from_std(stream).unwrap();
    stream.writable().await.unwrap();
    (Link::plain(stream, Arc::new(Peer::anonymous(address.ip()))).unwrap(), client)
}

async fn answer(link: &mut Link, text: &[u8]) {
    link.write_all(text).await.unwrap();
    link.flush().await.unwrap();
}

fn arrived(client: &mut Client) -> Vec<u8> {
    let mut text = vec![0; 64];
    match client.read(&mut text) {
        Ok(count) => text.truncate(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => text.clear(),
        Err(error) => panic!("{error}"),
    }
    text
}

#[tokio::test]
async fn answers_of_streams_go_out_when_nothing_more_is_there_to_be_read() {
    let (mut link, mut client) = pair().await;
    link.multiplex(IntCounter::new("floods", "Floods").unwrap());
    answer(&mut link, b"one ").await;
    answer(&mut link, b"two ").await;
    assert_eq!(arrived(&mut client), b"");
    std::io::Write::write_all(&mut client, b"three").unwrap();
    let mut asked = [0; 5];
    link.read_exact(&mut asked).await.unwrap();
    answer(&mut link, &asked).await;
    assert!(poll_immediate(link.read(&mut asked)).await.is_none());
    assert_eq!(arrived(&mut client), b"one two three");
    answer(&mut link, b"four").await;
    assert!(poll_immediate(link.read(&mut asked)).await.is_none());
    assert_eq!(arrived(&mut client), b"four");
}

#[tokio::test]
async fn what_was_flushed_goes_out_when_the_connection_is_dropped() {
    let (mut link, mut client) = pair().await;
    link.multiplex(IntCounter::new("floods", "Floods").unwrap());
    answer(&mut link, b"one").await;
    assert!(link.due().is_set());
    drop(link);
    assert_eq!(arrived(&mut client), b"one");
}

/// Writes until the client takes no more; returns how much, and whether it was the write or else the flush that waited.
async fn fill(link: &mut Link, flushes: bool) -> (usize, bool) {
    let piece = [b'x'; 8 << 10];
    let mut given = 0;
    while let Some(written) = poll_immediate(link.write(&piece)).await {
        given += written.unwrap();
        let gone = !flushes || poll_immediate(link.flush()).await.is_some();
        assert!(!flushes || poll_immediate(link.read(&mut [0; 8])).await.is_none());
        if !gone {
            return (given, false);
        }
    }
    (given, true)
}

#[tokio::test]
async fn a_client_that_takes_nothing_holds_up_flush_and_write_and_nobody_asks_again_meanwhile() {
    for flushes in [true, false] {
        let (mut link, mut client) = pair().await;
        link.multiplex(IntCounter::new("floods", "Floods").unwrap());
        let (given, wrote) = unconstrained(fill(&mut link, flushes)).await;
        assert_eq!(wrote, !flushes);
        assert!(!link.due().is_set(), "its task is woken when the client takes something");
        assert!(poll_immediate(AsyncWriteExt::shutdown(&mut link)).await.is_none());
        assert!(!link.due().is_set());
        let mut got = 0;
        while got < given {
            got += arrived(&mut client).len();
            assert!(poll_immediate(link.read(&mut [0; 8])).await.is_none());
            tokio::task::yield_now().await;
        }
        assert_eq!(got, given);
    }
}

async fn guarded() -> (Link, client::TlsStream<TcpStream>) {
    install_provider();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let (key, chain) =
        (PrivateKeyDer::try_from(key.serialize_der()).unwrap(), vec![certificate.der().clone()]);
    let server = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let stream = TcpStream::connect(bound.local_addr().unwrap()).await.unwrap();
    let (accepted, address) = bound.accept().await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let (link, stream) = tokio::try_join!(
        TlsAcceptor::from(Arc::new(server)).accept(accepted),
        TlsConnector::from(Arc::new(client)).connect(name, stream),
    )
    .unwrap();
    let mut link = Link::tls(link, Arc::new(Peer::anonymous(address.ip()))).unwrap();
    link.multiplex(IntCounter::new("floods", "Floods").unwrap());
    (link, stream)
}

/// Frames that are a little longer than a record of TLS, as those of `h2` are.
const FRAME: usize = (16 << 10) + 9;

#[tokio::test]
async fn over_tls_frames_wait_for_each_other_too() {
    let (mut link, mut client) = guarded().await;
    let all: Vec<u8> = (0..=250).cycle().take(3 * FRAME + 500).collect();
    for frame in all.chunks(FRAME) {
        answer(&mut link, frame).await;
        assert!(link.due().is_set());
    }
    assert!(poll_immediate(link.read(&mut [0; 8])).await.is_none());
    assert!(!link.due().is_set());
    let mut got = vec![0; all.len()];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(got, all);
}

#[tokio::test]
async fn over_tls_every_byte_arrives_though_the_client_is_slow() {
    let (mut link, mut client) = guarded().await;
    let all: Vec<u8> = (0..=250).cycle().take(32 << 20).collect();
    let given = unconstrained(async {
        let mut given = 0;
        let frame = |given: usize| &all[given..all.len().min(given + FRAME)];
        while let Some(written) = poll_immediate(link.write(frame(given))).await {
            given += written.unwrap();
            if poll_immediate(link.flush()).await.is_none() {
                break;
            }
        }
        given
    })
    .await;
    assert!(given < all.len(), "the client takes nothing");
    let (mut got, mut nothing) = (vec![0; given], [0; 8]);
    tokio::select! {
        read = client.read_exact(&mut got) => assert_eq!(read.unwrap(), given),
        read = link.read(&mut nothing) => panic!("{read:?}"),
    }
    assert_eq!(got, all[..given]);
}

#[tokio::test]
async fn an_answer_of_http1_goes_out_at_once() {
    let (mut link, mut client) = pair().await;
    answer(&mut link, b"one").await;
    assert_eq!(arrived(&mut client), b"one");
}
