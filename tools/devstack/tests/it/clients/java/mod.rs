//! Classes that Avro generates from the schemas, with and without `stringType=String`, read and write what the services do.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use devstack::layout::Layout;
use devstack::provision::{Admin, Place};
use devstack::stack::testing::{PULSAR_ADMIN_URL, PULSAR_SERVICE_URL, from_test_run, scratch};
use devstack::tools;
use futures::StreamExt;
use pulsar::consumer::{ConsumerOptions, InitialPosition};
use pulsar::reader::Reader;
use pulsar::{Pulsar, TokioExecutor};
use schemas::signature::Producers;
use schemas::{Body, Topic, WriterSchema, decode};
use serde_json::Value;
use tokio::time::{Duration, timeout};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PATIENCE: Duration = Duration::from_secs(30);

/// Generated classes, compiled with the programs that use them.
struct Classes {
    folder: PathBuf,
    path: String,
}

impl Classes {
    /// `options` of the generator.
    fn generate(name: &str, options: &[&str]) -> Self {
        let layout = Layout::find();
        let tools = tools::avro_tools(&layout).unwrap();
        let folder = scratch(name);
        fs::create_dir_all(&folder).unwrap();
        let mut generate = java();
        generate
            .arg("-jar")
            .arg(&tools.avro)
            .arg("compile")
            .args(options)
            .arg("schema");
        for topic in Topic::ALL {
            generate.arg(layout.root.join(format!("schemas/avro/{topic}.avsc")));
        }
        run(generate.arg(folder.join("sources")));
        let pulsar = tools::pulsar_home().unwrap().join("jars");
        let own = fs::read_dir(&pulsar)
            .unwrap()
            .map(|jar| jar.unwrap().path());
        let client = own.filter(|jar| jar.to_string_lossy().contains("-pulsar-client-"));
        let jars = [tools.avro.clone()].into_iter().chain(client);
        let mut compile = java();
        compile
            .arg("-jar")
            .arg(&tools.compiler)
            .args("-17 -nowarn -proc:none -encoding UTF-8".split(' '))
            .arg("-cp")
            .arg(std::env::join_paths(jars).unwrap())
            .arg("-d")
            .arg(folder.join("classes"))
            .arg(folder.join("sources"));
        for source in [
            "schemas/tests/PublishPurchase.java",
            "tools/devstack/tests/it/clients/java/Generated.java",
        ] {
            compile.arg(layout.root.join(source));
        }
        run(&mut compile);
        let path = [
            folder.join("classes").display().to_string(),
            tools.avro.display().to_string(),
            format!("{}/*", pulsar.display()),
        ];
        Self {
            path: path.join(":"),
            folder,
        }
    }

    fn program(&self, class: &str) -> Command {
        let mut program = java();
        program.args(["-cp", &self.path, class]);
        program
    }
}

impl Drop for Classes {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _swept_later = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Bounded by the system's own program, which ends what it started.
fn java() -> Command {
    let mut java = Command::new("timeout");
    java.arg("120").arg(tools::java().unwrap().program);
    java
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{why}");
    stdout
}

/// Topic, type and id of every golden sample, in the order of their files.
fn golden() -> Vec<String> {
    let folder = Layout::find().root.join("schemas/golden/next");
    let mut lines = Vec::new();
    for topic in Topic::ALL {
        for entry in fs::read_dir(folder.join(topic.name())).unwrap() {
            let file = entry.unwrap().path();
            if file
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let sample: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
                let text = |name: &str| sample[name].as_str().unwrap().to_owned();
                lines.push(format!("{topic} {} {}", text("type"), text("id")));
            }
        }
    }
    lines.sort();
    lines
}

/// What the topic has, from the beginning on: bytes, and the property `signature`.
async fn published(place: &Place, count: usize) -> Vec<(Vec<u8>, String)> {
    let client = Pulsar::builder(from_test_run(PULSAR_SERVICE_URL), TokioExecutor);
    let client = client.build().await.unwrap();
    let options = ConsumerOptions::default()
        .with_initial_position(InitialPosition::Earliest)
        .durable(false);
    let name = format!(
        "persistent://{}/tracking-commands-partition-0",
        place.path()
    );
    let reader = client.reader().with_topic(name).with_options(options);
    let mut reader: Reader<Vec<u8>, TokioExecutor> = reader.into_reader().await.unwrap();
    let mut messages = Vec::new();
    while messages.len() < count {
        let next = timeout(PATIENCE, reader.next()).await.unwrap();
        let payload = next.unwrap().unwrap().payload;
        let mut properties = payload.metadata.properties.into_iter();
        let signature = properties.find(|property| property.key == "signature");
        messages.push((payload.data, signature.unwrap().value));
    }
    messages
}

#[tokio::test]
async fn generated_java_classes_read_and_write_every_kind_and_publish_a_purchase() {
    let plain = Classes::generate("java-plain", &[]);
    let strings = Classes::generate("java-strings", &["-string"]);
    for (classes, text) in [(&plain, "Utf8"), (&strings, "String")] {
        let mut samples = classes.program("Generated");
        samples
            .arg("samples")
            .arg(Layout::find().root.join("schemas/golden/next"));
        let reported = run(&mut samples);
        let reported = reported
            .lines()
            .map(|line| line.strip_suffix(&format!(" {text}")));
        let mut reported: Vec<_> = reported.map(|line| line.unwrap().to_owned()).collect();
        reported.sort();
        assert_eq!(reported, golden());
    }

    let admin = Admin::new(&from_test_run(PULSAR_ADMIN_URL), None).unwrap();
    let place = Place {
        admin,
        tenant: "clients".into(),
        namespace: "java".into(),
        partitions: 1,
    };
    place.provision().await.unwrap();
    let topic = format!("persistent://{}/tracking-commands", place.path());
    // The broker compares schemas field by field: what says more than the registered text is another one.
    for (classes, outcome) in [(&plain, "opened"), (&strings, "refused")] {
        let mut open = classes.program("Generated");
        open.args(["open", &from_test_run(PULSAR_SERVICE_URL), &topic]);
        // The client's own log goes before it.
        assert_eq!(run(&mut open).lines().last(), Some(outcome));
    }

    for (classes, order) in [(&plain, "java-1"), (&strings, "java-2")] {
        let mut publish = classes.program("PublishPurchase");
        publish
            .args([
                &from_test_run(PULSAR_SERVICE_URL),
                &place.tenant,
                &place.namespace,
            ])
            .arg(
                Layout::find()
                    .root
                    .join("schemas/avro/tracking-commands.avsc"),
            )
            .args(["acme-shop", "k1", "camp123", order, "user123", "10.00"])
            .env("PRODUCER_SECRET", SECRET);
        run(&mut publish);
    }
    let producers = format!("acme-shop:brand123:k1:{SECRET}");
    let producers = Producers::parse(&producers).unwrap();
    let schema =
        WriterSchema::parse(Topic::TrackingCommands, Topic::TrackingCommands.avsc()).unwrap();
    let mut orders = Vec::new();
    for (bytes, signature) in published(&place, 2).await {
        let signer = producers.verify("acme-shop", Topic::TrackingCommands, &bytes, &signature);
        assert!(signer.is_some(), "{signature}");
        let Body::RecordEventV1(report) = decode(&schema, &bytes).unwrap().body else {
            panic!("another kind");
        };
        assert_eq!(report.amount.as_deref(), Some("10.00"));
        orders.push(report.order_id.unwrap());
    }
    assert_eq!(orders, ["java-1", "java-2"]);
}
