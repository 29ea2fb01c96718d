//! An issuer of tokens on the loopback: keys that it publishes, and tokens that it signs.
//!
//! Tokens are made here from the words of RFC 7515 and RFC 7518, not with the gateway's own code.

use super::pki::Pki;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What the tokens of the tests say in `iss`.
pub const ISSUER: &str = "https://idp.example.net";
/// What they say in `aud`.
pub const AUDIENCE: &str = "o2ims";

/// A key that signs tokens.
pub struct SigningKey {
    kid: String,
    algorithm: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    /// Makes a key for an algorithm, such as `ES256`.
    pub fn new(kid: &str, algorithm: &'static str) -> Self {
        let pair = match algorithm {
            "RS256" | "PS256" => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")),
            "ES256" => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key")),
            "ES384" => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key")),
            "EdDSA" => Pair::Ed(Ed25519KeyPair::generate().expect("a key")),
            other => panic!("no key for {other}"),
        };
        Self { kid: kid.to_owned(), algorithm, pair }
    }

    /// Returns the public key as a JWK.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                // A PKCS#1 key of 2048 bits: two headers and a zero before the modulus; the exponent is 65537.
                let der = pair.public_key().as_ref();
                json!({ "kty": "RSA", "n": encode(&der[9..265]), "e": "AQAB" })
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Pair::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// Signs claims under a usual header.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({ "alg": self.algorithm, "kid": self.kid, "typ": "at+jwt" }), claims)
    }

    /// Signs claims under any header; the signature is that of the key's own algorithm.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let signed =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        format!("{signed}.{}", encode(&self.sign(signed.as_bytes())))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let padding = if self.algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).expect("a signature");
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, message).expect("a signature").as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// Writes bytes as tokens have them.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns seconds since 1970, some of them from now.
pub fn seconds(from_now: i64) -> i64 {
    jiff::Timestamp::now().as_second() + from_now
}

/// Returns claims that are good for a minute, with some changes; null takes one out.
pub fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "subject-1", "client_id": "client-1", "jti": "token-1",
        "scope": "o2ims:read", "iat": seconds(0), "exp": seconds(60),
    });
    for (name, value) in changes.as_object().expect("changes") {
        if value.is_null() {
            claims.as_object_mut().expect("claims").remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// The server of an issuer's keys; it ends when this is dropped.
pub struct KeyServer {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    scheme: &'static str,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    body: Bytes,
    down: bool,
    fetches: usize,
}

impl KeyServer {
    /// Starts a server for plain HTTP, with some keys.
    pub async fn start(keys: &[&SigningKey]) -> Self {
        Self::launch(keys, None).await
    }

    /// Starts a server that shows a certificate of an authority.
    pub async fn start_tls(keys: &[&SigningKey], pki: &Pki) -> Self {
        let leaf = pki.server();
        let certificate = CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate with its key");
        Self::launch(keys, Some(TlsAcceptor::from(Arc::new(tls)))).await
    }

    async fn launch(keys: &[&SigningKey], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::default();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = tokio::spawn(serve(listener, tls, Arc::clone(&state)));
        let issuer = Self { state, address, scheme, server };
        issuer.publish(keys);
        issuer
    }

    /// Returns the address of the keys.
    pub fn url(&self) -> String {
        format!("{}://{}/keys", self.scheme, self.address)
    }

    /// Publishes keys in the place of those of before.
    pub fn publish(&self, keys: &[&SigningKey]) {
        self.answer(jwks(keys).to_string());
    }

    /// Answers with any text from now on.
    pub fn answer(&self, body: impl Into<Bytes>) {
        self.at(|state| state.body = body.into());
    }

    /// Answers 503 from now on, or no longer.
    pub fn down(&self, down: bool) {
        self.at(|state| state.down = down);
    }

    /// Returns how often it was asked.
    pub fn fetches(&self) -> usize {
        self.at(|state| state.fetches)
    }

    fn at<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Returns a set of public keys.
pub fn jwks(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() })
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, state) = (tls.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            match tls {
                None => converse(stream, state).await,
                Some(tls) => {
                    // Whoever does not believe the certificate is gone again.
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(stream, state).await;
                    }
                }
            }
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, state: Arc<Mutex<State>>) {
    let service = service_fn(|_: Request<Incoming>| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.fetches += 1;
        let status = if state.down { 503 } else { 200 };
        let answer = Response::builder().status(status).body(Full::new(state.body.clone()));
        std::future::ready(Ok::<_, Infallible>(answer.expect("a response")))
    });
    // A connection that breaks is the client's business: it will try again.
    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await.ok();
}
