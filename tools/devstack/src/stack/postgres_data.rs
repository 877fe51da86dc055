//! A new server's data, and what a server is asked before it starts.

use std::fs;
use std::io::Write;
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::account::Account;
use super::certificates::ServerCertificate;
use super::command::run;
use super::random::random_hex;

/// lz4 where the server was built with it (about a tenth of pglz's CPU).
pub(super) fn wal_compression(bin: &Path, data: &Path, account: Option<Account>) -> &'static str {
    let mut ask = Command::new(bin.join("postgres"));
    ask.args(["-C", "wal_compression", "-c", "wal_compression=lz4", "-D"])
        .arg(data)
        .current_dir("/");
    Account::apply(account, &mut ask);
    if run(&mut ask).is_ok() { "lz4" } else { "on" }
}

/// The password goes by a file that the server's own account makes, since it must be able to open it.
const INITDB: &str = r#"umask 077; pw=$(mktemp) || exit; trap 'rm -f "$pw"' EXIT; printf '%s\n' "$NEW_PASSWORD" >"$pw"
"$0" -D "$1" -U postgres --auth=scram-sha-256 --pwfile="$pw" --encoding=UTF8 --locale=C"#;

pub(super) fn init(
    bin: &Path,
    data: &Path,
    password: &str,
    account: Option<Account>,
) -> Result<()> {
    let mut initdb = Command::new("/bin/sh");
    initdb
        .args(["-c", INITDB])
        .arg(bin.join("initdb"))
        .arg(data)
        .env("NEW_PASSWORD", password)
        .current_dir("/");
    Account::apply(account, &mut initdb);
    run(&mut initdb).map(drop)
}

/// The server opens a key only when its own account, or root, owns it.
const PUT_CERTIFICATE: &str =
    r#"umask 077; printf '%s' "$CHAIN" >"$0/server.crt" && printf '%s' "$KEY" >"$0/server.key""#;

pub(super) fn put_certificate(
    data: &Path,
    certificate: &ServerCertificate,
    account: Option<Account>,
) -> Result<()> {
    let mut put = Command::new("/bin/sh");
    put.args(["-c", PUT_CERTIFICATE])
        .arg(data)
        .env("CHAIN", &certificate.chain)
        .env("KEY", &certificate.key)
        .current_dir("/");
    Account::apply(account, &mut put);
    run(&mut put).map(drop)
}

pub(super) fn empty(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Reads the password kept in `file`, or makes one.
pub(super) fn superuser_password(file: &Path) -> Result<String> {
    if let Ok(kept) = fs::read_to_string(file) {
        return Ok(kept.trim().to_owned());
    }
    let password = random_hex(16)?;
    let mut options = fs::OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)?
        .write_all(password.as_bytes())?;
    Ok(password)
}

/// As many as a server makes by itself.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4_096).unwrap();

/// What the server keeps of a password, as `ALTER ROLE` takes it, so that no log of statements has the password itself. One with other letters
/// than ASCII's is left to the server, which would have to prepare it, and what is a verifier already stays.
pub(super) fn verifier_of(password: &str) -> Result<String> {
    if !password.is_ascii() || password.starts_with(VERIFIER) {
        return Ok(password.to_owned());
    }
    verifier(password, ITERATIONS)
}

/// The same with one iteration instead of 4,096. Those are for who guesses passwords; ours has 128 random bits, and a debug build takes longer for them at
/// each connection of a test than for much of the test.
pub(super) fn quick_verifier(password: &str) -> Result<String> {
    verifier(password, NonZeroU32::MIN)
}

const VERIFIER: &str = "SCRAM-SHA-256$";

/// By [RFC 5802](https://www.rfc-editor.org/rfc/rfc5802#section-3).
fn verifier(password: &str, iterations: NonZeroU32) -> Result<String> {
    let salt = random_hex(16)?;
    let (salt, password) = (salt.as_bytes(), password.as_bytes());
    let mut salted = [0; SHA256_OUTPUT_LEN];
    pbkdf2::derive(PBKDF2_HMAC_SHA256, iterations, salt, password, &mut salted);
    let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client = hmac::sign(&salted, b"Client Key");
    let stored = digest(&SHA256, client.as_ref());
    let server = hmac::sign(&salted, b"Server Key");
    let [salt, stored, server] =
        [salt, stored.as_ref(), server.as_ref()].map(|it| BASE64_STANDARD.encode(it));
    Ok(format!("{VERIFIER}{iterations}:{salt}${stored}:{server}"))
}
