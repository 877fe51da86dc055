//! Two processes of each service: the death of either, and the restart of each in turn, under traffic.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::time::Duration;

use devstack::local::LocalStack;
use devstack::services::{Program, Replica};
use devstack::settings::Mode;
use schemas::Service;
use tokio::time::Instant;

use crate::traffic::Shop;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_death_of_either_process_of_a_service_stops_nothing_and_loses_nothing() {
    let stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    stack.load_demo().await.unwrap();
    let mut seconds: Vec<Replica> = Vec::new();
    for service in Service::ALL {
        seconds.push(stack.start_replica(service).await.unwrap());
    }
    let bffs = vec![
        stack.url(Service::Bff).unwrap().to_owned(),
        seconds[0].url.clone(),
    ];
    let background = Shop::new(&stack, "background", bffs.clone()).open();
    let shop = Shop::new(&stack, "probe", bffs);
    let mut probes = vec![shop.buy().await];
    shop.wait_for(&probes).await;

    let mut slowest = Duration::ZERO;
    for (service, second) in Service::ALL.into_iter().zip(&mut seconds) {
        stack.kill(Program::Service(service)).unwrap();
        let took = recovered(&shop, &mut probes).await;
        println!("first process of {service} killed: a purchase was through after {took:?}");
        slowest = slowest.max(took);
        stack.start_again().await.unwrap();

        assert!(second.process.is_alive(), "nothing changed for {service}");
        second.process.kill();
        let took = recovered(&shop, &mut probes).await;
        println!("second process of {service} killed: a purchase was through after {took:?}");
        slowest = slowest.max(took);
        let again = stack.start_replica(service).await.unwrap();
        *second = again;
    }
    println!("the slowest of all: {slowest:?}");
    let taken = background.close().await;
    println!("{} purchases meanwhile", taken.len());
    shop.wait_for(&taken).await;
    shop.assert_once(&taken).await;
    shop.assert_once(&probes).await;
}

/// How long until a purchase that is made now is in the ledger.
async fn recovered(shop: &Shop, probes: &mut Vec<uuid::Uuid>) -> Duration {
    let begun = Instant::now();
    let probe = shop.buy().await;
    probes.push(probe);
    shop.wait_for(&[probe]).await;
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_loses_nothing() {
    let stack = LocalStack::start(Mode::Hybrid).await.unwrap();
    stack.load_demo().await.unwrap();
    let second = stack.start_replica(Service::Bff).await.unwrap();
    let bffs = vec![
        stack.url(Service::Bff).unwrap().to_owned(),
        second.url.clone(),
    ];
    let shop = Shop::new(&stack, "rolling", bffs);
    let open = shop.open();
    for service in Service::ALL {
        let mut beside = match service {
            Service::Bff => None,
            other => Some(stack.start_replica(other).await.unwrap()),
        };
        assert!(Program::Service(service).stop(stack.layout()));
        stack.start_again().await.unwrap();
        if let Some(beside) = &mut beside {
            beside.stop();
        }
    }
    let taken = open.close().await;
    println!("{} purchases during the restarts", taken.len());
    shop.wait_for(&taken).await;
    shop.assert_once(&taken).await;
}
