//! The servers of the local stack: one Postgres, one broker, provisioned.

use anyhow::Result;
use pulsar::{Authentication, PulsarBuilder, TokioExecutor};
use schemas::Service;

use crate::layout::Layout;
use crate::progress::Progress;
use crate::provision::{Admin, Place};
use crate::settings::{Settings, variable};
use crate::stack::{Postgres, Pulsar, provision_databases};

/// Starts Postgres (if it is ours to run) and makes each service's role and database.
pub async fn postgres(layout: &Layout, settings: &Settings, progress: &Progress) -> Result<()> {
    let Some(port) = settings.own_database_port()? else {
        progress.note("Postgres: the one that .env names");
        return Ok(());
    };
    let step = progress.step("Postgres");
    let server = Postgres::start(&layout.state.join("postgres"), port).await?;
    provision_databases(&server.admin_url(), &passwords(settings)?).await?;
    step.done(&format!(
        "127.0.0.1:{port}, five databases (process {})",
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
    provision_databases(settings.need("POSTGRES_ADMIN_URL")?, &passwords(settings)?).await?;
    step.done("as they should be");
    Ok(())
}

/// Starts the broker (if it is ours to run) and provisions it.
pub async fn broker(layout: &Layout, settings: &Settings, progress: &Progress) -> Result<()> {
    if let Some(ports) = settings.own_broker_ports()? {
        let step = progress.step("Pulsar");
        let dir = layout.state.join("pulsar");
        let tokens = settings.broker_tokens()?;
        let lines = tokens.map_or(Ok(Vec::new()), |tokens| tokens.configuration(&dir))?;
        let admin = settings.broker_admin_token()?;
        let broker = Pulsar::start_with(&dir, ports, &lines, admin).await?;
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
    provision(settings, progress).await
}

/// Makes what is missing at the broker: topics, subscriptions, policies, schemas, and grants where it asks for tokens.
pub async fn provision(settings: &Settings, progress: &Progress) -> Result<()> {
    let step = progress.step("Topics, subscriptions, policies, schemas");
    let place = place(settings)?;
    let mut report = place.provision().await?;
    if settings.get("BROKER_AUTH") == Some("token") {
        report.extend(place.grant().await?);
    }
    step.done(if report.is_empty() {
        "as they should be"
    } else {
        "provisioned"
    });
    for line in report {
        progress.note(&line);
    }
    Ok(())
}

/// The namespace that the variables name.
pub fn place(settings: &Settings) -> Result<Place> {
    Ok(Place {
        admin: Admin::new(
            settings.need("PULSAR_ADMIN_URL")?,
            settings.broker_admin_token()?.as_deref(),
        )?,
        tenant: settings.need("PULSAR_TENANT")?.to_owned(),
        namespace: settings.need("PULSAR_NAMESPACE")?.to_owned(),
        partitions: settings.need("PULSAR_TOPIC_PARTITIONS")?.parse()?,
    })
}

/// A client of the broker that may do everything there.
pub fn broker_client(settings: &Settings) -> Result<PulsarBuilder<TokioExecutor>> {
    let mut builder = pulsar::Pulsar::builder(settings.need("PULSAR_SERVICE_URL")?, TokioExecutor);
    if let Some(token) = settings.broker_admin_token()? {
        builder = builder.with_auth(Authentication {
            name: "token".into(),
            data: token.into_bytes(),
        });
    }
    Ok(builder)
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
