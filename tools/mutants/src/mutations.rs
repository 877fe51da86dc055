//! What stands in the services' sources, and what stands there in the copy.

/// A text of a source, which stands there once, and what the copy has in its place.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// From the clone's root.
    pub file: &'static str,
    /// As it stands.
    pub from: &'static str,
    /// As the copy has it.
    pub to: &'static str,
}

/// The manifests of the crates that are changed, each with the way to the crate that is asked.
pub(crate) const USERS: &[(&str, &str)] = &[
    ("crates/messaging/Cargo.toml", "../../tools/mutants/fault"),
    ("commission/Cargo.toml", "../tools/mutants/fault"),
    ("payment/Cargo.toml", "../tools/mutants/fault"),
    ("tracking/Cargo.toml", "../tools/mutants/fault"),
    ("bff/Cargo.toml", "../tools/mutants/fault"),
];

/// Every change. Some bring along what makes a fault show: a delay between two steps that it exchanges, or failures, so that
/// something goes to the retry queue.
pub const MUTATIONS: &[Mutation] = &[
    Mutation {
        file: "commission/src/domain/decide.rs",
        from: "base.share(rate).map_err(|_| Suspense::OutOfRange)",
        to: r#"if fault::is("float-in-amount") {
            Ok(Money::new(fault::through_float(base.minor, rate.get().into()), base.currency))
        } else {
            base.share(rate).map_err(|_| Suspense::OutOfRange)
        }"#,
    },
    Mutation {
        file: "commission/src/domain/decide.rs",
        from: "        refund.refunded_total.minor,
        refund.purchase_amount.minor,
        commission.reversed.minor,
",
        to: r#"        if fault::is("refund-rounded-per-part") { refund.amount.minor } else { refund.refunded_total.minor },
        refund.purchase_amount.minor,
        if fault::is("refund-rounded-per-part") { 0 } else { commission.reversed.minor },
"#,
    },
    Mutation {
        file: "crates/messaging/src/engine.rs",
        from: "        let count = messages.len();
        let mut answers = if suspicious {
",
        to: r#"        let count = messages.len();
        if fault::is("ack-before-commit") {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let mut answers = if suspicious {
"#,
    },
    Mutation {
        file: "crates/messaging/src/relay.rs",
        from: "            match transport.ship(&entry).await? {
",
        to: r#"            if fault::is("cursor-before-acknowledgement") && start == Start::Cursor {
                save_cursor(&source.pool, topic, partition, last, relay_epoch).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let shipped = transport.ship(&entry).await;
            if shipped.is_err() && fault::is("relay-goes-on-after-error") {
                (at, rows) = (last, rest);
                continue;
            }
            match shipped? {
"#,
    },
    Mutation {
        file: "crates/messaging/src/attempt/park.rs",
        from: "        tx.park(row);
",
        to: r#"        if !fault::is("retry-row-forgotten") {
            tx.park(row);
        }
"#,
    },
    Mutation {
        file: "crates/messaging/src/attempt/mod.rs",
        from: "        let context = Context {
            now: tx.now(),
            header: &message.header,
        };
",
        to: r#"        let parks = fault::now_and_then("retry-row-forgotten", 20)
            || fault::now_and_then("successor-passes-failed", 8);
        if parks && !inbound.is_from_retry_queue() {
            let reason = "a fault is injected".to_owned();
            return Err(Failure::Suspect { index, reason });
        }
        let context = Context {
            now: tx.now(),
            header: &message.header,
        };
"#,
    },
    Mutation {
        file: "crates/messaging/src/attempt/mod.rs",
        from: "                    causation_id: Some(message.header.id),
",
        to: r#"                    causation_id: (!fault::is("event-without-cause")).then_some(message.header.id),
"#,
    },
    Mutation {
        file: "crates/messaging/src/attempt/mod.rs",
        from: "        let mut tx = self.begin(messages).await?;
        let (answers, retry_queue_changed) = self.handle_all(&mut tx, messages).await?;
",
        to: r#"        let early = if fault::is("lock-taken-last") {
            // As it must not be: the states as they are before the writer lock is held.
            let lock = crate::tx::Lock::Rebuild;
            let writer = crate::tx::Writer { lock, ..self.engine.writer.clone() };
            let mut tx = WriteTx::begin(&self.engine.pool, &writer, Lookups::default()).await?;
            let known: Vec<&Message> = messages.iter().filter_map(|m| m.message()).collect();
            let loaded = self.engine.domain.load(&mut tx, &known).await?;
            drop(tx);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            Some(loaded)
        } else {
            None
        };
        let mut tx = self.begin(messages).await?;
        let (answers, retry_queue_changed) = self.handle_all(&mut tx, messages, early).await?;
"#,
    },
    Mutation {
        file: "crates/messaging/src/attempt/mod.rs",
        from: "        messages: &[&Inbound],
    ) -> Result<(Vec<Answer>, bool), Failure> {
",
        to: "        messages: &[&Inbound],
        early: Option<Box<dyn DynBatch + '_>>,
    ) -> Result<(Vec<Answer>, bool), Failure> {
",
    },
    Mutation {
        file: "crates/messaging/src/attempt/mod.rs",
        from: "        let mut batch = if to_handle.is_empty() {
            None
        } else {
",
        to: "        let mut batch = if to_handle.is_empty() {
            None
        } else if early.is_some() {
            early
        } else {
",
    },
    Mutation {
        file: "crates/messaging/src/dry_run.rs",
        from: "attempt.handle_all(&mut tx, &[inbound]).await",
        to: "attempt.handle_all(&mut tx, &[inbound], None).await",
    },
    Mutation {
        file: "crates/messaging/src/attempt/mod.rs",
        from: "                    let waits = blocked.blocks(inbound);
",
        to: r#"                    let waits = blocked.blocks(inbound) && !fault::is("successor-passes-failed");
"#,
    },
    Mutation {
        file: "crates/messaging/src/attempt/plan.rs",
        from: "    let seen = tx.handled.contains_key(&inbound.id);
    let twin = !twins.insert(inbound.id);
",
        to: r#"    let seen = tx.handled.contains_key(&inbound.id) && !fault::is("inbox-skipped");
    let twin = !twins.insert(inbound.id) && !fault::is("twin-in-batch");
"#,
    },
    Mutation {
        file: "crates/messaging/src/attempt/plan.rs",
        from: "    if *sequence < expected {
",
        to: r#"    if *sequence < expected {
        if fault::is("watermark-ignored") {
            return None;
        }
"#,
    },
    Mutation {
        file: "crates/messaging/src/tx.rs",
        from: "        ids::event_id(self.writer.service.name(), self.epoch, cause, ordinal)
",
        to: r#"        if fault::is("id-from-chance") {
            return Uuid::now_v7();
        }
        ids::event_id(self.writer.service.name(), self.epoch, cause, ordinal)
"#,
    },
    Mutation {
        file: "crates/messaging/src/tx.rs",
        from: "        self.inbox.push(mark);
",
        to: r#"        if fault::is("twin-in-batch") {
            self.inbox.retain(|earlier| earlier.id != mark.id);
        }
        self.inbox.push(mark);
"#,
    },
    Mutation {
        file: "crates/messaging/src/transport/consumer.rs",
        from: "        entry.push(self.read(&message, bytes).await?);
",
        to: r#"        let inbound = self.read(&message, bytes.clone()).await?;
        if fault::is("twin-in-batch") && inbound.stream.is_none() {
            entry.push(self.read(&message, bytes).await?);
        }
        entry.push(inbound);
"#,
    },
    Mutation {
        file: "crates/messaging/src/transport/consumer.rs",
        from: "                        let messages = std::mem::take(&mut entry);
",
        to: r#"                        let mut messages = std::mem::take(&mut entry);
                        if fault::is("ack-inside-entry") && messages.len() > 1 {
                            // As it must not be: acknowledged when its first message is committed.
                            let rest = messages.split_off(1);
                            let first = Pending { end: handed_over.end.clone(), size: 1, brings_on: Vec::new() };
                            let answers = flow.send_entry(messages).await;
                            let answers = answers.map_err(|_| ConsumeError::Stopping)?.await.ok();
                            self.acknowledge(first, answers).await?;
                            self.send_acknowledgements().await?;
                            // So that a death falls in between; a process that lives on catches up.
                            if fault::is_young() {
                                tokio::time::sleep(Duration::from_secs(1)).await;
                            }
                            messages = rest;
                        }
                        if fault::is("ack-before-commit") {
                            let whole = Pending { end: handed_over.end.clone(), size: messages.len(), brings_on: Vec::new() };
                            self.acknowledge(whole, Some(Vec::new())).await?;
                            self.send_acknowledgements().await?;
                        }
"#,
    },
    Mutation {
        file: "payment/src/jobs/payouts/step/mod.rs",
        from: "        Next::Begin => Step::Begin,
",
        to: r#"        Next::Begin => {
            if fault::is("effect-before-intent") {
                submit_again(provider, payout, details).await;
            }
            Step::Begin
        }
"#,
    },
    Mutation {
        file: "payment/src/jobs/payouts/step/mod.rs",
        from: "        Ok(Submitted::Refused(reason)) => refused(provider, payout, reason, now()).await,
        Err(indeterminate) => unknown(indeterminate),
",
        to: r#"        Ok(Submitted::Refused(reason)) => refused(provider, payout, reason, now()).await,
        Err(indeterminate) => {
            if fault::is("second-submit-after-indeterminate") {
                submit_again(provider, payout, Some(details)).await;
            }
            unknown(indeterminate)
        }
"#,
    },
    Mutation {
        file: "payment/src/jobs/payouts/step/mod.rs",
        from: "fn responded(report: Report) -> Step {
",
        to: r"/// As it must not be: under a reference that no look-up will ask for.
async fn submit_again(provider: &impl PayoutProvider, payout: &Payout, details: Option<Details>) {
    let Some(details) = details else { return };
    let mut again = payout.clone();
    again.id = types::PayoutId::of_command(payout.last_event);
    let _ = provider.submit(&again, &details).await;
}

fn responded(report: Report) -> Step {
",
    },
    Mutation {
        file: "bff/src/projections/mod.rs",
        from: "        if !state.outcomes.is_empty() {
            outcomes::upsert",
        to: r#"        if !state.outcomes.is_empty() && !fault::now_and_then("projection-lost", 5) {
            outcomes::upsert"#,
    },
    Mutation {
        file: "tracking/src/store/clicks.rs",
        from: "        let mut connection = self.pool.acquire().await?;
        insert_by(&mut connection, clicks).await
",
        to: r#"        if fault::is("click-before-commit") {
            // As it must not be: the commit comes when the visitor is gone.
            let mut tx = messaging::begin(&self.pool, "BEGIN").await?;
            let ids = insert_by(&mut tx, clicks).await?;
            tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                tx.commit().await
            });
            return Ok(ids);
        }
        let mut connection = self.pool.acquire().await?;
        insert_by(&mut connection, clicks).await
"#,
    },
    Mutation {
        file: "tracking/src/messages/incoming.rs",
        from: "    Ok(Report {
        conversion,
",
        to: r#"    Ok(Report {
        conversion: if fault::is("order-without-brand") { named.conversion(None, header) } else { conversion },
"#,
    },
    Mutation {
        file: "tracking/src/domain/order.rs",
        from: "        let brand = brand.or(candidate.map(|click| &click.brand));
",
        to: r#"        let brand = brand.or(candidate.map(|click| &click.brand));
        let brand = brand.filter(|_| !fault::is("order-without-brand"));
"#,
    },
];
