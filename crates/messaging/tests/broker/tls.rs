//! A broker that speaks only TLS and asks for tokens: who is trusted, who is refused and in which words, and that no token
//! leaves before its certificate was checked.

#![allow(
    clippy::disallowed_methods,
    reason = "a test's own servers end with it"
)]

use std::sync::{Arc, Mutex};

use devstack::stack::{Authority, LOOPBACK_NAMES, ServerCertificate, Valid};
use messaging::tls::{Authorities, Refusal};
use messaging::transport::pulsar::{BrokerSettings, ConnectError};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use schemas::Service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::grants::Guarded;
use crate::lab::{Follower, Sender};

const TOKEN: &str = "a-token-that-nobody-else-may-see";

/// A certificate, and whether a refusal is the right one for it.
type Bad = (ServerCertificate, fn(&Refusal) -> bool);

fn bad_certificates(authority: &Authority) -> [Bad; 3] {
    let stranger = Authority::new().unwrap();
    [
        (
            authority.issue(&LOOPBACK_NAMES, Valid::Formerly).unwrap(),
            |why| matches!(why, Refusal::Expired(Some(_))),
        ),
        (
            authority
                .issue(&["broker.example", "10.0.0.1"], Valid::Now)
                .unwrap(),
            |why| *why == Refusal::OtherHost("broker.example, 10.0.0.1".to_owned()),
        ),
        (
            stranger.issue(&LOOPBACK_NAMES, Valid::Now).unwrap(),
            |why| *why == Refusal::UnknownAuthority,
        ),
    ]
}

async fn refusal(settings: &BrokerSettings) -> Option<Refusal> {
    match settings.connect().await {
        Err(ConnectError::Refused { why, .. }) => Some(why),
        _ => None,
    }
}

#[tokio::test]
async fn messages_travel_by_tls_and_a_changed_certificate_is_refused_for_what_is_wrong_with_it() {
    let authority = Authority::new().unwrap();
    let good = authority.issue(&LOOPBACK_NAMES, Valid::Now).unwrap();
    let guarded = Guarded::start_with(Some(good.clone())).await;
    guarded.place.grant().await.unwrap();
    let sender = Sender::start(&guarded.of(Service::Campaign), 1).await;
    let follower = Follower::start(&guarded.of(Service::Bff), 1).await;
    sender.emit(50).await;
    follower.wait_for(50).await;
    follower.assert_once_and_in_order(50).await;
    sender.stop();

    let bff = guarded.of(Service::Bff);
    let plain = BrokerSettings {
        service_url: bff.service_url.replace("pulsar+ssl", "pulsar"),
        ..bff.clone()
    };
    assert!(plain.connect().await.is_err(), "no port without TLS");
    let unknowing = BrokerSettings {
        authorities: None,
        ..bff.clone()
    };
    assert_eq!(refusal(&unknowing).await, Some(Refusal::UnknownAuthority));

    for (bad, is_it) in bad_certificates(&authority) {
        guarded.broker.change_certificate(&bad).unwrap();
        runtime::testing::until("the certificate is refused", || async {
            refusal(&bff).await.is_some_and(|why| is_it(&why))
        })
        .await;
        let late = Sender::start(&guarded.of(Service::Campaign), 1).await;
        runtime::testing::until("readiness says why", || async {
            let reasons = late.health.never_opened();
            reasons
                .iter()
                .any(|(_, error)| error.starts_with("127.0.0.1:") && error.contains("certificate"))
        })
        .await;
        late.stop();
    }
    guarded.broker.change_certificate(&good).unwrap();
    runtime::testing::until("the good one is trusted again", || async {
        bff.connect().await.is_ok()
    })
    .await;
}

/// A server that takes connections and keeps what it is sent: before the handshake is done, and what TLS gives it.
struct Listener {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Listener {
    async fn start(certificate: Option<&ServerCertificate>) -> Self {
        let acceptor = certificate.map(acceptor);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let reported = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(listen(stream, acceptor.clone(), reported.clone()));
            }
        });
        Self { port, heard }
    }

    fn settings(&self, authority: &Authority) -> BrokerSettings {
        BrokerSettings {
            service_url: format!("pulsar+ssl://127.0.0.1:{}", self.port),
            authorities: Some(Authorities::parse(&authority.pem()).unwrap()),
            token: Some(TOKEN.to_owned().into()),
            tenant: "test".to_owned(),
            namespace: "none".to_owned(),
            admin_url: None,
        }
    }

    fn has_the_token(&self) -> bool {
        let heard = self.heard.lock().unwrap();
        heard
            .windows(TOKEN.len())
            .any(|bytes| bytes == TOKEN.as_bytes())
    }
}

fn acceptor(certificate: &ServerCertificate) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(certificate.chain.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn listen(mut stream: TcpStream, acceptor: Option<TlsAcceptor>, heard: Arc<Mutex<Vec<u8>>>) {
    let mut bytes = vec![0; 4_096];
    let read = match acceptor {
        None => stream.read(&mut bytes).await,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(mut sealed) => sealed.read(&mut bytes).await,
            Err(_) => return,
        },
    };
    let read = read.unwrap_or_default();
    heard.lock().unwrap().extend_from_slice(&bytes[..read]);
}

#[tokio::test]
async fn the_token_is_sent_to_nobody_whose_certificate_is_not_good() {
    let authority = Authority::new().unwrap();
    let good = authority.issue(&LOOPBACK_NAMES, Valid::Now).unwrap();
    let trusted = Listener::start(Some(&good)).await;
    let answer = trusted.settings(&authority).connect().await;
    assert!(
        matches!(answer, Err(ConnectError::Broken(_))),
        "it hangs up"
    );
    assert!(
        trusted.has_the_token(),
        "or this test would see nothing at all"
    );

    for (bad, is_it) in bad_certificates(&authority) {
        let server = Listener::start(Some(&bad)).await;
        let why = refusal(&server.settings(&authority)).await;
        assert!(why.as_ref().is_some_and(is_it), "{why:?}");
        assert!(!server.has_the_token());
    }
    let plain = Listener::start(None).await;
    let why = refusal(&plain.settings(&authority)).await;
    assert_eq!(why, Some(Refusal::NotTls));
    assert!(!plain.has_the_token());
    assert!(!plain.heard.lock().unwrap().is_empty(), "it was greeted");
}

#[tokio::test]
async fn a_server_that_ends_the_handshake_with_words_of_its_own_is_distinguishable_from_one_that_speaks_tls()
 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _gone = stream.shutdown().await;
        }
    });
    let why = messaging::tls::refusal("127.0.0.1", port, None).await;
    assert_eq!(why, Some(Refusal::NotTls));
}
