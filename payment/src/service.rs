//! Payment's domain as the road sees it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use money::Uuid;
use pipeline::{Context, Domain, Emit, Recorded, Tables, Verdict, WriteTx};
use schemas::{Body, Message, RequestPayoutV1, Service};
use sealing::{DataKeys, Details, Method, PrivateKey};

use crate::domain::{self, Event};
use crate::messages;
use crate::store::sealing_keys;
use crate::world::World;

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
        folds: &["balances", "transfers", "payouts"],
        sides: &[
            "aside.sealing_keys",
            "aside.payout_details",
            "aside.calls",
            "aside.payout_switch",
            "aside.payout_proposals",
            "aside.sealing_key_wish",
        ],
        run_dependent: &[],
        seeds: &[],
        fold_version: 1,
    };

    type World = World;
    type Event = Event;

    async fn load(&self, tx: &mut WriteTx, messages: &[&Message]) -> Result<World, sqlx::Error> {
        let mut world = World::load(tx, messages).await?;
        world.opened = self.open(tx, messages).await?;
        Ok(world)
    }

    fn handle(&self, world: &World, message: &Message, context: &Context) -> Verdict<Event> {
        let decided = match messages::read(message, world.opened.get(&message.header.id)) {
            Ok(messages::Read::Command(command)) => {
                let context = messages::context(context);
                domain::decide(&world.books, &command, &context)
            }
            Ok(messages::Read::Fact(fact)) => {
                let context = messages::context(context);
                Ok(domain::react(&world.books, &fact, &context))
            }
            Err(rejection) => Err(rejection),
        };
        match decided {
            Ok(event) => Verdict::Events(vec![event]),
            Err(rejection) => Verdict::Rejected(messages::rejection(&rejection)),
        }
    }

    fn evolve(&self, world: &mut World, event: &Recorded<Event>) {
        world.evolve(event);
    }

    fn emit(&self, event: &Event) -> Emit {
        messages::emit(event)
    }

    fn own_event(&self, message: &Message) -> Option<Event> {
        messages::own_event(message)
    }

    /// Keeps the details of a payout that was granted, encrypted for it alone.
    fn aside(&self, world: &mut World, message: &Message, events: &[Event]) {
        let Some(Event::PayoutRequested { payout, .. }) = events.first() else {
            return;
        };
        let Some(details) = world.opened.get(&message.header.id) else {
            return;
        };
        let data_key = self.data_keys.current();
        match data_key.encrypt(payout.as_str(), &details.to_json()) {
            Ok(encrypted) => {
                world.details.payouts.push(payout.to_string());
                world.details.details.push(encrypted);
                world.details.data_keys.push(data_key.id().to_vec());
                let header = &message.header;
                world.details.correlation_ids.push(header.correlation_id);
                let parent = header.traceparent.as_deref();
                world.details.traceparents.push(parent.map(|parent| {
                    pipeline::trace::continued(parent, schemas::Service::Payment, header.id)
                }));
            }
            Err(error) => tracing::error!(%payout, %error, "the payment details are lost"),
        }
    }

    async fn save(&self, tx: &mut WriteTx, world: World) -> Result<(), sqlx::Error> {
        world.save(tx).await
    }
}
