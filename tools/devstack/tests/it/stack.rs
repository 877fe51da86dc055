//! The whole stack: started twice, switched between modes, broken.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use devstack::local::LocalStack;
use devstack::services::{Program, Replica};
use devstack::settings::Mode;
use schemas::Service;

fn pids(stack: &LocalStack) -> Vec<Option<u32>> {
    Program::START_ORDER
        .map(|program| Some(program.process(stack.layout())?.pid()))
        .to_vec()
}

#[tokio::test]
async fn starting_again_restarts_nothing_and_a_mode_restarts_what_it_changes() {
    let mut stack = LocalStack::start(Mode::Http).await.unwrap();
    let first = pids(&stack);
    stack.start_again().await.unwrap();
    assert_eq!(pids(&stack), first);
    stack.switch(Mode::Hybrid).await.unwrap();
    let second = pids(&stack);
    assert_eq!(second[0], first[0], "the simulator knows no mode");
    assert!(
        second
            .iter()
            .zip(&first)
            .skip(1)
            .all(|(now, before)| now != before),
        "{first:?} {second:?}"
    );
}

#[tokio::test]
async fn a_mode_takes_the_further_processes_of_a_service_along() {
    let mut stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    let replica = stack.start_replica(Service::Payment).await.unwrap();
    stack.switch(Mode::Http).await.unwrap();
    let running = Replica::running(stack.layout());
    let [(_, url, process)] = &running[..] else {
        panic!("it goes on: {running:?}");
    };
    assert_eq!(*url, replica.url);
    assert_ne!(process.pid(), replica.process.pid());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = client.get(format!("{url}/ready")).send().await.unwrap();
    let body = ready.text().await.unwrap();
    assert!(!body.contains("subscription"), "no broker any more: {body}");

    stack.start_again().await.unwrap();
    let unchanged = &Replica::running(stack.layout())[0].2;
    assert_eq!(unchanged.pid(), process.pid());
}

#[tokio::test]
async fn a_restart_takes_the_further_processes_of_its_service_along_and_no_others() {
    let stack = LocalStack::start(Mode::Http).await.unwrap();
    let mut before = Vec::new();
    for service in [Service::Payment, Service::Campaign] {
        let replica = stack.start_replica(service).await.unwrap();
        before.push((replica.url, replica.process.pid()));
    }
    let payment = Program::Service(Service::Payment);
    stack.restart(payment).await.unwrap();
    let running = Replica::running(stack.layout());
    for ((url, pid), is_restarted) in before.into_iter().zip([true, false]) {
        let now = running.iter().find(|it| it.1 == url).unwrap();
        assert_eq!(now.2.pid() != pid, is_restarted, "{}", now.0);
    }
}

#[tokio::test]
async fn a_payout_provider_elsewhere_needs_no_simulator() {
    let mut stack = LocalStack::start(Mode::Http).await.unwrap();
    assert!(Program::Simulator.process(stack.layout()).is_some());
    let elsewhere = "http://payouts.invalid:8010";
    stack.settings_mut().set("PAYOUT_PROVIDER_URL", elsewhere);
    stack.start_again().await.unwrap();
    assert!(Program::Simulator.process(stack.layout()).is_none());
    let refused = stack.restart(Program::Simulator).await.unwrap_err();
    let wanted = "http://payouts.invalid:8010 is somebody else's";
    assert!(refused.to_string().contains(wanted), "{refused:#}");
}

#[tokio::test]
async fn a_service_that_cannot_start_is_named_with_its_last_words() {
    let mut stack = LocalStack::start(Mode::Http).await.unwrap();
    stack.settings_mut().set("INTERNAL_SECRET_KEY", "short");
    let refused = stack.start_again().await.unwrap_err().to_string();
    let [_, first, ..] = Program::START_ORDER;
    let ended = format!("{} ended", first.name());
    assert!(
        refused.contains(&ended) && refused.contains("INTERNAL_SECRET_KEY"),
        "{refused}"
    );
    assert!(
        !refused.contains(stack.settings().get("JWT_SECRET_KEY").unwrap()),
        "secrets are not printed"
    );
}

#[tokio::test]
async fn services_may_swap_their_addresses() {
    let mut stack = LocalStack::start(Mode::Http).await.unwrap();
    let names = ["PAYMENT_SERVICE_URL", "CAMPAIGN_SERVICE_URL"];
    let [payment, campaign] = names.map(|name| stack.settings().get(name).unwrap().to_owned());
    stack.settings_mut().set(names[0], &campaign);
    stack.settings_mut().set(names[1], &payment);
    stack.start_again().await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = client
        .get(format!("{campaign}/ready"))
        .send()
        .await
        .unwrap();
    let body = ready.text().await.unwrap();
    assert!(body.contains("\"payment\""), "{body}");
}

#[tokio::test]
async fn a_killed_service_comes_back_alone() {
    let stack = LocalStack::start(Mode::Http).await.unwrap();
    let before = pids(&stack);
    stack.kill(Program::Service(Service::Payment)).unwrap();
    stack.start_again().await.unwrap();
    let changed = pids(&stack)
        .iter()
        .zip(&before)
        .filter(|(now, before)| now != before)
        .count();
    assert_eq!(changed, 1);
}
