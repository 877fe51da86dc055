//! Databases that must prove who they are, before a password is shown to them.
#![allow(
    clippy::disallowed_methods,
    reason = "a test's own server ends with it"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::process::Command;

use devstack::infra;
use devstack::layout::Layout;
use devstack::progress::Progress;
use devstack::services::Program;
use devstack::settings::{Mode, Settings};
use devstack::stack::testing::scratch;
use devstack::stack::{
    Authority, LOOPBACK_NAMES, Postgres, ServerCertificate, Valid, free_port, provision_databases,
};
use schemas::Service;
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a service that wants its database to prove itself says of one, when it ends.
struct Asker {
    layout: Layout,
    settings: Settings,
}

impl Asker {
    fn new(port: u16, authority: &Authority) -> Self {
        let layout = Layout {
            state: scratch("tls"),
            ..Layout::find()
        };
        std::fs::create_dir_all(layout.state.join("run")).unwrap();
        let mut settings = Settings::beside_others(&layout).unwrap();
        settings.set_mode(Mode::Http);
        settings.set("POSTGRES_PORT", port.to_string());
        settings.set("DATABASE_SSL_MODE", "verify-full");
        settings.set("DATABASE_SSL_ROOT_CERT", authority.pem());
        settings.trust_local_servers(&layout).unwrap();
        Self { layout, settings }
    }

    fn password(&self) -> &str {
        self.settings.need("TRACKING_DB_PASSWORD").unwrap()
    }

    /// The last words of a service that does not start.
    async fn service(&self) -> String {
        let binary = Layout::find().built("debug").join("tracking");
        let program = Program::Service(Service::Tracking);
        let variables = program.environment(&self.layout, &self.settings).unwrap();
        let folder = self.layout.state.join("run");
        let ended = tokio::task::spawn_blocking(move || {
            let mut service = Command::new(binary);
            service.env_clear().envs(variables).current_dir(folder);
            service.output().unwrap()
        });
        let ended = ended.await.unwrap();
        assert!(!ended.status.success());
        String::from_utf8_lossy(&ended.stderr).into_owned()
    }

    /// What the tools say.
    async fn tool(&self) -> Option<String> {
        let url = self.settings.database_url(Service::Tracking).unwrap();
        let refused = PgConnection::connect(&url).await.err();
        refused.map(|error| error.to_string())
    }
}

#[tokio::test]
async fn a_database_whose_certificate_is_wrong_is_refused_for_what_is_wrong_with_it() {
    let authority = Authority::new().unwrap();
    let issue = |names: &[&str], valid| authority.issue(names, valid).unwrap();
    let good = issue(&LOOPBACK_NAMES, Valid::Now);
    let folder = scratch("tls-postgres");
    let mut server = Postgres::start_with(&folder, free_port(), Some(good))
        .await
        .unwrap();
    let asker = Asker::new(server.port(), &authority);
    let passwords = [(Service::Tracking, asker.password().to_owned())];
    provision_databases(&server.admin_url().parse().unwrap(), &passwords)
        .await
        .unwrap();
    assert_eq!(asker.tool().await, None, "a good one is trusted");

    let stranger = Authority::new().unwrap();
    let elsewhere: ServerCertificate = issue(&["db.example"], Valid::Now);
    let bad = [
        (
            Some(issue(&LOOPBACK_NAMES, Valid::Formerly)),
            "its certificate has expired",
            "certificate expired",
        ),
        (
            Some(elsewhere.clone()),
            "its certificate is not for this host, only for db.example",
            "not valid for name",
        ),
        (
            Some(stranger.issue(&LOOPBACK_NAMES, Valid::Now).unwrap()),
            "signed by an authority that is not trusted here",
            "UnknownIssuer",
        ),
        (
            None,
            "it does not speak TLS at this port",
            "does not support TLS",
        ),
    ];
    for (certificate, by_service, by_tool) in bad {
        server.restart_with(certificate).await.unwrap();
        let reported = asker.service().await;
        let address = format!("the database at 127.0.0.1:{} is refused", server.port());
        assert!(
            reported.contains(&address) && reported.contains(by_service),
            "{reported}"
        );
        assert!(!reported.contains(asker.password()), "{reported}");
        let reported = asker.tool().await.unwrap();
        assert!(reported.contains(by_tool), "{reported}");
    }

    server.restart_with(Some(elsewhere)).await.unwrap();
    let mut lenient = Asker::new(server.port(), &authority);
    lenient
        .settings
        .set("TRACKING_DB_PASSWORD", asker.password());
    lenient.settings.set("DATABASE_SSL_MODE", "verify-ca");
    assert_eq!(lenient.tool().await, None, "verify-ca asks no name");
}

/// A server without TLS that ends with the first letter that it is sent all the same, which is returned.
fn without_tls(listener: TcpListener) -> JoinHandle<Vec<u8>> {
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).await.unwrap();
        stream.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        let _reset = stream.take(1).read_to_end(&mut rest).await;
        rest
    })
}

#[tokio::test]
async fn nothing_is_sent_to_a_database_that_has_no_tls_where_tls_is_wanted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let asker = Asker::new(
        listener.local_addr().unwrap().port(),
        &Authority::new().unwrap(),
    );
    let heard = without_tls(listener);
    let reported = asker.tool().await.unwrap();
    assert!(reported.contains("does not support TLS"), "{reported}");
    assert_eq!(heard.await.unwrap(), Vec::<u8>::new());
}

#[tokio::test]
async fn a_tool_in_production_sends_nothing_to_a_database_elsewhere_without_tls_where_no_mode_is_named()
 {
    let (reading, provisioning) = (
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
    );
    let [read_port, provisioned_port] =
        [&reading, &provisioning].map(|it| it.local_addr().unwrap().port());
    let mut asker = Asker::new(read_port, &Authority::new().unwrap());
    // Leads to this machine, and is no address of loopback.
    let elsewhere = "0.0.0.0";
    let admin = format!("postgres://postgres:secret@{elsewhere}:{provisioned_port}/postgres");
    for (name, value) in [
        ("TRIBUTARY_PROFILE", "production"),
        ("DATABASE_SSL_MODE", ""),
        ("POSTGRES_HOST", elsewhere),
        ("POSTGRES_ADMIN_URL", &admin),
    ] {
        asker.settings.set(name, value);
    }
    let heard = [reading, provisioning].map(without_tls);
    let provisioned = infra::databases(&asker.settings, &Progress).await;
    for reported in [
        asker.tool().await.unwrap(),
        format!("{:#}", provisioned.unwrap_err()),
    ] {
        assert!(reported.contains("does not support TLS"), "{reported}");
    }
    for heard in heard {
        assert_eq!(heard.await.unwrap(), Vec::<u8>::new());
    }
}
