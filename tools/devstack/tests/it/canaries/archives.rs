//! What leaves the log for files: written by the runbook's command, and unpacked, since the files are compressed.

use std::fs::{self, File};
use std::io::Write as _;

use apache_avro::Reader;
use apache_avro::types::Value;
use devstack::local::LocalStack;
use schemas::Service;
use sqlx::{Connection, PgConnection};

use crate::restored::tributary;

/// Where what the files hold lies open, in the stack's folder.
pub const UNPACKED: &str = "archive-unpacked";

/// The logs that have what people say, sealed or as hashes.
pub const OF_PEOPLE: [Service; 3] = [Service::Bff, Service::Campaign, Service::Tracking];

/// The last position of a log, and the last that can be archived.
pub async fn head(stack: &LocalStack, service: Service) -> (i64, i64) {
    let url = stack.database_url(service).unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let head = "SELECT position, position / partition_positions * partition_positions - 1 FROM pipeline.log_head";
    let head = sqlx::query_as(head);
    head.fetch_one(&mut connection).await.unwrap()
}

/// Archives every log with something of a person in it, as far as it is closed, and writes down what the files hold.
pub fn write_and_unpack(stack: &LocalStack) {
    let state = stack.layout().state.clone();
    let (archive, unpacked) = (state.join("archive"), state.join(UNPACKED));
    fs::create_dir_all(&unpacked).unwrap();
    for service in OF_PEOPLE {
        let run = ["archive", "run", service.name(), "--reason", "monthly"];
        tributary(stack, &run);
    }
    for entry in fs::read_dir(archive).unwrap() {
        let entry = entry.unwrap();
        let mut into = File::create(unpacked.join(entry.file_name())).unwrap();
        for row in Reader::new(File::open(entry.path()).unwrap()).unwrap() {
            unpack(&row.unwrap(), &mut into);
        }
    }
}

/// Texts and bytes as they are.
fn unpack(value: &Value, into: &mut File) {
    match value {
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => into.write_all(bytes).unwrap(),
        Value::String(text) | Value::Enum(_, text) => into.write_all(text.as_bytes()).unwrap(),
        Value::Union(_, inner) => unpack(inner, into),
        Value::Record(fields) => fields.iter().for_each(|(_, field)| unpack(field, into)),
        Value::Array(items) => items.iter().for_each(|item| unpack(item, into)),
        Value::Map(items) => items.values().for_each(|item| unpack(item, into)),
        _ => return,
    }
    into.write_all(b"\n").unwrap();
}
