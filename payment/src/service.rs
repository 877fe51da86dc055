//! Payment's domain as the engine sees it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use messaging::{Context, Decision, Domain, FoldError, Recorded, Tables, WriteTx};
use schemas::{Body, Message, RequestPayoutV1, Service};
use sealing::{DataKeys, Details, PrivateKey};
use types::{FundsAccountId, Uuid};

use crate::domain::{self, Event, Method};
use crate::messages;
use crate::state::BatchState;
use crate::store::{payout_details, sealing_keys};

/// The domain with the key that its side tables are encrypted with.
#[derive(Clone)]
pub struct Payment {
    data_keys: Arc<DataKeys>,
}

impl Payment {
    /// A domain with these data keys.
    pub fn new(data_keys: Arc<DataKeys>) -> Self {
        Self { data_keys }
    }

    /// Opens what is sealed in these messages. What cannot be opened is left out, and its request refused.
    async fn open(
        &self,
        tx: &mut WriteTx,
        messages: &[&Message],
    ) -> Result<HashMap<Uuid, Details>, sqlx::Error> {
        let requests: Vec<(&Message, &RequestPayoutV1)> = messages
            .iter()
            .filter_map(|message| match &message.body {
                Body::RequestPayoutV1(request) => Some((*message, request)),
                _ => None,
            })
            .collect();
        if requests.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: BTreeSet<String> = requests
            .iter()
            .map(|(_, request)| request.key_id.clone())
            .collect();
        let stored = sealing_keys::load(tx.connection(), &Vec::from_iter(ids)).await?;
        let keys: HashMap<String, PrivateKey> = stored
            .into_iter()
            .filter_map(|key| {
                let private = self.data_keys.decrypt(key.data_key.as_deref(), &key.id, &key.private);
                if private.is_err() {
                    tracing::error!(key = key.id, "a sealing key cannot be decrypted: is PAYMENT_DATA_KEY another one than before?");
                }
                Some((key.id, PrivateKey::new(private.ok()?)))
            })
            .collect();
        let opened = requests.into_iter().filter_map(|(message, request)| {
            let key = keys.get(&request.key_id)?;
            let partner = &message.header.key;
            let details = sealing::open(key, &request.key_id, partner, &request.sealed_details);
            let details = details.ok()?;
            // As its standard writes it; what no payout can go to is refused when the request is read.
            let method = Method::parse(&request.method);
            let written = method.and_then(|method| details.checked(method).ok());
            Some((message.header.id, written.unwrap_or(details)))
        });
        Ok(opened.collect())
    }
}

impl Domain for Payment {
    const SERVICE: Service = Service::Payment;
    const TABLES: Tables = Tables {
        folds: &[
            "balances",
            "transfers",
            "payouts",
            "accounts",
            "bank_transfers",
            "billing",
            "waiting",
            "owed",
            "statements",
        ],
        sides: &[
            "aside.sealing_keys",
            "aside.payout_details",
            "aside.calls",
            "aside.payout_switch",
            "aside.payout_proposals",
            "aside.sealing_key_wish",
            "aside.rules",
        ],
        derived: &[],
        run_dependent: &[],
        seeds: &[],
        fold_version: 4,
    };

    type BatchState = BatchState;
    type Event = Event;

    async fn load(
        &self,
        tx: &mut WriteTx,
        messages: &[&Message],
    ) -> Result<BatchState, sqlx::Error> {
        let mut state = BatchState::load(tx, messages).await?;
        state.opened = self.open(tx, messages).await?;
        Ok(state)
    }

    fn subject_of(&self, message: &Message) -> Option<String> {
        messages::account_of(message).map(FundsAccountId::into_string)
    }

    fn handle(&self, state: &BatchState, message: &Message, context: &Context) -> Decision<Event> {
        let decided = match messages::read(message, state.opened.get(&message.header.id)) {
            Ok(messages::Read::Command(command)) => {
                let context = messages::context(context);
                domain::decide(&state.ledger, &command, &context)
            }
            Ok(messages::Read::Fact(fact)) => {
                let context = messages::context(context);
                Ok(domain::react(&state.ledger, &fact, &context))
            }
            Err(rejection) => Err(rejection),
        };
        let decided = decided.map(|event| {
            let more = domain::consequences(&state.ledger, &event, context.cause());
            std::iter::once(event).chain(more).collect::<Vec<_>>()
        });
        decided.into()
    }

    fn evolve(&self, state: &mut BatchState, event: &Recorded<Event>) -> Result<(), FoldError> {
        state
            .evolve(event)
            .map_err(|error| FoldError(error.to_string()))
    }

    /// Keeps the details of a payout that was granted, encrypted for it alone.
    fn side_data(
        &self,
        state: &mut BatchState,
        message: &Message,
        events: &[Event],
    ) -> Result<(), FoldError> {
        let Some(Event::PayoutRequested(requested)) = events.first() else {
            return Ok(());
        };
        let payout = &requested.subject;
        let Some(details) = state.opened.get(&message.header.id) else {
            return Ok(());
        };
        let data_key = self.data_keys.current();
        let encrypted = data_key
            .encrypt(payout.as_str(), &details.to_json())
            .map_err(|error| FoldError(format!("the payment details: {error}")))?;
        let header = &message.header;
        let parent = header.traceparent.as_deref();
        state.details.push(payout_details::Row {
            payout: payout.clone(),
            details: encrypted,
            data_key: data_key.id().to_vec(),
            correlation_id: header.correlation_id,
            traceparent: parent.map(|parent| {
                messaging::trace::continued(parent, schemas::Service::Payment, header.id)
            }),
        });
        Ok(())
    }

    async fn save(&self, tx: &mut WriteTx, state: BatchState) -> Result<(), sqlx::Error> {
        state.save(tx).await
    }
}
