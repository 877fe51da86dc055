//! `tributary database-page`: a look into the services' databases.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};
use percent_encoding::percent_decode_str;
use reqwest::Url;
use schemas::Service;

use crate::layout::Layout;
use crate::settings::Settings;
use crate::tools;

/// Where the page of the containers is, too.
pub const PORT: u16 = 9001;

/// Serves Adminer on this machine's loopback until it is interrupted, and says how to sign in.
pub fn serve(layout: &Layout, settings: &Settings, port: u16) -> Result<()> {
    let page = tools::adminer(layout)?;
    println!("http://127.0.0.1:{port}/?pgsql=SERVER&username=USERNAME&db=DATABASE, with");
    println!(
        "{:<22} {:<11} {:<14} password",
        "server", "username", "database"
    );
    for service in Service::ALL {
        let url = Url::parse(&settings.database_url(service)?)?;
        let host = url.host_str().context("the database's host")?;
        let server = format!("{host}:{}", url.port().unwrap_or(5432));
        println!(
            "{server:<22} {:<11} {:<14} {}",
            url.username(),
            url.path().trim_start_matches('/'),
            percent_decode_str(url.password().unwrap_or_default()).decode_utf8_lossy()
        );
    }
    println!("Ctrl-C ends it.");
    let mut php = Command::new("php");
    // Adminer 4.8 is older than what PHP 8 warns of.
    php.args(["-d", "error_reporting=E_ERROR", "-d", "display_errors=0"]);
    php.args(["-S", &format!("127.0.0.1:{port}")]);
    php.arg("-t").arg(&page);
    Err(php.exec()).context("cannot run php")
}
