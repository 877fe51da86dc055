//! Flows: bounded, fair, and what belongs together stays together.

use messaging::{BATCH_BYTES, BATCH_MESSAGES, FLOW_BYTES, FlowSender, Followers, Inbound, Queue};
use runtime::testing::message;
use schemas::{AcceptClaimV1, ApiKeyRevokedV1, Body, MAX_MESSAGE_BYTES, Message, Service, Topic};
use tokio::time::{Duration, Instant, timeout};
use types::BrandId;

use crate::bank::take_out;
use crate::lab::{COMMANDS, arrived, command};

pub fn messages(count: usize) -> Vec<Inbound> {
    (0..count)
        .map(|number| {
            arrived(
                COMMANDS,
                &command("p", &format!("pay{number}"), take_out(1, "paypal")),
            )
        })
        .collect()
}

/// How many messages each item of the next batch has.
fn sizes(queue: &Queue) -> Vec<usize> {
    let items = queue.fill().items;
    items.iter().map(|item| item.messages.len()).collect()
}

#[tokio::test]
async fn a_request_is_in_the_next_batch_however_many_sources_have_a_backlog() {
    let queue = Queue::of(Service::Payment);
    let backlogs: Vec<_> = (0..6).map(|_| queue.flow()).collect();
    let edge = queue.flow();
    let _waiting: Vec<_> = (0..6)
        .flat_map(|_| {
            backlogs
                .iter()
                .map(|flow| flow.offer(messages(500)).unwrap())
        })
        .collect();
    for _ in 0..5 {
        let _offered = edge.offer(messages(1)).unwrap();
        assert_eq!(sizes(&queue), [1, 500, 500]);
    }
}

#[tokio::test]
async fn sources_with_a_backlog_share_by_messages_not_by_entries() {
    let queue = Queue::of(Service::Payment);
    let (large, small) = (queue.flow(), queue.flow());
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(large.offer(messages(500)).unwrap());
        waiting.extend((0..40).map(|_| small.offer(messages(10)).unwrap()));
    }
    let (mut of_large, mut of_small) = (0, 0);
    for size in (0..4).flat_map(|_| sizes(&queue)) {
        *(if size == 500 {
            &mut of_large
        } else {
            &mut of_small
        }) += size;
    }
    assert!(of_large.abs_diff(of_small) <= 500, "{of_large} {of_small}");
}

#[tokio::test]
async fn a_source_that_was_idle_saves_nothing_up() {
    let queue = Queue::of(Service::Payment);
    let (busy, idle) = (queue.flow(), queue.flow());
    for _ in 0..20 {
        let _waiting = busy.offer(messages(500)).unwrap();
        assert_eq!(sizes(&queue), [500]);
    }
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(idle.offer(messages(500)).unwrap());
        waiting.push(busy.offer(messages(499)).unwrap());
    }
    for _ in 0..2 {
        let sizes = sizes(&queue);
        assert!(sizes.contains(&499), "both are served in turn: {sizes:?}");
    }
}

/// A fact that concerns the bff and tracking alone.
pub fn fact_of_others(sequence: i64) -> Message {
    let brand_id = "b".parse::<BrandId>().unwrap();
    let revoked = Body::ApiKeyRevokedV1(ApiKeyRevokedV1 { brand_id });
    message(Topic::CampaignEvents, "key", "key", revoked, Some(sequence))
}

fn passed_over(count: usize) -> Vec<Inbound> {
    (0..count)
        .map(|_| arrived(Topic::CampaignEvents, &fact_of_others(1)))
        .collect()
}

/// How many milliseconds after a batch the next one begins, for what comes right after it. On a machine that stood still in between, it
/// is tried again.
fn pace(queue: &Queue, flow: &FlowSender, message: impl Fn() -> Inbound) -> u128 {
    loop {
        let messages = vec![message()];
        let began = Instant::now();
        drop(queue.fill());
        let _waiting = flow.offer(messages).unwrap();
        let due = queue.due().unwrap();
        if began.elapsed() < Duration::from_millis(1) {
            return due.saturating_duration_since(began).as_millis();
        }
    }
}

#[tokio::test]
async fn what_concerns_nobody_here_waits_for_company_but_not_where_there_is_a_backlog() {
    let queue = Queue::of(Service::Payment);
    let (of_others, own) = (queue.pipelined_flow(Topic::CampaignEvents), queue.flow());
    let of_nobody = || passed_over(1).remove(0);
    assert!(queue.due().is_none());
    let _first = of_others.offer(passed_over(1)).unwrap();
    assert!(
        queue.due().unwrap() <= Instant::now(),
        "nothing came lately"
    );
    assert_eq!(pace(&queue, &of_others, of_nobody), 500);
    let (alone, _crowd) = (queue.due().unwrap(), of_others.offer(passed_over(100)));
    let sooner = alone.duration_since(queue.due().unwrap()).as_millis();
    assert_eq!(sooner, 400, "a hundred are together");
    assert_eq!(pace(&queue, &of_others, of_nobody), 500);
    assert!(own.waits_for_company());

    let before = queue.due().unwrap();
    let _concerns = own.offer(messages(1)).unwrap();
    assert!(queue.due().unwrap() < before, "a request came");
    assert!(!own.waits_for_company());
    assert_eq!(sizes(&queue), [1, 1], "in whose batch it goes");

    let _backlog = of_others.offer(passed_over(500)).unwrap();
    let _more = of_others.offer(passed_over(500)).unwrap();
    assert!(queue.due().unwrap() <= Instant::now(), "a batch's worth");

    assert_eq!(sizes(&queue), [500, 500]);
    let _waiting = of_others.offer(passed_over(1)).unwrap();
    let by_itself = timeout(Duration::from_secs(30), queue.ready()).await;
    by_itself.expect("it does not wait for ever");
    assert_eq!(sizes(&queue), [1]);
}

#[tokio::test]
async fn whoever_waits_for_an_answer_waits_for_as_many_as_came_lately_and_not_for_long() {
    let queue = Queue::of(Service::Payment);
    let own = queue.flow();
    let at_once = || queue.due().unwrap() <= Instant::now();
    for _ in 0..2 {
        let _alone = own.offer(messages(2)).unwrap();
        assert!(at_once(), "nobody else came lately");
        assert_eq!(sizes(&queue), [2]);
    }
    for _ in 0..3 {
        let _each = own.offer(messages(1)).unwrap();
    }
    assert_eq!(sizes(&queue), [1, 1, 1]);
    for _ in 0..20 {
        let began = Instant::now();
        let _first = own.offer(messages(1)).unwrap();
        let _second = own.offer(messages(1)).unwrap();
        let others = queue.pipelined_flow(Topic::CampaignEvents);
        let _of_others = others.offer(passed_over(5)).unwrap();
        let is_waited_for = !at_once();
        let stood_still = began.elapsed() >= Duration::from_millis(10);
        assert!(is_waited_for || stood_still, "a third came lately");
        let _third = own.offer(messages(1)).unwrap();
        assert!(at_once(), "all three are there again");
        assert_eq!(sizes(&queue).len(), 4);
    }
    let message = || messages(1).remove(0);
    assert_eq!(pace(&queue, &own, message), 10);
    drop(queue.fill());
    for _ in 0..16 {
        let _alone = own.offer(messages(1)).unwrap();
        assert_eq!(sizes(&queue), [1]);
    }
    let _alone = own.offer(messages(1)).unwrap();
    assert!(at_once(), "the others came no more");
}

#[tokio::test]
async fn facts_wait_for_company_while_nobody_waits_for_what_comes_of_them_and_commands_never_do() {
    let accept = || {
        let accept = Body::AcceptClaimV1(AcceptClaimV1 {});
        let command = message(Topic::TrackingCommands, "clm", "clm", accept, Some(1));
        arrived(Topic::TrackingCommands, &command)
    };
    let fact = || passed_over(1).remove(0);
    for (may_wait, expected) in [(true, 250), (false, 4)] {
        let queue = Queue::of(Service::Tracking).with_facts_waiting(may_wait);
        let flow = queue.pipelined_flow(Topic::TrackingCommands);
        assert_eq!(pace(&queue, &flow, fact), expected);
        let before = queue.due().unwrap();
        let hurry = flow.hurry();
        let in_a_hurry = queue.due().unwrap();
        assert!(if may_wait {
            in_a_hurry < before
        } else {
            in_a_hurry == before
        });
        assert_eq!(pace(&queue, &flow, fact), 4);
        drop(hurry);
        assert_eq!(pace(&queue, &flow, fact), expected);
        flow.hurry_for(Duration::from_hours(1));
        assert_eq!(pace(&queue, &flow, fact), 4);
        assert!(flow.is_waited_for());
        flow.hurry_for(Duration::ZERO);
        assert_eq!(pace(&queue, &flow, fact), expected);
        assert!(!flow.is_waited_for());
        assert_eq!(pace(&queue, &flow, accept), 4, "they come one by one");
        let _some = flow.offer(vec![accept(), accept()]).unwrap();
        assert_eq!(pace(&queue, &flow, accept), 20, "there is company");
    }
}

#[tokio::test]
async fn an_external_producers_commands_wait_for_some_company_and_where_there_is_some_not_for_long()
{
    let order = || orders(1).remove(0);
    let queue = Queue::of(Service::Tracking);
    let flow = queue.pipelined_flow(Topic::TrackingCommands);
    for _ in 0..2 {
        assert_eq!(pace(&queue, &flow, order), 100, "whoever came before");
        let _some = flow.offer(orders(8)).unwrap();
        let alone = queue.due().unwrap();
        let _tenth = flow.offer(vec![order()]).unwrap();
        let together = queue.due().unwrap();
        let sooner = alone.duration_since(together).as_millis();
        assert_eq!(sooner, 75, "ten are together");
    }
}

/// Encoded, one takes some more than a hundred kilobytes.
fn large_messages(count: usize) -> Vec<Inbound> {
    let body = || take_out(1, &"x".repeat(100_000));
    let large = |number| command("p", &format!("pay{number}"), body());
    (0..count)
        .map(|number| arrived(COMMANDS, &large(number)))
        .collect()
}

#[tokio::test]
async fn a_flow_is_bounded_by_bytes_too_and_lets_one_large_item_in() {
    let queue = Queue::of(Service::Payment);
    let flow = queue.flow();
    let mut waiting = Vec::new();
    while let Ok(answers) = flow.offer(large_messages(10)) {
        waiting.push(answers);
        assert!(waiting.len() * 1_000_000 <= FLOW_BYTES, "bounded");
    }
    assert!(flow.offer(messages(1)).is_ok(), "a small one still fits");
    let other = queue.flow();
    let more_than_a_flow = FLOW_BYTES / 100_000 + 1;
    assert!(other.offer(large_messages(more_than_a_flow)).is_ok());
    assert!(other.offer(messages(1)).is_err(), "but it fills the flow");
}

#[tokio::test]
async fn what_this_process_makes_counts_as_large_as_it_will_be() {
    let flow = Queue::of(Service::Payment).flow();
    let large = command("p", "pay", take_out(1, &"x".repeat(200_000)));
    let mut taken = 0;
    while let Ok(_waiting) = flow.offer(vec![Inbound::local(COMMANDS, large.clone(), None)]) {
        taken += 1;
        assert!(taken * 200_000 <= FLOW_BYTES, "bounded");
    }
}

#[tokio::test]
async fn what_is_too_long_to_be_written_takes_the_room_of_the_longest_message() {
    let flow = Queue::of(Service::Payment).flow();
    let too_long = command("p", "pay", take_out(1, &"x".repeat(MAX_MESSAGE_BYTES)));
    let mut taken = 0;
    while let Ok(_waiting) = flow.offer(vec![Inbound::local(COMMANDS, too_long.clone(), None)]) {
        taken += 1;
        assert!(taken * MAX_MESSAGE_BYTES <= FLOW_BYTES, "bounded");
    }
}

#[tokio::test]
async fn a_batch_is_bounded_by_bytes() {
    let queue = Queue::of(Service::Payment);
    let flow = queue.flow();
    let _waiting: Vec<_> = (0..7)
        .map(|_| flow.offer(large_messages(10)).unwrap())
        .collect();
    let entries = sizes(&queue).len();
    assert!(
        (entries - 1) * 1_000_000 < BATCH_BYTES && entries < 7,
        "{entries}"
    );
}

#[tokio::test]
async fn a_full_flow_refuses_and_leaves_the_others_open() {
    let queue = Queue::of(Service::Payment);
    let (full, other) = (queue.flow(), queue.flow());
    let mut waiting = Vec::new();
    while let Ok(answers) = full.offer(messages(500)) {
        waiting.push(answers);
        assert!(waiting.len() <= 16, "a flow is bounded");
    }
    assert!(other.offer(messages(1)).is_ok());
    // Room comes back when a batch is done, not when it is taken.
    let batch = queue.fill();
    assert!(full.offer(messages(500)).is_err());
    drop(batch);
    assert!(full.offer(messages(500)).is_ok());
}

#[tokio::test]
async fn an_entry_is_never_cut() {
    let queue = Queue::of(Service::Payment);
    let flow = queue.flow();
    let _waiting: Vec<_> = [700, 700, 5]
        .map(|size| flow.offer(messages(size)).unwrap())
        .into();
    for expected in [&[700, 700][..], &[5]] {
        let sizes: Vec<usize> = queue
            .fill()
            .items
            .iter()
            .map(|item| item.messages.len())
            .collect();
        assert_eq!(sizes, expected);
    }
}

/// Commands that an external producer sends by the broker.
fn orders(count: usize) -> Vec<Inbound> {
    let order = || {
        let accept = Body::AcceptClaimV1(AcceptClaimV1 {});
        message(Topic::TrackingCommands, "clm", "clm", accept, None)
    };
    (0..count)
        .map(|_| arrived(Topic::TrackingCommands, &order()))
        .collect()
}

#[tokio::test]
async fn a_backlog_of_commands_goes_in_pieces_that_wait_for_followers_and_all_else_goes_on() {
    // On a machine that stood still in between, it is tried again.
    loop {
        let queue = Queue::of(Service::Tracking);
        let backlog = queue.pipelined_flow(Topic::TrackingCommands);
        let another_partition = queue.pipelined_flow(Topic::TrackingCommands);
        let facts = queue.pipelined_flow(Topic::CampaignEvents);
        let requests = queue.flow();
        let at_once = || queue.due().unwrap() <= Instant::now();
        let (entry, few, of_others) = (orders(1_200), orders(2), passed_over(1_000));
        let _entry = backlog.send_entry(entry).await.unwrap();
        assert!(at_once());
        let began = Instant::now();
        let piece = sizes(&queue);
        let rests = !at_once();
        let _few = another_partition.offer(few).unwrap();
        let _facts = facts.offer(of_others).unwrap();
        let _request = requests.offer(messages(1)).unwrap();
        let meanwhile = sizes(&queue);
        queue.looked_at_followers(Followers::KeepUp);
        let goes_on = at_once();
        let larger = sizes(&queue);
        queue.looked_at_followers(Followers::Behind);
        let rests_again = !at_once();
        let longest = Instant::now() + Duration::from_millis(500);
        assert!(queue.due().unwrap() <= longest, "it does not rest for long");
        let rested = timeout(Duration::from_secs(30), queue.ready()).await;
        if began.elapsed() > Duration::from_millis(900) {
            continue;
        }
        assert_eq!(piece, [100]);
        assert!(rests, "until the next look");
        assert_eq!(meanwhile, [1, 2, 1_000]);
        assert!(goes_on, "nobody is behind");
        assert_eq!(larger, [100, 100], "of 125 and a whole item");
        assert!(rests_again, "somebody is behind");
        rested.expect("it rests, and does not stop");
        assert_eq!(sizes(&queue), [100], "again");
        break;
    }
}

#[tokio::test]
async fn pieces_of_a_backlog_grow_to_whole_batches_that_wait_for_nobody() {
    let queue = Queue::of(Service::Tracking);
    let backlog = queue.pipelined_flow(Topic::TrackingCommands);
    let mut largest = 0;
    for _ in 0..60 {
        let _entry = backlog.send_entry(orders(1_000)).await.unwrap();
        loop {
            let taken: usize = sizes(&queue).iter().sum();
            if taken == 0 {
                break;
            }
            largest = taken.max(largest);
            queue.looked_at_followers(Followers::KeepUp);
        }
    }
    assert_eq!(largest, BATCH_MESSAGES);
    for _ in 0..2 {
        let _entry = backlog.send_entry(orders(1_000)).await.unwrap();
        assert!(queue.due().unwrap() <= Instant::now(), "without a look");
        assert_eq!(sizes(&queue).iter().sum::<usize>(), BATCH_MESSAGES);
    }
}

#[tokio::test]
async fn a_backlog_goes_in_full_batches_where_nobody_waits_for_what_comes_of_it() {
    let queue = Queue::of(Service::Tracking);
    let backlog = queue.pipelined_flow(Topic::TrackingCommands);
    let _entry = backlog.send_entry(orders(1_200)).await.unwrap();
    assert_eq!(sizes(&queue), [100]);
    queue.looked_at_followers(Followers::MayLag);
    assert!(queue.due().unwrap() <= Instant::now());
    assert_eq!(sizes(&queue), [100; 10]);
}

#[tokio::test]
async fn a_backlog_that_rested_has_saved_nothing_up() {
    let queue = Queue::of(Service::Tracking);
    let backlog = queue.pipelined_flow(Topic::TrackingCommands);
    let (facts, requests) = (queue.flow(), queue.flow());
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(backlog.send_entry(orders(100)).await.unwrap());
    }
    assert_eq!(sizes(&queue), [100]);
    for _ in 0..20 {
        let _facts = facts.offer(passed_over(1_000)).unwrap();
        let taken = sizes(&queue);
        assert_eq!(taken.last(), Some(&1_000), "while it rests: {taken:?}");
    }
    queue.looked_at_followers(Followers::MayLag);
    let _request = requests.offer(messages(1)).unwrap();
    let taken = sizes(&queue);
    assert!(taken.contains(&1), "before all of the backlog: {taken:?}");
}

#[tokio::test]
async fn an_entry_of_facts_stays_whole() {
    let queue = Queue::of(Service::Tracking);
    let facts = queue.pipelined_flow(Topic::CampaignEvents);
    let _entry = facts.send_entry(passed_over(600)).await.unwrap();
    assert_eq!(sizes(&queue), [600]);
}

#[tokio::test]
async fn followers_are_looked_at_while_there_is_a_backlog_of_commands_and_of_nothing_else() {
    let queue = Queue::of(Service::Tracking);
    let commands = queue.pipelined_flow(Topic::TrackingCommands);
    let facts = queue.pipelined_flow(Topic::CampaignEvents);
    let is_backlog = async || timeout(Duration::ZERO, queue.backlog()).await.is_ok();
    let _facts = facts.offer(passed_over(900)).unwrap();
    let _some = commands.offer(orders(50)).unwrap();
    assert_eq!(sizes(&queue), [50, 900]);
    assert!(!is_backlog().await);
    let _many = commands.offer(orders(500)).unwrap();
    assert_eq!(sizes(&queue), [500]);
    assert!(is_backlog().await && is_backlog().await, "it rests");
    queue.looked_at_followers(Followers::Behind);
    assert!(is_backlog().await, "still");
    queue.looked_at_followers(Followers::KeepUp);
    let _of_the_batch = is_backlog().await;
    assert!(!is_backlog().await, "nothing waits");
}

#[tokio::test]
async fn who_waits_when_the_process_stops_hears_so_at_once_and_so_does_who_comes_later() {
    let queue = Queue::of(Service::Payment);
    let flow = queue.flow();
    let waiting = flow.offer(messages(1)).unwrap();
    queue.close();
    assert!(waiting.await.is_err());
    assert!(flow.offer(messages(1)).is_err());
    let later = flow.send(messages(1)).await.unwrap();
    assert!(later.await.is_err());
}
