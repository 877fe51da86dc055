//! A follower that misses a message asks its source to send again: what the source does, and what it leaves to operators.

use std::collections::BTreeMap;
use std::path::PathBuf;

use messaging::transport::Peers;
use messaging::transport::http::InternalKey;
use messaging::transport::resend::{ResendAnswer, router};
use messaging::{StreamId, Tasks, Watermark};
use operations::audit;
use schemas::{Service, Topic};
use secrecy::SecretString;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::archives::{archive_all, drop_below, long_log, verify_all};
use crate::http_transport::listen;
use crate::lab::{FACTS, Lab};
use crate::restores::fact;
use crate::streams::{self, request};

/// The log of these tests, whoever it is that writes it.
const SOURCE: Service = Service::Payment;

/// A source whose relay has shipped its whole log of so many facts, and a follower's way to it.
struct Scene {
    lab: Lab,
    archive: PathBuf,
    tasks: Tasks,
    peers: Peers,
}

impl Scene {
    async fn new(facts: i64) -> Self {
        Self::of(long_log(facts).await).await
    }

    async fn of((lab, archive): (Lab, PathBuf)) -> Self {
        sqlx::query(
            "INSERT INTO pipeline.relay_cursor (topic, partition, position, relay_epoch)
             SELECT $1, 0, position, 1 FROM pipeline.log_head",
        )
        .bind(FACTS.name())
        .execute(&lab.pool)
        .await
        .unwrap();
        let secret = "a key between services, of more than 32 bytes";
        let key = InternalKey::new(SecretString::from(secret));
        let (pool, writer) = (lab.pool.clone(), lab.writer.clone());
        let app = router(pool, writer, key.clone(), vec![FACTS]);
        let tasks = Tasks::new(CancellationToken::new());
        let url = listen(app, &tasks).await;
        let peers = Peers {
            client: reqwest::Client::new(),
            key,
            me: Service::Bff,
            urls: BTreeMap::from([(SOURCE.name(), url)]),
        };
        Self {
            lab,
            archive,
            tasks,
            peers,
        }
    }

    /// A follower that handled up to a sequence says so.
    async fn ask(&self, sequence: i64) -> ResendAnswer {
        let time = stated(&self.lab.pool, sequence).await;
        self.ask_as(&stream(FACTS, 1), Watermark { sequence, time })
            .await
    }

    async fn ask_as(&self, stream: &StreamId, at: Watermark) -> ResendAnswer {
        self.peers.ask_to_resend(stream, at).await
    }

    async fn assert_refused(&self, stream: &StreamId, at: Watermark, why: &str) {
        let answered = self.ask_as(stream, at).await;
        let refused =
            matches!(&answered, ResendAnswer::Refused(reported) if reported.contains(why));
        assert!(refused, "{why}: {answered:?}");
        assert_eq!(self.resends().await, 0);
    }

    /// How often the relay was set back.
    async fn resends(&self) -> usize {
        let filter = audit::Filter {
            action: Some("relay.resend".to_owned()),
            ..audit::Filter::default()
        };
        let acts = audit::list(&self.lab.pool, &filter, i64::MAX, 1_000).await;
        acts.unwrap().len()
    }

    async fn cursor(&self) -> i64 {
        sqlx::query_scalar("SELECT position FROM pipeline.relay_cursor")
            .fetch_one(&self.lab.pool)
            .await
            .unwrap()
    }

    async fn pass(&self, seconds: i64) {
        sqlx::query("UPDATE pipeline.log_head SET clock_offset = clock_offset + $1")
            .bind(seconds * 1_000_000)
            .execute(&self.lab.pool)
            .await
            .unwrap();
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
        // It is made with the first file.
        let _none = std::fs::remove_dir_all(&self.archive);
    }
}

fn stream(topic: Topic, epoch: i64) -> StreamId {
    StreamId {
        source: SOURCE.name().to_owned(),
        epoch,
        topic,
        partition: 0,
    }
}

/// When a message of the log was stated.
async fn stated(pool: &PgPool, sequence: i64) -> Option<i64> {
    sqlx::query_scalar("SELECT time FROM pipeline.message_log WHERE sequence = $1 AND topic = $2")
        .bind(sequence)
        .bind(FACTS.name())
        .fetch_optional(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_source_sends_again_what_a_follower_misses_from_where_it_stands() {
    let scene = Scene::new(80).await;
    assert_eq!(scene.cursor().await, 80);
    assert_eq!(scene.ask(50).await, ResendAnswer::SentAgain);
    assert_eq!(scene.cursor().await, 50);
    assert_eq!(scene.resends().await, 1);
    scene.pass(60).await;
    assert_eq!(
        scene.ask(0).await,
        ResendAnswer::SentAgain,
        "it has nothing"
    );
    assert_eq!(scene.cursor().await, 0);
}

#[tokio::test]
async fn a_source_whose_logs_time_stands_still_sends_again_as_often_as_others() {
    let scene = Scene::new(80).await;
    scene.lab.end_ahead_of_the_clock(3_600).await;
    assert_eq!(scene.ask(50).await, ResendAnswer::SentAgain);
    assert_ne!(scene.ask(0).await, ResendAnswer::SentAgain, "at once");
    scene.pass(60).await;
    assert_eq!(scene.ask(0).await, ResendAnswer::SentAgain);
    assert_eq!(scene.resends().await, 2);
}

#[tokio::test]
async fn an_untrusted_follower_cannot_make_a_source_send_again_in_a_loop() {
    let scene = Scene::new(80).await;
    let answers = futures::future::join_all((0..100).map(|at| scene.ask(at % 80))).await;
    let sent = answers.iter().filter(|it| **it == ResendAnswer::SentAgain);
    assert_eq!(sent.count(), 1);
    assert_eq!(scene.resends().await, 1);
    // Patience does not help either.
    for round in 0..50 {
        scene.pass(30).await;
        scene.ask(round).await;
    }
    assert_eq!(scene.resends().await, 6, "in 25 minutes");
}

#[tokio::test]
async fn what_may_be_a_restore_or_is_no_place_is_not_sent_again() {
    let scene = Scene::new(80).await;
    let at = |sequence, time| Watermark { sequence, time };
    let (here, time) = (stream(FACTS, 1), stated(&scene.lab.pool, 50).await);
    let other = time.map(|time| time + 1);
    scene
        .assert_refused(&here, at(50, other), "as it was handled here")
        .await;
    scene
        .assert_refused(&here, at(50, None), "as it was handled here")
        .await;
    scene
        .assert_refused(&here, at(80, None), "no message behind 80")
        .await;
    scene
        .assert_refused(&here, at(900, time), "no message behind 80")
        .await;
    let raised = stream(FACTS, 2);
    scene
        .assert_refused(&raised, at(0, None), "under epoch 1")
        .await;
    let elsewhere = StreamId {
        partition: 4,
        ..stream(FACTS, 1)
    };
    let answered = scene.ask_as(&elsewhere, at(0, None)).await;
    assert!(matches!(answered, ResendAnswer::Later(_)), "{answered:?}");
    let unfollowed = stream(Topic::TrackingCommands, 1);
    let answered = scene.ask_as(&unfollowed, at(0, None)).await;
    assert!(matches!(answered, ResendAnswer::Later(_)), "{answered:?}");
    let answered = scene.ask_as(&here, at(i64::MIN, None)).await;
    assert!(matches!(answered, ResendAnswer::Later(_)), "{answered:?}");
    assert_eq!(scene.cursor().await, 80);
}

#[tokio::test]
async fn what_is_too_much_to_send_again_unasked_is_left_to_operators() {
    let scene = Scene::new(80).await;
    sqlx::query("UPDATE pipeline.stream_head SET sequence = 1000000")
        .execute(&scene.lab.pool)
        .await
        .unwrap();
    let at = Watermark {
        sequence: 50,
        time: stated(&scene.lab.pool, 50).await,
    };
    let why = "does not send 999950 messages again";
    scene.assert_refused(&stream(FACTS, 1), at, why).await;
}

#[tokio::test]
async fn what_stands_in_the_archive_alone_is_left_to_operators() {
    let (lab, archive) = long_log(450).await;
    let time = stated(&lab.pool, 50).await;
    archive_all(&lab).await;
    verify_all(&lab).await;
    drop_below(&lab, 300).await.unwrap();
    let scene = Scene::of((lab, archive)).await;
    let at = Watermark { sequence: 50, time };
    scene
        .assert_refused(&stream(FACTS, 1), at, "in its archive alone")
        .await;
    assert_eq!(scene.ask(400).await, ResendAnswer::SentAgain);
}

/// At the end of a quiet stream what was handled left the table long ago, and what was lost is the newest there is.
#[tokio::test]
async fn what_a_quiet_stream_misses_is_sent_again_also_behind_what_is_archived() {
    // Nothing, something in the files, and the last message of the files.
    for handled in [0, 50, 299] {
        let (lab, archive) = long_log(handled).await;
        let (pool, writer) = (&lab.pool, &lab.writer);
        let quiet = usize::try_from(399 - handled).unwrap();
        streams::append(pool, writer, quiet, request).await;
        streams::append(pool, writer, 1, fact).await;
        streams::append(pool, writer, 50, request).await;
        let time = stated(pool, handled).await;
        archive_all(&lab).await;
        verify_all(&lab).await;
        assert_eq!(drop_below(&lab, 300).await.unwrap(), 299);
        let scene = Scene::of((lab, archive)).await;
        let here = stream(FACTS, 1);
        let at = |time| Watermark {
            sequence: handled,
            time,
        };
        if let Some(time) = time {
            let why = "as it was handled here";
            scene.assert_refused(&here, at(Some(time + 1)), why).await;
        }
        let answered = scene.ask_as(&here, at(time)).await;
        assert_eq!(answered, ResendAnswer::SentAgain, "behind {handled}");
        assert_eq!(scene.cursor().await, 399);
    }
}
