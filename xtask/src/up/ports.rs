//! Ports that a start will need, looked at before anything is built.

use std::collections::BTreeMap;

use anyhow::Result;
use schemas::Service;

use crate::layout::Layout;
use crate::services::Program;
use crate::settings::{Settings, host_and_port, variable};
use crate::stack::{Process, holder};

/// A port, who needs it, and what says so.
struct Wanted {
    port: u16,
    by: String,
    variable: String,
    /// The process that has it already, if it runs.
    own: Option<u32>,
}

/// Each port that two of the settings name, and each that a stranger holds.
pub(super) fn conflicts(
    layout: &Layout,
    settings: &Settings,
    only_servers: bool,
) -> Result<Vec<String>> {
    let mut wanted = servers(layout, settings)?;
    if !only_servers {
        wanted.extend(programs(layout, settings)?);
    }
    let mut by_port: BTreeMap<u16, Vec<&Wanted>> = BTreeMap::new();
    for one in &wanted {
        by_port.entry(one.port).or_default().push(one);
    }
    let mut conflicts = Vec::new();
    for (port, wanted) in by_port {
        let needed = |one: &Wanted| format!("{} ({})", one.by, one.variable);
        if let [first, rest @ ..] = wanted.as_slice()
            && !rest.is_empty()
        {
            let rest: Vec<String> = rest.iter().map(|one| needed(one)).collect();
            let (first, rest) = (needed(first), rest.join(" and "));
            conflicts.push(format!("port {port} is needed by {first} and by {rest}"));
        }
        for one in wanted {
            if let Some(holder) = holder(port)
                && (one.own.is_none() || holder.pid != one.own)
            {
                conflicts.push(format!(
                    "port {port}, which {} needs, is held by {holder}: stop that process, or change {}",
                    one.by, one.variable
                ));
            }
        }
    }
    Ok(conflicts)
}

fn programs(layout: &Layout, settings: &Settings) -> Result<Vec<Wanted>> {
    let wanted = |program: Program| {
        Ok(Wanted {
            port: host_and_port(program.url(settings)?)?.1,
            by: program.name().to_owned(),
            variable: program.url_variable(),
            own: program.process(layout).map(|process| process.pid()),
        })
    };
    let mut all: Vec<Wanted> = Program::START_ORDER
        .into_iter()
        .map(wanted)
        .collect::<Result<_>>()?;
    for service in Service::ALL {
        let name = variable(service, "ADMIN_URL");
        if let Some(url) = settings.get(&name) {
            all.push(Wanted {
                port: host_and_port(url)?.1,
                by: format!("{service}'s second port"),
                variable: name,
                own: Program::Service(service)
                    .process(layout)
                    .map(|process| process.pid()),
            });
        }
    }
    Ok(all)
}

/// Of the servers that are ours to run and do not run yet.
fn servers(layout: &Layout, settings: &Settings) -> Result<Vec<Wanted>> {
    let runs = |pid: &str| Process::attach(&layout.state.join(pid)).is_some();
    let server = |port, by: &str, variable: &str| Wanted {
        port,
        by: by.to_owned(),
        variable: variable.to_owned(),
        own: None,
    };
    let mut all = Vec::new();
    let database = settings.own_database_port()?;
    if let Some(port) = database.filter(|_| !runs("postgres/pid")) {
        all.push(server(port, "Postgres", "POSTGRES_PORT"));
    }
    let broker = settings.own_broker_ports()?;
    if let Some(ports) = broker.filter(|_| !runs("pulsar/pulsar.pid"))
        && settings.uses_broker()?
    {
        let service = "PULSAR_SERVICE_URL";
        all.push(server(ports.broker, "Pulsar", service));
        all.push(server(ports.bookie, "Pulsar's bookie", service));
        all.push(server(
            ports.http,
            "Pulsar's admin interface",
            "PULSAR_ADMIN_URL",
        ));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::stack::free_port;
    use crate::stack::testing::scratch;

    #[test]
    fn every_port_that_is_taken_or_named_twice_is_told_at_once_with_its_owner() {
        let layout = Layout {
            state: scratch("ports"),
            ..Layout::find()
        };
        let mut settings = Settings::beside_others(&layout).unwrap();
        settings.set("POSTGRES_PORT", free_port().to_string());
        assert_eq!(
            conflicts(&layout, &settings, false).unwrap(),
            Vec::<String>::new()
        );

        let held: Vec<TcpListener> = (0..2)
            .map(|_| TcpListener::bind(("127.0.0.1", free_port())).unwrap())
            .collect();
        let [one, two] = [&held[0], &held[1]].map(|listener| listener.local_addr().unwrap().port());
        settings.set("BFF_SERVICE_URL", format!("http://127.0.0.1:{one}"));
        settings.set("POSTGRES_PORT", two.to_string());
        let campaign = settings.get("CAMPAIGN_SERVICE_URL").unwrap().to_owned();
        settings.set("TRACKING_SERVICE_URL", campaign);
        let told = conflicts(&layout, &settings, false).unwrap();
        assert_eq!(told.len(), 3, "{told:?}");
        let me = format!("is held by process {}", std::process::id());
        for wanted in [
            format!("port {one}, which bff needs, {me}"),
            format!("port {two}, which Postgres needs, {me}"),
            "is needed by tracking (TRACKING_SERVICE_URL) and by campaign (CAMPAIGN_SERVICE_URL)"
                .to_owned(),
        ] {
            assert!(
                told.iter().any(|line| line.contains(&wanted)),
                "{wanted}: {told:?}"
            );
        }
    }
}
