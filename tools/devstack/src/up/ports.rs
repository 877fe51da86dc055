//! Ports that a start will need, looked at before anything is built.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use crate::layout::Layout;
use crate::services::Program;
use crate::settings::Settings;
use crate::stack::{FORGET_BOOKIE, Process, holder, kept_bookie_port};

/// A port, who needs it, and what says so.
struct Wanted {
    port: u16,
    by: String,
    variable: String,
    /// What is left, where that variable does not change it.
    remedy: Option<&'static str>,
    /// Whether those of our programs that run give way to it.
    is_programs: bool,
}

/// Each port that two of the settings name, and each that a stranger holds.
pub(super) fn conflicts(
    layout: &Layout,
    settings: &Settings,
    only_servers: bool,
) -> Result<Vec<String>> {
    let mut wanted = servers(layout, settings)?;
    if !only_servers {
        wanted.extend(programs(settings)?);
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
            let is_ours = |pid| one.is_programs && Program::of(pid, layout).is_some();
            if let Some(holder) = holder(port)
                && !holder.pid.is_some_and(is_ours)
            {
                let change = || format!("change {}", one.variable);
                let remedy = one.remedy.map_or_else(change, str::to_owned);
                conflicts.push(format!(
                    "port {port}, which {} needs, is held by {holder}: stop that process, or {remedy}",
                    one.by
                ));
            }
        }
    }
    Ok(conflicts)
}

fn programs(settings: &Settings) -> Result<Vec<Wanted>> {
    let mut all = Vec::new();
    for program in Program::START_ORDER {
        if !program.is_ours(settings)? {
            continue;
        }
        let ports = program.ports(settings)?.into_iter();
        all.extend(ports.map(|(variable, port)| Wanted {
            port,
            by: program.name().to_owned(),
            variable,
            remedy: None,
            is_programs: true,
        }));
    }
    Ok(all)
}

/// Of the servers that are ours to run and do not run yet.
fn servers(layout: &Layout, settings: &Settings) -> Result<Vec<Wanted>> {
    let runs = |pid: PathBuf| Process::attach(&pid).is_some();
    let server = |port, by: &str, variable: &str| Wanted {
        port,
        by: by.to_owned(),
        variable: variable.to_owned(),
        remedy: None,
        is_programs: false,
    };
    let mut all = Vec::new();
    let database = settings.own_database_port()?;
    if let Some(port) = database.filter(|_| !runs(layout.postgres_pid())) {
        all.push(server(port, "Postgres", "POSTGRES_PORT"));
    }
    let broker = settings.own_broker_ports()?;
    if let Some(ports) = broker.filter(|_| !runs(layout.pulsar_pid()))
        && settings.uses_broker()?
    {
        let service = "PULSAR_SERVICE_URL";
        all.push(server(ports.broker, "Pulsar", service));
        let kept = kept_bookie_port(&layout.state.join("pulsar"));
        all.push(Wanted {
            remedy: kept.map(|_| FORGET_BOOKIE),
            ..server(kept.unwrap_or(ports.bookie), "Pulsar's bookie", service)
        });
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
    use std::fs;
    use std::net::TcpListener;

    use super::*;
    use crate::stack::testing::scratch;
    use crate::stack::{Identity, free_port};

    #[test]
    fn the_port_that_a_bookie_was_made_with_is_looked_at_and_not_the_one_that_settings_name() {
        let layout = Layout {
            state: scratch("ports"),
            ..Layout::find()
        };
        let mut settings = Settings::beside_others(&layout).unwrap();
        settings.set("POSTGRES_PORT", free_port().to_string());
        let held = TcpListener::bind(("127.0.0.1", free_port())).unwrap();
        let port = held.local_addr().unwrap().port();
        let pulsar = layout.state.join("pulsar");
        fs::create_dir_all(&pulsar).unwrap();
        fs::write(pulsar.join("bookie.port"), port.to_string()).unwrap();
        let problems = conflicts(&layout, &settings, false).unwrap();
        let me = std::process::id();
        let start = format!("port {port}, which Pulsar's bookie needs, is held by process {me}");
        let remedy = "stop that process, or ./stop.sh --wipe";
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with(&start) && problems[0].contains(remedy),
            "{problems:?}"
        );
    }

    #[test]
    fn every_port_that_is_taken_or_named_twice_is_reported_at_once_with_its_owner() {
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
        // Not ours to bind.
        let elsewhere = format!("http://payouts.example.com:{two}");
        settings.set("PAYOUT_PROVIDER_URL", elsewhere);
        settings.set("BFF_SERVICE_URL", format!("http://127.0.0.1:{one}"));
        settings.set("POSTGRES_PORT", two.to_string());
        let campaign = settings.get("CAMPAIGN_SERVICE_URL").unwrap().to_owned();
        settings.set("TRACKING_SERVICE_URL", campaign);
        let problems = conflicts(&layout, &settings, false).unwrap();
        assert_eq!(problems.len(), 3, "{problems:?}");
        let me = format!("is held by process {}", std::process::id());
        for wanted in [
            format!("port {one}, which bff needs, {me}"),
            format!("port {two}, which Postgres needs, {me}"),
            "is needed by tracking (TRACKING_SERVICE_URL) and by campaign (CAMPAIGN_SERVICE_URL)"
                .to_owned(),
        ] {
            assert!(
                problems.iter().any(|line| line.contains(&wanted)),
                "{wanted}: {problems:?}"
            );
        }

        // It is no stranger's that moves elsewhere itself: two services may swap their ports.
        let tracking = layout.state.join("run/tracking.pid");
        fs::create_dir_all(tracking.parent().unwrap()).unwrap();
        let me = Identity::of(std::process::id()).unwrap();
        me.write(&tracking).unwrap();
        let problems = conflicts(&layout, &settings, false).unwrap();
        assert!(
            !problems.iter().any(|line| line.contains("bff")),
            "{problems:?}"
        );
        assert!(
            problems.iter().any(|line| line.contains("Postgres")),
            "{problems:?}"
        );
    }
}
