//! `tributary database-page`: signing in as a service and seeing its tables.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use devstack::local::LocalStack;
use devstack::settings::Mode;
use devstack::stack::testing::scratch;
use devstack::stack::{free_port, run};

struct Page(Child);

impl Drop for Page {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[tokio::test]
async fn the_database_page_shows_who_signs_in_as_a_service_its_tables() {
    let stack = LocalStack::start(Mode::Http).await.unwrap();
    let root = scratch("database-page");
    std::fs::create_dir_all(&root).unwrap();
    let port = free_port();
    let given = stack
        .settings()
        .iter()
        .filter(|(_, value)| !value.is_empty());
    let child = Command::new(crate::built("tributary"))
        .args(["database-page", "--port", &port.to_string()])
        .envs(given)
        .env("TRIBUTARY_ROOT", &root)
        .stdout(Stdio::piped())
        .spawn();
    let mut page = Page(child.unwrap());
    let printed = BufReader::new(page.0.stdout.take().unwrap());
    let lines: Vec<String> = printed
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.contains("Ctrl-C"))
        .collect();
    let tracking = lines.iter().find(|line| line.contains("tracking_db"));
    let words: Vec<&str> = tracking.unwrap().split_whitespace().collect();
    let [server, user, database, password] = words[..] else {
        panic!("{lines:?}")
    };
    let url =
        format!("http://127.0.0.1:{port}/?pgsql={server}&username={user}&db={database}&ns=public");
    let cookies = root.join("cookies");
    let shown = |data: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--location",
            "--noproxy",
            "*",
            "--cookie-jar",
        ]);
        curl.arg(&cookies)
            .arg("--cookie")
            .arg(&cookies)
            .args(data)
            .arg(&url);
        run(&mut curl)
    };
    let mut first = shown(&[]);
    for _ in 0..100 {
        if first.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        first = shown(&[]);
    }
    assert!(first.unwrap().contains("auth[driver]"), "a form to sign in");
    let fields = [
        "auth[driver]=pgsql".to_owned(),
        format!("auth[server]={server}"),
        format!("auth[username]={user}"),
        format!("auth[password]={password}"),
        format!("auth[db]={database}"),
    ];
    let data: Vec<&str> = fields
        .iter()
        .flat_map(|field| ["--data-urlencode", field])
        .collect();
    shown(&data).unwrap();
    let tables = shown(&[]).unwrap();
    assert!(
        tables.contains("last_clicks") && tables.contains("enrollments"),
        "{tables}"
    );
}
