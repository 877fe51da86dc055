//! A way to the broker on which answers are lost.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{SinkExt, StreamExt};
use messaging::transport::pulsar::BrokerSettings;
use pulsar::SubType;
use pulsar::message::Codec;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::Framed;

use crate::lab::{Follower, Sender, fresh};

/// A way there on which the broker's answers to the first so many openings of followers are lost, and nothing else.
struct Losing {
    settings: BrokerSettings,
    /// How many openings were requested.
    openings: Arc<AtomicUsize>,
}

impl Losing {
    async fn start(settings: &BrokerSettings, answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service_url = format!("pulsar://{}", listener.local_addr().unwrap());
        let broker = settings.service_url.strip_prefix("pulsar://").unwrap();
        let (broker, url) = (broker.to_owned(), service_url.clone());
        let openings = Arc::new(AtomicUsize::new(0));
        let all = Arc::clone(&openings);
        #[allow(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(&broker).await.unwrap();
                tokio::spawn(pass(near, far, url.clone(), Arc::clone(&all), answers));
            }
        });
        let settings = BrokerSettings {
            service_url,
            ..settings.clone()
        };
        Self { settings, openings }
    }
}

/// Passes on what comes, but the answers to the first so many openings of all. What is looked up is at `url`, too.
async fn pass(near: TcpStream, far: TcpStream, url: String, all: Arc<AtomicUsize>, lost: usize) {
    let (mut near, mut far) = (Framed::new(near, Codec), Framed::new(far, Codec));
    let mut unanswered = HashSet::new();
    loop {
        tokio::select! {
            message = near.next() => {
                let Some(Ok(message)) = message else { return };
                let opening = message.command.subscribe.as_ref();
                let opening = opening.filter(|it| it.sub_type == SubType::Failover as i32);
                if let Some(opening) = opening && all.fetch_add(1, Ordering::SeqCst) < lost {
                    unanswered.insert(opening.request_id);
                }
                far.send(message).await.unwrap();
            }
            message = far.next() => {
                let Some(Ok(mut message)) = message else { return };
                if let Some(found) = &mut message.command.lookup_topic_response {
                    found.broker_service_url = Some(url.clone());
                }
                let answered = message.command.success.as_ref().map(|it| it.request_id);
                let is_lost = answered.is_some_and(|it| unanswered.remove(&it));
                if !is_lost && near.send(message).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// How often two followers of which the first opening was not answered request one until both are fed.
async fn openings_until_fed() -> usize {
    let settings = fresh(2).await;
    let sender = Sender::start(&settings, 2).await;
    sender.emit(20).await;
    let way = Losing::start(&settings, 2).await;
    let follower = Follower::start(&way.settings, 2).await;
    follower.wait_for(20).await;
    follower.kill();
    way.openings.load(Ordering::SeqCst)
}

#[tokio::test]
async fn followers_of_which_no_opening_was_answered_are_fed_as_soon_as_one_is() {
    // Where what nobody answered for stays at the broker, each is opened a third time. Else only on a machine that is slow just then.
    for _ in 0..3 {
        if openings_until_fed().await < 6 {
            return;
        }
    }
    panic!("they are opened anew before they are fed");
}
