//! The compose files, as `docker-compose config` reads them.

use std::fs;
use std::path::Path;
use std::process::Command;

use devstack::layout::Layout;
use devstack::settings::compose_secrets;
use devstack::stack::run;
use devstack::stack::testing::{PYTHON, from_test_run, scratch};
use devstack::tools;
use schemas::Service;
use serde_json::{Map, Value};

use super::{documented, strings, text};

pub const FILES: [(&str, &str); 2] = [
    ("docker-compose.yml", "hybrid"),
    ("docker-compose.event-driven.yml", "event"),
];
/// The containers of programs that we build; the other three are others' images.
pub fn ours() -> Vec<&'static str> {
    let services = Service::ALL.map(Service::name).into_iter();
    services
        .chain(["secrets", "provision", "simulator"])
        .collect()
}

const TO_JSON: &str = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)";

/// What `docker-compose config` makes of a file with a `.env` of this text; `Err` is what it says instead.
pub fn config(file: &str, env: &str) -> Result<Value, String> {
    tools::docker_compose().unwrap();
    let folder = scratch("compose");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("env"), env).unwrap();
    let mut command = Command::new("docker-compose");
    command
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| name == "PATH"));
    command
        .current_dir(Layout::find().root)
        .args(["--file", file, "--env-file"]);
    command.arg(folder.join("env")).arg("config");
    let yaml = run(&mut command).map_err(|problem| format!("{problem:#}"))?;
    fs::write(folder.join("config.yml"), yaml).unwrap();
    Ok(json(&folder.join("config.yml")))
}

fn json(file: &Path) -> Value {
    let script = format!("import sys; sys.stdin = open(sys.argv[1]); {TO_JSON}");
    let mut python = Command::new(from_test_run(PYTHON));
    serde_json::from_str(&run(python.args(["-c", &script]).arg(file)).unwrap()).unwrap()
}

/// The services of a file, with the `.env` that one copies.
fn services(file: &str) -> Map<String, Value> {
    let read = config(file, &text(".env.example")).unwrap();
    read["services"].as_object().unwrap().clone()
}

/// Of both files: whether it holds for each container.
fn every_container(holds: impl Fn(&str, &Value) -> bool) {
    for (file, _) in FILES {
        for (name, container) in &services(file) {
            assert!(holds(name, container), "{file}, {name}: {container:#}");
        }
    }
}

#[test]
fn both_files_hold_the_whole_stack() {
    for (file, _) in FILES {
        let mut found: Vec<String> = services(file).keys().cloned().collect();
        let mut wanted = ours();
        wanted.extend(["adminer", "postgres", "pulsar"]);
        found.sort();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{file}");
    }
}

#[test]
fn the_files_differ_only_in_what_they_say_of_themselves_and_in_the_modes() {
    let stripped = |file: &str, mode: &str| -> Vec<String> {
        let modes = format!("_SERVICE_MODE: {mode}");
        let text = text(file).replace(&modes, "_SERVICE_MODE: MODE");
        let lines = text.lines().skip_while(|line| line.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    let [first, second] = FILES.map(|(file, mode)| stripped(file, mode));
    assert_eq!(first, second);
    assert_eq!(
        first
            .iter()
            .filter(|line| line.contains("_SERVICE_MODE: MODE"))
            .count(),
        Service::with_topics().count()
    );
}

#[test]
fn no_secret_is_made_by_hand_and_one_that_env_gives_is_taken() {
    for (file, _) in FILES {
        for name in compose_secrets() {
            let made = &services(file)["secrets"]["environment"][&name];
            assert_eq!(made, "", "{file}: {name}");
            let given = config(file, &format!("{name}=given\n")).unwrap();
            assert_eq!(given["services"]["secrets"]["environment"][&name], "given");
            assert_eq!(given.to_string().matches("given").count(), 1, "{name}");
        }
    }
}

/// Compose takes the file of hybrid where no other is named, and so would change the mode of a stack that the other one began.
#[test]
fn every_page_that_has_compose_start_something_says_what_a_stack_of_the_other_file_wants() {
    let event = FILES[1].0;
    let root = Layout::find().root.join("docs");
    let pages = [root.clone(), root.join("runbooks")]
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap().flatten())
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "md"));
    let mut seen = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        if ["docker compose up", "docker compose restart"]
            .iter()
            .any(|it| text.contains(it))
        {
            seen += 1;
            let named = format!("--file {event}");
            assert!(text.contains(&named), "{}", page.display());
        }
    }
    assert_eq!(seen, 3);
    let deploying = text("docs/deploying.md");
    assert!(deploying.contains(&format!("`COMPOSE_FILE={event}`")));
}

/// What compose makes anew is the container whose variables changed, which none of the services is.
#[test]
fn every_page_that_has_a_key_changed_has_the_services_started_again_too() {
    for (file, _) in FILES {
        for (name, container) in &services(file) {
            let mut given = container["environment"].as_object().into_iter().flatten();
            let has_key =
                given.any(|(it, _)| it == "JWT_SECRET_KEY" || it == "INTERNAL_SECRET_KEY");
            assert_eq!(has_key, name == "secrets", "{file}, {name}");
        }
    }
    for page in [
        "deploying",
        "runbooks/rotate-internal",
        "runbooks/rotate-jwt",
    ] {
        let has_it = text(&format!("docs/{page}.md"))
            .lines()
            .any(|line| line.contains("`.env`") && line.contains("`docker compose restart`"));
        assert!(has_it, "{page}");
    }
}

#[test]
fn each_container_sees_its_own_secrets_and_cannot_change_them() {
    every_container(|name, container| {
        let volumes = strings(&container["volumes"]).into_iter();
        let secret = volumes.filter(|volume| volume.starts_with("secrets-"));
        let own = |volume: &str| {
            volume.starts_with(&format!("secrets-{name}:")) && volume.ends_with(":ro")
        };
        name == "secrets" || secret.into_iter().all(own)
    });
}

#[test]
fn ports_are_published_on_loopback_only() {
    // A port without an address is not even text.
    every_container(|_, container| {
        let ports = container["ports"].as_array().into_iter().flatten();
        ports
            .map(|port| port.as_str().unwrap_or_default())
            .all(|port| port.starts_with("127.0.0.1:"))
    });
    let adminer = &services("docker-compose.yml")["adminer"];
    assert_eq!(strings(&adminer["ports"]), ["127.0.0.1:9001:8080/tcp"]);
}

#[test]
fn images_are_pinned_and_folders_of_this_machine_are_not_written() {
    every_container(|_, container| {
        let image = container["image"].as_str().unwrap();
        let tag = image.split_once(':').map_or("", |(_, tag)| tag);
        tag.starts_with(|letter: char| letter.is_ascii_digit())
            && tag.matches('.').count() >= 1
            && strings(&container["volumes"])
                .iter()
                .all(|volume| !volume.starts_with(['/', '.']) || volume.ends_with(":ro"))
    });
}

#[test]
fn a_container_can_write_only_what_is_mounted_for_it_and_gains_no_privilege() {
    every_container(|_, container| {
        container["read_only"] == true
            && strings(&container["cap_drop"]) == ["ALL"]
            && strings(&container["security_opt"]) == ["no-new-privileges:true"]
            && container["mem_limit"].is_string()
    });
    every_container(|name, container| {
        !ours().contains(&name) || container["user"] == "10001:10001"
    });
}

#[test]
fn every_variable_of_ours_is_explained_and_each_container_has_only_its_own_secrets() {
    let known = documented();
    every_container(|name, container| {
        let variables = container["environment"].as_object().into_iter().flatten();
        variables.into_iter().all(|(variable, _)| {
            let third_party =
                ["adminer", "pulsar"].contains(&name) || variable == "POSTGRES_INITDB_ARGS";
            let variable = super::variable(variable);
            let of_another = !["provision", "secrets"].contains(&name)
                && (variable.ends_with("_DB_PASSWORD") || variable.contains("_DATA_KEY"))
                && !variable.starts_with(&name.to_uppercase());
            (third_party || known.iter().any(|it| it == variable)) && !of_another
        })
    });
}

/// Addresses within the composition, and its own broker, server and simulator: an override file puts others in their places.
const FIXED: &[&str] = &[
    "_LISTEN_ADDRESS",
    "_ADMIN_ADDRESS",
    "_ADMIN_URL",
    "SIMULATOR_ADDRESS",
    "PULSAR_TENANT",
    "PULSAR_NAMESPACE",
    "BROKER_AUTH",
    "PULSAR_SECRET_KEY",
    "PULSAR_TOKEN",
    "PULSAR_TLS_CA",
    "PULSAR_ALLOW_PLAINTEXT_TOKEN",
    // Files of the machine, which a container does not see; and what makes tokens, which no container needs.
    "SMTP_CA_FILE",
    "JWT_PRIVATE_KEY",
];

#[test]
fn what_env_says_reaches_a_container_unless_the_composition_fixes_it() {
    let marked = |name: &String| format!("{name}=marked\n");
    let env: String = documented().iter().map(marked).collect();
    for (file, _) in FILES {
        let written = fs::read_to_string(Layout::find().root.join(file)).unwrap();
        let read = config(file, &env).unwrap();
        let ignored = documented().into_iter().filter(|name| {
            let is_fixed = FIXED.iter().any(|end| name.ends_with(end));
            let mut containers = read["services"].as_object().unwrap().values();
            let is_set = containers.any(|it| {
                let given = &it["environment"];
                !given[name].is_null() || !given[format!("{name}_FILE")].is_null()
            });
            !is_fixed && !is_set
        });
        let ignored: Vec<String> = ignored.collect();
        assert!(ignored.is_empty(), "{file}: {ignored:?}");
        // Of a name that is given as it stands in .env, and not by another.
        for line in written.lines().filter(|line| line.contains(": ${")) {
            let (name, value) = line.trim().split_once(": ${").unwrap();
            let (from, _) = value.split_once(":-").unwrap();
            assert_eq!(name, from, "{file}");
        }
    }
}

#[test]
fn producers_keys_are_given_to_those_who_take_commands_and_to_nobody_else() {
    let takes: Vec<&str> = Service::with_topics().map(Service::name).collect();
    every_container(|name, container| {
        let has = container["environment"]["EXTERNAL_PRODUCERS"].is_string();
        has == takes.contains(&name)
    });
}

#[test]
fn every_lasting_container_says_how_it_is_and_nobody_starts_before_what_it_needs() {
    every_container(|name, container| {
        let lasting = !["secrets", "provision", "adminer"].contains(&name);
        let checks = !lasting || !strings(&container["healthcheck"]["test"]).is_empty();
        let after = &container["depends_on"];
        let ordered = match name {
            "provision" => ["postgres", "pulsar"]
                .iter()
                .all(|it| after[it]["condition"] == "service_healthy"),
            "postgres" => after["secrets"]["condition"] == "service_completed_successfully",
            "secrets" | "pulsar" | "simulator" | "adminer" => true,
            _ => after["provision"]["condition"] == "service_completed_successfully",
        };
        checks && ordered
    });
}

#[test]
fn the_broker_is_that_of_the_local_stack_but_for_where_it_listens() {
    let text = text("deploy/images/standalone.conf");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut file: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('=')).collect();
    let address = [
        "bindAddress",
        "advertisedAddress",
        "brokerServicePort",
        "webServicePort",
    ];
    file.retain(|(key, _)| !address.contains(key));
    let mut ours = devstack::stack::BROKER_SETTINGS.to_vec();
    ours.retain(|(key, _)| !address.contains(key));
    assert_eq!(file, ours);
}
