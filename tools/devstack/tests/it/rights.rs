//! Provisioning a broker that somebody else runs: with a tenant administrator's token, a service's, and none that counts.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeSet;

use devstack::provision::{Admin, Mode, Need, Outcome, Place, State};
use devstack::stack::testing::scratch;
use devstack::stack::{
    ADMIN_ROLE, Authority, BrokerSetup, BrokerTokens, LOOPBACK_NAMES, Pulsar, PulsarPorts,
    ServerCertificate, Valid,
};
use devstack::tools;
use schemas::{Service, Topic};
use serde_json::json;
use tokio::process::Command;

/// A broker that speaks TLS only and asks for tokens, as somebody else runs it.
struct Hosted {
    _broker: Pulsar,
    url: String,
    certificate: ServerCertificate,
    tokens: BrokerTokens,
}

impl Hosted {
    async fn start() -> Self {
        let folder = scratch("hosted-broker");
        let tokens = BrokerTokens::new("a test's secret, long enough for HS256 as it should be");
        let authority = Authority::new().unwrap();
        let certificate = authority.issue(&LOOPBACK_NAMES, Valid::Now).unwrap();
        let setup = BrokerSetup {
            lines: tokens.configuration(&folder).unwrap(),
            admin_token: Some(tokens.token(ADMIN_ROLE).unwrap()),
            certificate: Some(certificate.clone()),
            ..BrokerSetup::default()
        };
        let broker = Pulsar::start_with(&folder, PulsarPorts::free(), setup)
            .await
            .unwrap();
        Self {
            url: broker.admin_url(),
            _broker: broker,
            certificate,
            tokens,
        }
    }

    /// The place as somebody with this role sees it.
    fn place(&self, role: &str) -> Place {
        self.place_with(&self.tokens.token(role).unwrap())
    }

    fn place_with(&self, token: &str) -> Place {
        let authority = Some(self.certificate.authority.as_str());
        Place {
            admin: Admin::trusting(&self.url, Some(token), authority).unwrap(),
            tenant: "given".to_owned(),
            namespace: "ours".to_owned(),
            partitions: 1,
        }
    }

    /// Runs the printed requests as the administrator would: the very lines, by a shell.
    async fn obey(&self, outcome: &Outcome) {
        let folder = scratch("asked");
        let files = self.certificate.write(&folder).unwrap();
        let lines = outcome.requests(&self.url, &folder);
        let requests = lines.iter().filter(|line| line.starts_with("    curl "));
        for request in requests {
            let ran = Command::new("sh")
                .args(["-c", request.trim()])
                .env("ADMIN_TOKEN", self.tokens.token(ADMIN_ROLE).unwrap())
                .env("CURL_CA_BUNDLE", &files.authority)
                .output()
                .await
                .unwrap();
            let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
            // What is there already may be asked for again.
            assert!(
                ran.status.success() || stderr.contains("409"),
                "{request}: {stderr}"
            );
        }
    }
}

impl Hosted {
    /// Runs the first `pulsar-admin` line of each kind by the tool itself, and returns which kinds there were.
    async fn obey_by_tool(&self, outcome: &Outcome) -> BTreeSet<String> {
        let folder = scratch("asked-of-the-tool");
        let files = self.certificate.write(&folder).unwrap();
        outcome.requests(&self.url, &folder);
        let conf = folder.join("client.conf");
        let lines = [
            format!("webServiceUrl={}", self.url),
            "authPlugin=org.apache.pulsar.client.impl.auth.AuthenticationToken".to_owned(),
            format!(
                "authParams=token:{}",
                self.tokens.token(ADMIN_ROLE).unwrap()
            ),
            format!("tlsTrustCertsFilePath={}", files.authority.display()),
        ];
        std::fs::write(&conf, lines.join("\n")).unwrap();
        let classes = tools::pulsar_home().unwrap().join("jars").join("*");
        let mut kinds = BTreeSet::new();
        for step in outcome.tasks.iter().flat_map(|task| &task.steps) {
            let kind: Vec<&str> = step.arguments.split(' ').take(2).collect();
            if !kinds.insert(kind.join(" ")) {
                continue;
            }
            let file = step.file.as_ref().map(|name| folder.join(name));
            let file = file.map(|file| file.display().to_string());
            let line = step.pulsar_admin(file.as_deref());
            let ran = Command::new(tools::java().unwrap().program)
                .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
                .arg(&classes)
                .arg("org.apache.pulsar.admin.cli.PulsarAdminTool")
                .arg(&conf)
                .args(line.trim_start_matches("pulsar-admin ").split(' '))
                .output()
                .await
                .unwrap();
            let stderr = String::from_utf8_lossy(&ran.stderr);
            assert!(ran.status.success(), "{line}: {stderr}");
        }
        kinds
    }
}

fn requested(outcome: &Outcome, need: Need, state: State) -> BTreeSet<String> {
    let tasks = outcome.tasks_that_are(need, state);
    tasks.iter().map(|task| task.what.clone()).collect()
}

fn nothing() -> BTreeSet<String> {
    BTreeSet::new()
}

#[tokio::test]
async fn what_a_token_may_not_do_is_asked_of_the_administrator_and_done_so_it_suffices() {
    let hosted = Hosted::start().await;
    let admin = hosted.place(ADMIN_ROLE);
    let stranger = hosted.place("nobody");
    let refused = stranger.bring_up(Mode::Change, true).await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("is PULSAR_TOKEN the right one"),
        "{refused:#}"
    );
    let forged = BrokerTokens::new("another secret, as long as the true one, but not the same");
    let forged = hosted.place_with(&forged.token(ADMIN_ROLE).unwrap());
    let refused = forged.bring_up(Mode::Verify, true).await.unwrap_err();
    assert!(format!("{refused:#}").contains("401"), "{refused:#}");

    // A tenant is given, and nothing in it; the token is its administrator's.
    let tenant = json!({"adminRoles": ["keeper"], "allowedClusters": ["standalone"]});
    admin.admin.put("tenants/given", &tenant).await.unwrap();
    let keeper = hosted.place("keeper");
    let before = keeper.bring_up(Mode::Verify, true).await.unwrap();
    assert_eq!(before.done, Vec::<String>::new());
    let missing = requested(&before, Need::Must, State::Missing);
    for what in [
        "namespace given/ours",
        "topic payment-events with 1 partition(s)",
        "subscription bff of payment-events, partition 0",
        "this build's schema of payment-events",
    ] {
        assert!(missing.contains(what), "{what}: {missing:#?}");
    }
    assert!(
        admin
            .admin
            .find("namespaces/given/ours")
            .await
            .unwrap()
            .is_none(),
        "--verify changes nothing"
    );

    // A service's token, whose grants are there but nothing else of what the administrator makes.
    let service = hosted.place(Service::Bff.name());
    let whole = keeper.bring_up(Mode::Change, true).await.unwrap();
    assert_eq!(requested(&whole, Need::Must, State::Missing), nothing());
    assert_eq!(requested(&whole, Need::Must, State::Unread), nothing());
    let seen = service.bring_up(Mode::Change, false).await.unwrap();
    assert_eq!(seen.done, Vec::<String>::new(), "it may change nothing");
    assert_eq!(requested(&seen, Need::Must, State::Missing), nothing());
    let unread = requested(&seen, Need::Must, State::Unread);
    assert!(
        unread.iter().any(|what| what.contains("messageTTL")),
        "{unread:#?}"
    );
    assert!(
        !unread.iter().any(|what| what.starts_with("topic ")),
        "it sees the topics it uses: {unread:#?}"
    );

    // Things go missing: the service's token sees what it may see, and asks; the administrator does as is printed.
    let gone = format!("schemas/given/ours/{}/schema", Topic::PaymentEvents);
    admin.admin.delete(&gone).await.unwrap();
    let gone = format!(
        "persistent/given/ours/{}-partition-0/subscription/bff?force=true",
        Topic::PaymentEvents
    );
    admin.admin.delete(&gone).await.unwrap();
    let ttl = "namespaces/given/ours/messageTTL";
    admin.admin.post(ttl, &json!(60)).await.unwrap();
    let lacking = service.bring_up(Mode::Change, false).await.unwrap();
    assert_eq!(
        lacking.done,
        ["made subscription bff of payment-events, partition 0"],
        "who may consume may subscribe"
    );
    assert_eq!(
        requested(&lacking, Need::Must, State::Missing),
        BTreeSet::from(["this build's schema of payment-events".to_owned()])
    );
    hosted.obey(&lacking).await;
    let again = service.bring_up(Mode::Verify, false).await.unwrap();
    assert_eq!(requested(&again, Need::Must, State::Missing), nothing());
    let whole = admin.bring_up(Mode::Verify, true).await.unwrap();
    assert_eq!(
        requested(&whole, Need::Must, State::Missing),
        nothing(),
        "what could not be seen was asked for too, the TTL among it"
    );

    // From nothing at all, by the printed lines alone.
    let fresh = Place {
        namespace: "fresh".to_owned(),
        ..hosted.place(ADMIN_ROLE)
    };
    let all = fresh.bring_up(Mode::Verify, true).await.unwrap();
    hosted.obey(&all).await;
    let done = fresh.bring_up(Mode::Verify, true).await.unwrap();
    assert!(done.tasks.is_empty(), "{:#?}", done.tasks);
}

#[tokio::test]
async fn the_printed_commands_are_ones_that_pulsar_admin_takes() {
    let hosted = Hosted::start().await;
    let place = Place {
        tenant: "fresh".to_owned(),
        ..hosted.place(ADMIN_ROLE)
    };
    let all = place.bring_up(Mode::Verify, true).await.unwrap();
    let kinds = hosted.obey_by_tool(&all).await;
    assert!(kinds.len() >= 13, "{kinds:#?}");
    let done = place.bring_up(Mode::Verify, true).await.unwrap();
    let advised = requested(&done, Need::Advised, State::Missing);
    assert_eq!(advised, nothing(), "every policy has a line of its own");
    for (path, body) in [
        ("messageTTL", json!(60)),
        ("subscriptionExpirationTime", json!(5)),
        (
            "backlogQuota",
            json!({"limitSize": 1_000_000, "limitTime": -1, "policy": "consumer_backlog_eviction"}),
        ),
    ] {
        let path = format!("namespaces/{}/{path}", place.path());
        place.admin.post(&path, &body).await.unwrap();
    }
    let bad = place.bring_up(Mode::Verify, false).await.unwrap();
    let bad = Outcome {
        tasks: bad
            .tasks
            .into_iter()
            .filter(|task| task.what.contains("drops") || task.what.contains("eviction"))
            .collect(),
        ..Outcome::default()
    };
    let kinds = hosted.obey_by_tool(&bad).await;
    assert!(
        kinds.contains("namespaces remove-backlog-quota"),
        "{kinds:#?}"
    );
    let done = place.bring_up(Mode::Verify, false).await.unwrap();
    let missing = requested(&done, Need::Must, State::Missing);
    assert!(
        !missing.iter().any(|what| what.contains("drops")),
        "{missing:#?}"
    );
}
