//! The Kubernetes manifests, as kustomize renders them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use devstack::layout::Layout;
use devstack::stack::run;
use devstack::stack::testing::{PYTHON, from_test_run, scratch};
use devstack::tools;
use schemas::Service;
use serde_json::{Value, json};

use super::dockerfile::Dockerfile;
use super::{documented, strings, text, variable};

const MODES: [&str; 2] = ["hybrid", "event"];
/// The oldest that knows all that is used, and the newest that the validator knows.
const VERSIONS: [&str; 2] = ["1.30", "1.37"];
const TO_JSON: &str = "import json, sys, yaml; json.dump([it for it in yaml.safe_load_all(open(sys.argv[1])) if it], sys.stdout)";

/// What `kubectl kustomize` would print of a folder, in a file.
fn rendered(folder: &Path) -> PathBuf {
    let layout = Layout::find();
    let kustomize = tools::kustomize(&layout).unwrap();
    let out = scratch("kubernetes");
    fs::create_dir_all(&out).unwrap();
    let yaml = run(Command::new(kustomize).arg("build").arg(folder)).unwrap();
    fs::write(out.join("all.yaml"), yaml).unwrap();
    out.join("all.yaml")
}

fn overlay(mode: &str) -> PathBuf {
    rendered(&Layout::find().root.join("deploy/kubernetes").join(mode))
}

fn objects(file: &Path) -> Vec<Value> {
    let python = &mut Command::new(from_test_run(PYTHON));
    serde_json::from_str(&run(python.args(["-c", TO_JSON]).arg(file)).unwrap()).unwrap()
}

/// Against the schemas of one version, nothing more than they know allowed: what is wrong, line by line.
fn validate(file: &Path, version: &str) -> Vec<String> {
    let python = &mut Command::new(from_test_run(PYTHON));
    let words = [
        "-m",
        "kubernetes_validate",
        "--strict",
        "--kubernetes-version",
        version,
    ];
    let output = python.args(words).arg(file).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let (passed, mut wrong): (Vec<&str>, Vec<&str>) =
        stdout.lines().partition(|line| line.starts_with("INFO"));
    if passed.len() + wrong.len() < objects(file).len() {
        wrong.push("it did not look at all of them");
    }
    wrong.into_iter().map(str::to_owned).collect()
}

fn named<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = objects
        .iter()
        .find(|it| it["kind"] == kind && it["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

fn of_kind<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |it| it["kind"] == kind)
}

/// The pods of deployments and jobs, with the name of what makes them.
fn pods(objects: &[Value]) -> Vec<(&str, &Value)> {
    let makers = objects
        .iter()
        .filter(|it| it["spec"]["template"].is_object());
    makers
        .map(|it| {
            (
                it["metadata"]["name"].as_str().unwrap(),
                &it["spec"]["template"]["spec"],
            )
        })
        .collect()
}

fn settings(objects: &[Value]) -> &Value {
    &of_kind(objects, "ConfigMap").next().unwrap()["data"]
}

#[test]
fn what_is_rendered_is_what_the_api_takes() {
    for mode in MODES {
        let file = overlay(mode);
        for version in VERSIONS {
            assert_eq!(
                validate(&file, version),
                Vec::<String>::new(),
                "{mode}, {version}"
            );
        }
    }
}

#[test]
fn what_the_api_does_not_take_is_found() {
    let good = fs::read_to_string(overlay("event")).unwrap();
    for (right, wrong) in [
        ("maxUnavailable: 0", "maxUnavailible: 0"),
        ("containerPort: 8002", "containerPort: http"),
        (
            "apiVersion: batch/v1\nkind: Job",
            "apiVersion: apps/v1\nkind: Job",
        ),
        (
            "readOnlyRootFilesystem: true",
            "readOnlyRootFilesystem: yes please",
        ),
    ] {
        let file = scratch("broken");
        fs::write(&file, good.replacen(right, wrong, 1)).unwrap();
        assert!(!validate(&file, VERSIONS[1]).is_empty(), "{wrong}");
    }
}

#[test]
fn each_service_has_what_keeps_it_up_and_each_database_its_migration() {
    for mode in MODES {
        let all = objects(&overlay(mode));
        assert_eq!(of_kind(&all, "Deployment").count(), Service::ALL.len());
        for service in Service::ALL {
            let has_mode = service.commands_topic().is_some();
            let service = service.name();
            let deployment = named(&all, "Deployment", service);
            let container = &deployment["spec"]["template"]["spec"]["containers"][0];
            let port = &container["ports"][0]["containerPort"];
            let public = &named(&all, "Service", service)["spec"];
            assert_eq!(port, &public["ports"][0]["port"]);
            assert_eq!(public["publishNotReadyAddresses"], Value::Null);
            let admin = &container["ports"][1]["containerPort"];
            let name = format!("{service}-admin");
            let of_admin = &named(&all, "Service", &name)["spec"];
            assert_eq!(admin, &of_admin["ports"][0]["port"]);
            // What is not ready is what operators act upon.
            assert_eq!(of_admin["publishNotReadyAddresses"], true);
            assert_eq!(of_admin["selector"], public["selector"]);
            let variable =
                |name: &str| settings(&all)[format!("{}_{name}", service.to_uppercase())].clone();
            assert_eq!(variable("ADMIN_ADDRESS"), format!("0.0.0.0:{admin}"));
            assert_eq!(variable("ADMIN_URL"), format!("http://{name}:{admin}"));
            let annotations = &deployment["spec"]["template"]["metadata"]["annotations"];
            assert_eq!(annotations["prometheus.io/port"], admin.to_string());
            let alive = json!({"path": "/health", "port": "admin"});
            assert_eq!(container["livenessProbe"]["httpGet"], alive);
            assert_eq!(container["startupProbe"]["httpGet"], alive);
            let ready = json!({"path": "/ready", "port": "admin"});
            assert_eq!(container["readinessProbe"]["httpGet"], ready);
            assert_eq!(
                Dockerfile::of(service).last("EXPOSE"),
                Some(port.to_string().as_str())
            );
            let budget = &named(&all, "PodDisruptionBudget", service)["spec"];
            assert!(
                budget["minAvailable"].as_u64() < deployment["spec"]["replicas"].as_u64(),
                "a node could never be emptied"
            );
            // Pods that wait for an operator are not ready, and would hold up the node until somebody came.
            assert_eq!(budget["unhealthyPodEvictionPolicy"], "AlwaysAllow");
            let job = named(&all, "Job", &format!("migrate-{service}"));
            let migration = &job["spec"]["template"]["spec"]["containers"][0];
            assert_eq!(
                (&migration["image"], &migration["env"]),
                (&container["image"], &container["env"])
            );
            assert_eq!(migration["args"], json!(["migrate"]));
            let urls = settings(&all)[format!("{}_SERVICE_URL", service.to_uppercase())].clone();
            assert_eq!(urls, format!("http://{service}:{port}"));
            if has_mode {
                assert_eq!(
                    settings(&all)[format!("{}_SERVICE_MODE", service.to_uppercase())],
                    mode
                );
            }
        }
        let provision = &named(&all, "Job", "provision")["spec"]["template"]["spec"];
        assert_eq!(provision["containers"][0]["args"], json!(["provision"]));
    }
}

#[test]
fn every_pod_is_as_restricted_as_its_namespace_asks() {
    let all = objects(&overlay("hybrid"));
    let namespace = named(&all, "Namespace", "tributary");
    assert_eq!(
        namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
        "restricted"
    );
    // Each service and its migration, and who provisions.
    assert_eq!(pods(&all).len(), 2 * Service::ALL.len() + 1);
    for (name, pod) in pods(&all) {
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(pod["securityContext"]["runAsUser"], 10001, "{name}");
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault",
            "{name}"
        );
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        for container in pod["containers"].as_array().unwrap() {
            let held = &container["securityContext"];
            assert_eq!(held["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(held["capabilities"]["drop"], json!(["ALL"]), "{name}");
            assert_eq!(held["readOnlyRootFilesystem"], true, "{name}");
            assert!(
                container["resources"]["limits"]["memory"].is_string(),
                "{name}"
            );
            // A name under .invalid is nobody's, so a forgotten image is pulled from nowhere.
            let image = container["image"].as_str().unwrap();
            let program = name.strip_prefix("migrate-").unwrap_or(name);
            let program = program.replace("provision", "tributary");
            let version = env!("CARGO_PKG_VERSION");
            assert_eq!(
                image,
                format!("registry.invalid/tributary/{program}:{version}")
            );
        }
    }
}

#[test]
fn every_variable_is_explained_and_no_secret_is_a_plain_value() {
    let known = documented();
    let all = objects(&overlay("hybrid"));
    let shared = settings(&all).as_object().unwrap().keys();
    let mut names: Vec<&str> = shared.map(String::as_str).collect();
    for (name, pod) in pods(&all) {
        for given in pod["containers"][0]["env"].as_array().into_iter().flatten() {
            let variable = given["name"].as_str().unwrap();
            names.push(variable);
            let by_reference = given["valueFrom"]["secretKeyRef"].is_object();
            let by_file = variable.ends_with("_FILE")
                && given["value"]
                    .as_str()
                    .unwrap()
                    .starts_with("/run/secrets/tributary/");
            assert!(by_reference || by_file, "{name}: {given}");
        }
    }
    for name in names {
        let plain = variable(name);
        assert!(
            known.iter().any(|known| known == plain),
            "{name} is not in .env.example"
        );
    }
    for secret in ["_PASSWORD", "_KEY", "_TOKEN", "_DATABASE_URL"] {
        assert!(
            settings(&all)
                .as_object()
                .unwrap()
                .keys()
                .all(|name| !name.ends_with(secret))
        );
    }
}

#[test]
fn every_file_that_a_variable_names_is_mounted_and_every_secret_is_documented() {
    let all = objects(&overlay("hybrid"));
    let page = text("docs/deploying.md");
    for (name, pod) in pods(&all) {
        let mut mounted = Vec::new();
        for source in pod["volumes"][0]["projected"]["sources"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let secret = source["secret"]["name"].as_str().unwrap();
            assert!(page.contains(&format!("generic {secret} ")), "{secret}");
            mounted.extend(
                source["secret"]["items"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|item| &item["path"]),
            );
        }
        for given in pod["containers"][0]["env"].as_array().into_iter().flatten() {
            if let Some(secret) = given["valueFrom"]["secretKeyRef"]["name"].as_str() {
                assert!(page.contains(&format!("generic {secret} ")), "{secret}");
            }
            if let Some(path) = given["value"].as_str() {
                let file = path.rsplit('/').next().unwrap();
                let found = mounted.iter().any(|path| *path == file);
                assert!(found, "{name}: {path} of {mounted:?}");
            }
        }
    }
}

#[test]
fn what_is_applied_first_has_all_that_jobs_need() {
    let all = objects(&overlay("hybrid"));
    let part = |it: &Value| it["metadata"]["labels"]["app.kubernetes.io/component"].clone();
    assert!(of_kind(&all, "Job").all(|job| part(job) == "job"));
    for kind in ["Namespace", "ConfigMap"] {
        assert!(
            of_kind(&all, kind).all(|it| part(it) == "settings"),
            "{kind}"
        );
    }
    let later =
        ["Deployment", "Service"].map(|kind| of_kind(&all, kind).all(|it| part(it).is_null()));
    assert_eq!(later, [true, true]);
}

#[test]
fn a_job_is_made_anew_by_each_rollout_after_its_settings_and_before_the_services() {
    let all = objects(&overlay("hybrid"));
    let wave = |it: &Value| {
        let wave = it["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"].as_str();
        wave.map_or(0, |wave| wave.parse::<i32>().unwrap())
    };
    assert_eq!(of_kind(&all, "Job").count(), Service::ALL.len() + 1);
    for job in of_kind(&all, "Job") {
        let annotations = &job["metadata"]["annotations"];
        assert_eq!(annotations["argocd.argoproj.io/hook"], "Sync");
        let delete = &annotations["argocd.argoproj.io/hook-delete-policy"];
        assert_eq!(delete, "BeforeHookCreation");
        let force = &annotations["kustomize.toolkit.fluxcd.io/force"];
        assert_eq!(force, "enabled");
        for kind in ["Namespace", "ConfigMap"] {
            assert!(of_kind(&all, kind).all(|it| wave(it) < wave(job)), "{kind}");
        }
        assert!(of_kind(&all, "Deployment").all(|it| wave(it) > wave(job)));
    }
}

/// What is applied as it was changes nothing, with force or without: a job that failed would stay so.
#[test]
fn by_hand_jobs_are_deleted_before_they_are_applied_and_nothing_else_is() {
    let page = text("docs/deploying.md");
    let at = |what: &str| page.lines().position(|line| line.starts_with(what));
    let jobs = "-l app.kubernetes.io/component=job";
    let deleted = at(&format!(
        "kubectl -n tributary delete job {jobs} --ignore-not-found"
    ));
    let settings = at("kubectl apply -f all.yaml -l app.kubernetes.io/component=settings");
    let applied = at(&format!("kubectl apply -f all.yaml {jobs}"));
    assert!(settings.is_some(), "the namespace is there by then");
    assert!(settings < deleted && deleted < applied);
    assert_eq!(page.matches("kubectl -n tributary delete ").count(), 1);
    assert!(!page.contains("--force"));
}

#[test]
fn what_the_ingress_leads_to_is_public_and_on_the_public_port() {
    let folder = scratch("with-ingress");
    fs::create_dir_all(&folder).unwrap();
    let kubernetes = Layout::find().root.join("deploy/kubernetes");
    // Kustomize takes relative paths only.
    let to = |part: &str| {
        let up = "../".repeat(folder.canonicalize().unwrap().components().count() - 1);
        let part = kubernetes.join(part).canonicalize().unwrap();
        format!("{up}{}", part.strip_prefix("/").unwrap().display())
    };
    let kustomization = format!(
        "resources: [{}]\ncomponents: [{}]\n",
        to("hybrid"),
        to("ingress")
    );
    fs::write(folder.join("kustomization.yaml"), kustomization).unwrap();
    let file = rendered(&folder);
    for version in VERSIONS {
        assert_eq!(validate(&file, version), Vec::<String>::new(), "{version}");
    }
    let all = objects(&file);
    let mut public = Vec::new();
    for ingress in of_kind(&all, "Ingress") {
        for path in ingress["spec"]["rules"][0]["http"]["paths"]
            .as_array()
            .unwrap()
        {
            let to = &path["backend"]["service"];
            assert_eq!(to["port"], json!({"name": "http"}));
            public.push((to["name"].as_str().unwrap(), path["path"].as_str().unwrap()));
        }
    }
    let wanted = [
        ("bff", "/api/v1"),
        ("bff", "/console"),
        ("bff", "/unsubscribe"),
        ("bff", "/docs"),
        ("bff", "/openapi.json"),
        ("bff", "/asyncapi.json"),
        ("bff", "/health"),
        ("tracking", "/c"),
    ];
    assert_eq!(public, wanted);
}

#[test]
fn a_stop_has_the_time_that_it_takes_and_nobody_is_missed_in_a_rollout() {
    let all = objects(&overlay("event"));
    let drain: u64 = settings(&all)["HTTP_DRAIN_TIMEOUT_MS"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    for deployment in of_kind(&all, "Deployment") {
        let pod = &deployment["spec"]["template"]["spec"];
        let pause = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
            .as_u64()
            .unwrap();
        let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
        assert!(grace >= pause + drain / 1000 + 15, "{grace} s");
        assert_eq!(
            deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"],
            0
        );
    }
}

#[test]
fn from_outside_only_front_ends_visitors_and_metrics_come_in() {
    let all = objects(&overlay("hybrid"));
    let everybody = json!({"matchLabels": {"app.kubernetes.io/part-of": "tributary"}});
    let nobody = named(&all, "NetworkPolicy", "nobody-else");
    assert_eq!(nobody["spec"]["podSelector"], everybody);
    assert!(nobody["spec"]["ingress"].is_null());
    let open = of_kind(&all, "NetworkPolicy").filter(|policy| {
        policy["spec"]["ingress"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|rule| rule["from"].is_null())
    });
    let open: Vec<&Value> = open.collect();
    assert_eq!(open.len(), 1);
    let names = &open[0]["spec"]["podSelector"]["matchExpressions"][0]["values"];
    assert_eq!(strings(names), ["bff", "tracking"]);
    let public = json!([{"ports": [{"port": "http"}]}]);
    assert_eq!(open[0]["spec"]["ingress"], public);
    let scraped = named(&all, "NetworkPolicy", "metrics");
    assert_eq!(
        scraped["spec"]["ingress"][0]["ports"],
        json!([{"port": "admin"}])
    );
}
