//! `tributary check`, on a stack in http mode, as somebody would type it.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use devstack::demo::Tokens;
use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::settings::{Mode, variable};
use devstack::stack::free_port;
use devstack::stack::testing::scratch;
use invariants::RULES;
use schemas::Service;
use serde_json::Value;

use super::broken::pay_behind_our_back;

#[test]
fn a_check_without_the_program_that_folds_logs_names_it_before_it_reads_anything() {
    // A clone in which nothing was built; nobody answers at these databases.
    let clone = scratch("fresh");
    fs::create_dir_all(clone.join("target/release")).unwrap();
    let here = Layout::find();
    let nobody = format!("postgres://a:b@127.0.0.1:{}/c", free_port());
    let check = |arguments: &[&str]| {
        let mut command = Command::new(here.built("debug").join("tributary"));
        command
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("TRIBUTARY_SCRATCH_URL")
            .env("TRIBUTARY_ROOT", &clone);
        for service in Service::ALL {
            command.env(variable(service, "DATABASE_URL"), &nobody);
        }
        let failed = command.arg("check").args(arguments).output().unwrap();
        assert!(!failed.status.success());
        String::from_utf8(failed.stderr).unwrap()
    };
    let failed = check(&["--scratch-url", &nobody]);
    for wanted in [
        "target/release/rebuild is missing",
        "cargo build --release --locked --bin rebuild",
    ] {
        assert!(failed.contains(wanted), "{wanted}: {failed}");
    }
    let failed = check(&[]);
    assert!(failed.contains("--scratch-url"), "{failed}");
}

#[tokio::test]
async fn tributary_check_prints_the_ten_rules_and_fails_when_one_is_broken() {
    let stack = LocalStack::start(Mode::Http).await.unwrap();
    stack.load_demo().await.unwrap();
    // A clone of its own, whose state is this stack's and whose programs are those of the tests.
    let clone = scratch("clone");
    fs::create_dir_all(clone.join("target")).unwrap();
    let here = Layout::find();
    symlink(
        stack.layout().state.canonicalize().unwrap(),
        clone.join(".tributary"),
    )
    .unwrap();
    symlink(here.built("debug"), clone.join("target/release")).unwrap();
    fs::copy(here.root.join(".env.example"), clone.join(".env.example")).unwrap();
    let provider = stack.settings().get("PAYOUT_PROVIDER_URL").unwrap();
    let check_with = |provider: &str| -> Command {
        let mut command = Command::new(here.built("debug").join("tributary"));
        command
            .env_remove("CARGO_TARGET_DIR")
            .env("TRIBUTARY_ROOT", &clone);
        command.envs(stack.settings().iter());
        command.env("PAYOUT_PROVIDER_URL", provider).arg("check");
        command
    };
    let run = |arguments: &[&str]| check_with(provider).args(arguments).output().unwrap();

    let mut unread = check_with(provider)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(unread.stdout.take());
    let unread = unread.wait_with_output().unwrap();
    assert_eq!(
        (unread.status.code(), &unread.stderr[..]),
        (Some(0), &b""[..]),
        "nobody reads: {}",
        String::from_utf8_lossy(&unread.stderr)
    );

    let reported = run(&["--report"]);
    let text = String::from_utf8(reported.stdout).unwrap();
    assert!(
        reported.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&reported.stderr)
    );
    for (number, name) in (1..).zip(RULES) {
        let result = if number == 8 { "not looked at" } else { "held" };
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{number:>2} {name}")));
        assert!(
            line.is_some_and(|line| line.ends_with(result)),
            "{number}: {text}"
        );
    }

    // The bff's audit has it for who looks there.
    let url = stack.url(Service::Bff).unwrap();
    let url = format!("{url}/api/v1/operator/bff/audit?action=rules.check");
    let token = stack.token(&["--role", "operator"]).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let audit: Value = client
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let noted = &audit["items"][0];
    assert_eq!(noted["target"], "held", "{audit}");
    let findings = noted["detail"]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|it| it["rule"] == 9), "{audit}");

    // A provider that has no statement for us: everything else is looked at.
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let reported = check_with(&nobody).output().unwrap();
    let text = String::from_utf8(reported.stdout).unwrap();
    assert!(reported.status.success(), "{text}");
    for wanted in [
        "held, as far as was looked",
        "- not looked at: the provider's statement at http://127.0.0.1:",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }

    pay_behind_our_back(provider, &["pay_unheard_of"]).await;
    let reported = run(&["--json"]);
    assert_eq!(reported.status.code(), Some(1));
    let findings: Vec<Value> = serde_json::from_slice(&reported.stdout).unwrap();
    let wrong: Vec<&Value> = findings
        .iter()
        .filter(|finding| finding["wrong"] != 0)
        .collect();
    assert!(wrong.len() == 1 && wrong[0]["rule"] == 9, "{wrong:#?}");
    assert!(
        wrong[0]["broken"][0]
            .as_str()
            .unwrap()
            .contains("pay_unheard_of")
    );
}
