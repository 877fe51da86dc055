//! What all services know of a request or an aggregate, put together: the messages of every log, what waits in retry queues, and who
//! did not answer. Each question is asked of all services at once, and nothing of it is on the way of a message.

pub(crate) mod explain;
pub(crate) mod order;
pub(crate) mod sentences;
pub(crate) mod visible;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use chassis::auth::Caller;
use chassis::http::{Holder, Place};
use chassis::problem::Problem;
use futures::future::join_all;
use messaging::related::{
    Followed, HandledCommand, InRetryQueue, MAX_MESSAGES, MAX_NAMED, Question, Related,
    RelatedMessage,
};
use runtime::Host;
use schemas::{Body, Entity, Service, Topic};
use tokio::sync::SemaphorePermit;
use uuid::Uuid;

use crate::turns::Turns;

/// So long a service has to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Questions of people that are looked into at once, and how long one waits for its turn.
const AT_ONCE: usize = 4;
const TURN_TIMEOUT: Duration = Duration::from_secs(1);

/// Asks all services.
#[derive(Clone)]
pub(crate) struct Everywhere {
    host: Host,
    turns: Turns,
}

/// A message, where it was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Whose log.
    pub(crate) service: Service,
    pub(crate) row: RelatedMessage,
    /// `None` where this build cannot read it.
    pub(crate) body: Option<Body>,
    /// It is about an aggregate that is looked for.
    pub(crate) is_wanted: bool,
}

impl Found {
    pub(crate) fn new(service: Service, row: RelatedMessage) -> Self {
        let body = body(&row);
        Self {
            service,
            row,
            body,
            is_wanted: false,
        }
    }

    /// Its id, and those under which it may have had its effect before its service was restored and decided it once more.
    pub(crate) fn ids(&self) -> Vec<Uuid> {
        let mut ids = messaging::ids_in_epochs(&explain::header(self));
        ids.push(self.row.id);
        ids
    }
}

/// A service whose part is not there.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    pub(crate) service: Service,
    /// Why, for people.
    pub(crate) reason: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// In causal order: all that services answered with. Whose they are is looked at before any is left out.
    pub(crate) messages: Vec<Found>,
    pub(crate) retry_queue: Vec<(Service, InRetryQueue)>,
    pub(crate) commands: HashMap<Uuid, (Service, HandledCommand)>,
    pub(crate) watermarks: HashMap<Service, Vec<Followed>>,
    pub(crate) missing: Vec<Missing>,
    /// Whose log has an archived part, and up to which position.
    pub(crate) archived: Vec<(Service, i64)>,
    /// There is more than was looked at.
    pub(crate) truncated: bool,
}

impl Everywhere {
    pub(crate) fn new(host: &Host) -> Self {
        Self {
            host: host.clone(),
            turns: Turns::new(host, AT_ONCE, TURN_TIMEOUT),
        }
    }

    /// All messages of these requests, and of all that had to do with these aggregates, which are of these sorts: an id alone does not
    /// say of what it is the id.
    pub(crate) async fn ask(
        &self,
        caller: &Caller,
        question: Question,
        sorts: &[Entity],
    ) -> Result<Gathered, Problem> {
        let _turn = self.turn(caller).await?;
        let mut gathered = Gathered::default();
        let services: Vec<Service> = emitting().collect();
        let mut requests: BTreeSet<Uuid> = question.correlation_ids.iter().copied().collect();
        let subjects = question.subjects.clone();
        self.add(&mut gathered, &services, question).await;
        if !subjects.is_empty() {
            gathered.keep(sorts);
            gathered.want(&subjects);
            let more = gathered.requests();
            let mut new: Vec<Uuid> = more.difference(&requests).copied().collect();
            gathered.truncated |= new.len() > MAX_NAMED;
            new.truncate(MAX_NAMED);
            if !new.is_empty() {
                requests.extend(&new);
                let question = Question {
                    correlation_ids: new,
                    ..Question::default()
                };
                self.add(&mut gathered, &services, question).await;
            }
        }
        order::sort(&mut gathered.messages);
        Ok(gathered)
    }

    /// What decided upon these conversions and claims, and what it came to in the ledger: few messages, whatever else their requests
    /// led to.
    pub(crate) async fn ask_of_money(
        &self,
        caller: &Caller,
        question: Question,
    ) -> Result<Gathered, Problem> {
        let _turn = self.turn(caller).await?;
        let mut gathered = Gathered::default();
        let deciding = [Service::Tracking, Service::Commission];
        self.add(&mut gathered, &deciding, question).await;
        gathered.keep(&[Entity::Conversion, Entity::Claim]);
        let mut commissions: Vec<Uuid> = gathered
            .messages
            .iter()
            .filter(|found| found.service == Service::Commission)
            .flat_map(Found::ids)
            .collect();
        commissions.sort_unstable();
        commissions.dedup();
        gathered.truncated |= commissions.len() > MAX_NAMED;
        commissions.truncate(MAX_NAMED);
        let mut requests: Vec<Uuid> = gathered.requests().into_iter().collect();
        gathered.truncated |= requests.len() > MAX_NAMED;
        requests.truncate(MAX_NAMED);
        let posted = Question {
            correlation_ids: requests,
            causation_ids: commissions,
            ..Question::default()
        };
        if !posted.correlation_ids.is_empty() && !posted.causation_ids.is_empty() {
            self.add(&mut gathered, &[Service::Payment], posted).await;
        }
        order::sort(&mut gathered.messages);
        Ok(gathered)
    }

    /// Adds what payment did for these requests, such as covering what waited for a brand's funds.
    pub(crate) async fn add_of_payment(
        &self,
        caller: &Caller,
        gathered: &mut Gathered,
        mut requests: Vec<Uuid>,
    ) -> Result<(), Problem> {
        let _turn = self.turn(caller).await?;
        gathered.truncated |= requests.len() > MAX_NAMED;
        requests.truncate(MAX_NAMED);
        let question = Question {
            correlation_ids: requests,
            ..Question::default()
        };
        self.add(gathered, &[Service::Payment], question).await;
        order::sort(&mut gathered.messages);
        Ok(())
    }

    async fn turn(&self, caller: &Caller) -> Result<(SemaphorePermit<'_>, Place), Problem> {
        let holders = Holder::of(caller);
        let place = self.turns.place(holders)?;
        Ok((self.turns.turn().await?, place))
    }

    async fn add(&self, gathered: &mut Gathered, services: &[Service], question: Question) {
        let question = &question;
        let answers = join_all(services.iter().map(|service| async move {
            let answer = self.answer(*service, question).await;
            (*service, answer)
        }));
        for (service, answer) in answers.await {
            match answer {
                Ok(related) => gathered.add(service, related),
                Err(reason) => gathered.miss(service, reason),
            }
        }
    }

    async fn answer(&self, service: Service, question: &Question) -> Result<Related, String> {
        if service != Service::Bff {
            return self.host.peers().related(service, question, PATIENCE).await;
        }
        let look =
            messaging::related::look(self.host.pool(), self.host.schema_ids(), question).await;
        look.map_err(|error| {
            tracing::warn!(%error, "what is known of a request cannot be read");
            "its log cannot be read now".to_owned()
        })
    }
}

/// The bff, and every service that states something.
fn emitting() -> impl Iterator<Item = Service> {
    let all = Service::ALL.into_iter();
    all.filter(|service| *service == Service::Bff || service.events_topic().is_some())
}

impl Gathered {
    fn add(&mut self, service: Service, related: Related) {
        let known: BTreeSet<(Service, i64)> = self
            .messages
            .iter()
            .map(|found| (found.service, found.row.position))
            .collect();
        let new = related.messages.into_iter();
        let new = new.filter(|row| !known.contains(&(service, row.position)));
        self.messages
            .extend(new.map(|row| Found::new(service, row)));
        for row in related.retry_queue {
            let known = |(of, it): &(Service, InRetryQueue)| {
                *of == service && it.source == row.source && it.message_id == row.message_id
            };
            if !self.retry_queue.iter().any(known) {
                self.retry_queue.push((service, row));
            }
        }
        let commands = related.commands.into_iter();
        self.commands
            .extend(commands.map(|command| (command.id, (service, command))));
        self.watermarks.insert(service, related.watermarks);
        if related.archived_to > 0 && !self.archived.iter().any(|(it, _)| *it == service) {
            self.archived.push((service, related.archived_to));
        }
        self.truncated |= related.truncated;
    }

    fn miss(&mut self, service: Service, reason: String) {
        if !self.lacks(service) {
            self.missing.push(Missing { service, reason });
        }
    }

    /// Whether a service did not answer.
    pub(crate) fn lacks(&self, service: Service) -> bool {
        self.missing
            .iter()
            .any(|missing| missing.service == service)
    }

    /// Leaves out what is about something else than these sorts of aggregates; refusals are about what their commands were.
    fn keep(&mut self, sorts: &[Entity]) {
        let is_kept = |kind: &str| {
            let sort = schemas::kind(kind).map(|kind| kind.subject);
            sort.is_none_or(|sort| sort == Entity::OfCommand || sorts.contains(&sort))
        };
        self.messages.retain(|found| is_kept(&found.row.kind));
        let kind = |row: &InRetryQueue| row.kind.as_deref().is_none_or(is_kept);
        self.retry_queue.retain(|(_, row)| kind(row));
    }

    fn requests(&self) -> BTreeSet<Uuid> {
        let logged = self.messages.iter().map(|found| found.row.correlation_id);
        let retried = self.retry_queue.iter();
        logged
            .chain(retried.filter_map(|(_, row)| row.correlation_id))
            .collect()
    }

    /// Notes what is about the aggregates that are looked for.
    fn want(&mut self, subjects: &[String]) {
        for found in &mut self.messages {
            found.is_wanted = subjects.contains(&found.row.subject);
        }
    }

    /// Leaves of what a viewer is shown, in its order, as much as an answer has, and says whether that is all. What is about the aggregates
    /// that are looked for is kept before what it led to, and that before the earliest of what else their requests led to.
    pub(crate) fn bound<T>(&self, shown: &mut Vec<(&Found, T)>) -> bool {
        if shown.len() <= MAX_MESSAGES {
            return true;
        }
        let mut causes: HashSet<Uuid> = HashSet::new();
        for found in &self.messages {
            let cause = found.row.causation_id;
            if found.is_wanted || cause.is_some_and(|cause| causes.contains(&cause)) {
                causes.insert(found.row.id);
            }
        }
        let mut places: Vec<usize> = (0..shown.len()).collect();
        places.sort_by_key(|place| {
            let found = shown[*place].0;
            (!found.is_wanted, !causes.contains(&found.row.id))
        });
        let kept: HashSet<usize> = places.into_iter().take(MAX_MESSAGES).collect();
        let mut places = 0..;
        shown.retain(|_| places.next().is_some_and(|place| kept.contains(&place)));
        false
    }
}

/// What a message says, as this build reads it.
fn body(row: &RelatedMessage) -> Option<Body> {
    let topic = Topic::parse(&row.topic)?;
    let kind = schemas::kind_on(topic, &row.kind)?;
    schemas::payload(kind, row.payload.as_ref()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(position: i64, subject: &str, cause: Option<i64>) -> RelatedMessage {
        let id = |of: i64| Uuid::from_u128(of.unsigned_abs().into());
        RelatedMessage {
            position,
            id: id(position),
            kind: "conversion.attributed.v1".to_owned(),
            topic: "tracking-events".to_owned(),
            published: true,
            partition: Some(0),
            epoch: Some(1),
            sequence: Some(position),
            key: subject.to_owned(),
            subject: subject.to_owned(),
            time: position,
            correlation_id: Uuid::nil(),
            causation_id: cause.map(id),
            outcome_of: None,
            actor: None,
            payload: None,
        }
    }

    /// What is found of a conversion, and then of its request, which led to so much else before: as services answer.
    fn of_a_long_request(others: i64) -> Gathered {
        let mut gathered = Gathered::default();
        let add = |gathered: &mut Gathered, service, messages| {
            let related = Related {
                messages,
                ..Related::default()
            };
            gathered.add(service, related);
        };
        let wanted = message(2_000, "wanted", None);
        add(&mut gathered, Service::Tracking, vec![wanted]);
        gathered.want(&["wanted".to_owned()]);
        let (early, late): (Vec<i64>, Vec<i64>) = (1..=others).partition(|it| *it <= 600);
        let other = |position| message(position, "another", None);
        let early = early.into_iter().map(other).collect();
        add(&mut gathered, Service::Tracking, early);
        let late = late.into_iter().map(other);
        let effect = message(2_001, "a posting", Some(2_000));
        let late = late.chain([effect]).collect();
        add(&mut gathered, Service::Payment, late);
        order::sort(&mut gathered.messages);
        gathered
    }

    #[test]
    fn what_is_about_what_is_looked_for_is_shown_however_much_else_its_request_causes() {
        let gathered = of_a_long_request(1_200);
        assert_eq!(gathered.messages.len(), 1_202);
        let mut shown: Vec<(&Found, ())> = gathered.messages.iter().map(|it| (it, ())).collect();
        assert!(!gathered.bound(&mut shown));
        let positions: Vec<i64> = shown.iter().map(|(it, ())| it.row.position).collect();
        let earliest = 1..=998;
        let expected: Vec<i64> = earliest.chain([2_000, 2_001]).collect();
        assert_eq!(positions, expected);
    }

    #[test]
    fn what_one_viewer_sees_is_all_there_however_much_there_is_of_others() {
        let gathered = of_a_long_request(1_200);
        let own = gathered.messages.iter().filter(|it| it.is_wanted);
        let mut shown: Vec<(&Found, ())> = own.map(|it| (it, ())).collect();
        assert!(gathered.bound(&mut shown), "nothing of it is left out");
        assert_eq!(shown.len(), 1);
    }
}
