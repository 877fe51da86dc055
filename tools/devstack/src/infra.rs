//! The servers of the local stack: one Postgres, one broker, provisioned.

use std::time::Duration;

use anyhow::{Result, ensure};
use pulsar::{Authentication, ConnectionRetryOptions, PulsarBuilder, TokioExecutor};
use schemas::Service;

use crate::layout::Layout;
use crate::progress::Progress;
use crate::provision::{self, Admin, Need, Place, State};
use crate::settings::{Settings, variable};
use crate::stack::{BrokerSetup, Postgres, Pulsar, provision_databases};

/// Starts Postgres (if it is ours to run) and makes each service's role and database.
pub async fn postgres(layout: &Layout, settings: &Settings, progress: &Progress) -> Result<()> {
    let Some(port) = settings.own_database_port()? else {
        progress.note("Postgres: the one that .env names");
        return Ok(());
    };
    let step = progress.step("Postgres");
    let certificate = settings.own_database_certificate(layout)?;
    let folder = layout.state.join("postgres");
    let server = Postgres::start_with(&folder, port, certificate).await?;
    let mut passwords = passwords(settings)?;
    for (_, password) in &mut passwords {
        *password = server.password_or_verifier(password)?;
    }
    provision_databases(&server.admin_url().parse()?, &passwords).await?;
    step.done(&format!(
        "127.0.0.1:{port}, a database for each service (process {})",
        server.pid()
    ));
    server.detach();
    Ok(())
}

fn passwords(settings: &Settings) -> Result<Vec<(Service, String)>> {
    let password = |service: Service| {
        let password = settings.need(&variable(service, "DB_PASSWORD"))?;
        Ok((service, password.to_owned()))
    };
    Service::ALL.into_iter().map(password).collect()
}

/// Makes what is missing at the Postgres that `POSTGRES_ADMIN_URL` names: each service's role and database.
pub async fn databases(settings: &Settings, progress: &Progress) -> Result<()> {
    let step = progress.step("Roles and databases");
    let admin = settings.database_options(settings.need("POSTGRES_ADMIN_URL")?.to_owned())?;
    provision_databases(&admin, &passwords(settings)?).await?;
    step.done("as they should be");
    Ok(())
}

/// Starts the broker (if it is ours to run) and provisions it.
pub async fn broker(layout: &Layout, settings: &Settings, progress: &Progress) -> Result<()> {
    if let Some(ports) = settings.own_broker_ports()? {
        let step = progress.step("Pulsar");
        let dir = layout.state.join("pulsar");
        let setup = broker_setup(layout, settings)?;
        let broker = Pulsar::start_with(&dir, ports, setup).await?;
        step.done(&format!(
            "{}, admin {} (process {})",
            broker.service_url(),
            broker.admin_url(),
            broker.pid()
        ));
        broker.detach();
    } else {
        progress.note("Pulsar: the one that .env names");
    }
    let provisioned = provision(layout, settings, provision::Mode::Change, progress).await?;
    ensure!(
        provisioned != Provisioned::Lacking,
        "the broker is not ready for the services: see above what its administrator has to do"
    );
    Ok(())
}

/// More options for Java of the broker that we run, as Pulsar's own scripts call them.
pub const PULSAR_EXTRA_OPTS: &str = "PULSAR_EXTRA_OPTS";

/// What the broker that we run asks of its clients.
pub fn broker_setup(layout: &Layout, settings: &Settings) -> Result<BrokerSetup> {
    let dir = layout.state.join("pulsar");
    let tokens = settings.broker_tokens()?;
    Ok(BrokerSetup {
        lines: tokens.map_or(Ok(Vec::new()), |tokens| tokens.configuration(&dir))?,
        admin_token: settings.broker_admin_token()?,
        certificate: settings.own_broker_certificate(layout)?,
        java_options: settings
            .get(PULSAR_EXTRA_OPTS)
            .unwrap_or_default()
            .to_owned(),
    })
}

/// What is known of a broker after provisioning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioned {
    /// Everything that is needed is there.
    Whole,
    /// What could be seen is there; something that is needed could not be seen.
    Unseen,
    /// Something that is needed is not there.
    Lacking,
}

/// Makes what is missing at the broker: topics, subscriptions, policies, schemas, and grants where it asks for tokens. What
/// the token may not do is printed as commands for who may.
pub async fn provision(
    layout: &Layout,
    settings: &Settings,
    mode: provision::Mode,
    progress: &Progress,
) -> Result<Provisioned> {
    let step = progress.step("Topics, subscriptions, policies, schemas");
    let grants = settings.broker_grants()?;
    let outcome = place(settings)?.bring_up(mode, grants).await?;
    let count = |state| outcome.tasks_that_are(Need::Must, state).len();
    let known = match (count(State::Missing), count(State::Unread)) {
        (0, 0) => Provisioned::Whole,
        (0, _) => Provisioned::Unseen,
        _ => Provisioned::Lacking,
    };
    step.done(match known {
        Provisioned::Whole if outcome.done.is_empty() => "as they should be",
        Provisioned::Whole => "provisioned",
        Provisioned::Unseen => "as they should be, as far as this token may see",
        Provisioned::Lacking => "something is missing that this token may not make",
    });
    let requests = outcome.requests(
        settings.need("PULSAR_ADMIN_URL")?,
        &layout.state.join("provision"),
    );
    for line in outcome.done.iter().chain(&outcome.notes).chain(&requests) {
        progress.note(line);
    }
    Ok(known)
}

/// The namespace that the variables name.
pub fn place(settings: &Settings) -> Result<Place> {
    Ok(Place {
        admin: Admin::trusting(
            settings.need("PULSAR_ADMIN_URL")?,
            settings
                .broker_admin_token_for("PULSAR_ADMIN_URL")?
                .as_deref(),
            settings.get("PULSAR_TLS_CA"),
        )?,
        tenant: settings.need("PULSAR_TENANT")?.to_owned(),
        namespace: settings.need("PULSAR_NAMESPACE")?.to_owned(),
        partitions: settings.topic_partitions()?,
    })
}

/// A client of the broker that may do everything there.
pub fn broker_client(settings: &Settings) -> Result<PulsarBuilder<TokioExecutor>> {
    let mut builder = pulsar::Pulsar::builder(settings.need("PULSAR_SERVICE_URL")?, TokioExecutor);
    if let Some(authorities) = settings.get("PULSAR_TLS_CA") {
        builder = builder.with_certificate_chain(authorities.as_bytes().to_vec());
    }
    if let Some(token) = settings.broker_admin_token_for("PULSAR_SERVICE_URL")? {
        builder = builder.with_auth(Authentication {
            name: "token".into(),
            data: token.into_bytes(),
        });
    }
    Ok(builder)
}

/// The same for a command that somebody waits for: it fails soon where no broker answers.
pub fn impatient_broker_client(settings: &Settings) -> Result<PulsarBuilder<TokioExecutor>> {
    let options = ConnectionRetryOptions {
        max_retries: 2,
        connection_timeout: Duration::from_secs(5),
        ..ConnectionRetryOptions::default()
    };
    Ok(broker_client(settings)?.with_connection_retry_options(options))
}

/// Stops the servers that run.
pub fn stop(layout: &Layout, progress: &Progress) {
    for (name, stopped) in [
        ("Pulsar", Pulsar::stop_in(&layout.state.join("pulsar"))),
        (
            "Postgres",
            Postgres::stop_in(&layout.state.join("postgres")),
        ),
    ] {
        progress.note(&format!(
            "{name}: {}",
            if stopped {
                "stopped"
            } else {
                "was not running"
            }
        ));
    }
}
