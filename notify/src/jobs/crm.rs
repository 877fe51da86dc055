//! Calls the CRM where workflows wait for it, and states what became of it.

use std::sync::Arc;
use std::time::Duration;

use messaging::job::{Job, timer_command};
use runtime::Host;
use schemas::{ConcludeCrmCallV1, Message, Service};
use sealing::texts;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use types::{ContactId, MailAddress, MailGroup, Micros, Uuid, WorkflowReason, ids};

use super::keys::Keys;
use super::pause::Pause;
use super::{KEYS_AGAIN, STEP, schedule};
use crate::crm::{Answer, ContactSink, Crm, CrmContact};
use crate::domain::Workflow;
use crate::store::contacts::{self, sealed_bytes};
use crate::store::crm_calls::{self, Call, Next};
use crate::store::workflows;

/// Calls at once.
const AT_ONCE: i64 = 4;
/// Commands of one step.
const MAX_CONCLUDED: i64 = 100;
/// For so long a call is nobody else's once it was taken.
const LEASE: Duration = Duration::from_mins(2);
/// So long it may last, with what is looked up before it: what it left unnoted then is known to have ended before another makes it.
const MAX_ATTEMPT: Duration = Duration::from_secs(110);

/// So long, in microseconds, until the CRM is told again to forget somebody, where it was told as often as it is told other things.
const FORGETS_AGAIN: i64 = 24 * 3_600 * 1_000_000;

/// Calls the CRM.
pub(crate) struct CrmCalls {
    crm: Option<Arc<Crm>>,
    keys: Arc<Keys>,
    /// It was logged that no CRM is set which is to forget somebody: until this is over it is not again.
    logged: Pause,
}

/// What is asked, with all that asking it takes.
enum Outgoing {
    Upsert(Box<CrmContact>),
    Remove(types::PartnerId),
    /// Nothing: another workflow has the same contact, and it stays.
    Nothing,
    /// Nothing yet: who has the keys of what is sealed does not answer, and a contact without a name is worse than a late one.
    Later,
}

impl CrmCalls {
    pub(crate) fn new(host: Host, crm: Option<Arc<Crm>>) -> Self {
        Self {
            crm,
            keys: Arc::new(Keys::new(host)),
            logged: Pause::default(),
        }
    }

    /// Makes what is due. Returns whether there may be more.
    async fn step(&self, pool: &PgPool, now: Micros) -> Result<bool, sqlx::Error> {
        let lease = i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX);
        let until = now.checked_add_micros(lease).unwrap_or(now);
        let deadline = Instant::now() + MAX_ATTEMPT;
        let due = crm_calls::take_due(pool, (now, until), AT_ONCE, self.crm.is_some()).await?;
        let is_more = i64::try_from(due.len()).is_ok_and(|it| it == AT_ONCE);
        let mut attempts = JoinSet::new();
        for call in due {
            let Some(crm) = &self.crm else {
                if call.erases {
                    self.log_waiting(&call);
                    let again = now.checked_add_micros(FORGETS_AGAIN).unwrap_or(now);
                    crm_calls::put_off(pool, &call, again).await?;
                    continue;
                }
                let next = Next::Failed(WorkflowReason::NotConfigured);
                crm_calls::note(pool, &call, (now, next, None), true).await?;
                continue;
            };
            let (crm, keys, pool) = (Arc::clone(crm), Arc::clone(&self.keys), pool.clone());
            attempts
                .spawn(async move { attempt(&crm, &keys, &pool, &call, (now, deadline)).await });
        }
        // Each ends, whatever became of the others.
        while let Some(ended) = attempts.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "what the CRM is to be told cannot be read, or what it answered cannot be noted: it is asked again");
                }
                Err(error) => tracing::error!(%error, "a call to the CRM broke off"),
            }
        }
        Ok(is_more)
    }

    /// Logs once a day that workflows wait for a CRM which is set no more.
    fn log_waiting(&self, call: &Call) {
        let now = Instant::now();
        if !self.logged.goes_on(now) {
            let day = Duration::from_micros(FORGETS_AGAIN.unsigned_abs());
            self.logged.begin(now, day);
            tracing::warn!(
                workflow = call.workflow_id,
                "no CRM is set, which is to forget whoever was erased: set it, or leave that out as an operator"
            );
        }
    }
}

/// What a call says. Whoever was erased meanwhile has neither name nor address.
async fn find(keys: &Keys, pool: &PgPool, call: &Call) -> Result<Outgoing, sqlx::Error> {
    let ids = std::slice::from_ref(&call.workflow_id);
    let found = workflows::load(pool, ids, (&[], &[]), &[]).await?.pop();
    let Some(workflow) = found else {
        return Ok(Outgoing::Nothing);
    };
    if !call.removes {
        let contact = contact(keys, pool, &workflow).await?;
        return Ok(contact.map_or(Outgoing::Later, |it| Outgoing::Upsert(Box::new(it))));
    }
    if !call.erases && crm_calls::is_kept(pool, &call.workflow_id).await? {
        return Ok(Outgoing::Nothing);
    }
    Ok(Outgoing::Remove(workflow.started.partner_id))
}

/// What it says of the partner; none while a key may be had that cannot be asked for now.
async fn contact(
    keys: &Keys,
    pool: &PgPool,
    workflow: &Workflow,
) -> Result<Option<CrmContact>, sqlx::Error> {
    let started = &workflow.started;
    let (brand, partner) = (&started.brand_id, &started.partner_id);
    let id = ContactId::of_partner(partner);
    let contact = contacts::load(pool, &[id.to_string()]).await?.pop();
    let mut addresses = contact.iter().flat_map(|it| &it.addresses);
    let address = addresses.find(|it| it.groups.contains(&MailGroup::Programme));
    let address = address.map(sealed_bytes);
    let sealed = [workflow.sealed_name.as_deref(), address.as_deref()];
    let found = keys.find(sealed).await?;
    if found.is_partial {
        return Ok(None);
    }
    let open = |of: &str, sealed: Option<&[u8]>| sealed.and_then(|it| found.keys.open(of, it));
    let email = open(&texts::of_mail_addresses(&id), address.as_deref());
    let manager = started.sealed_manager.as_ref();
    let manager = manager.and_then(|it| texts::open(&texts::of_managers_name(brand), it));
    let managers_mail = started.sealed_manager_mail.as_ref();
    let managers_mail = managers_mail
        .and_then(|it| texts::open(&texts::of_managers_mail(brand), it))
        .and_then(|text| MailAddress::parse(&text).ok());
    Ok(Some(CrmContact {
        external_id: partner.clone(),
        name: open(
            &texts::of_partners_name(partner),
            workflow.sealed_name.as_deref(),
        ),
        email: email.and_then(|text| MailAddress::parse(&text).ok()),
        country: workflow.country,
        tags: started.tags.clone(),
        owner: manager.map(|name| (name, managers_mail)),
    }))
}

/// Makes one, and notes what came of it. Killed between the two, it is made again: it says the whole, so that does no harm.
async fn attempt(
    crm: &Crm,
    keys: &Keys,
    pool: &PgPool,
    call: &Call,
    (now, deadline): (Micros, Instant),
) -> Result<(), sqlx::Error> {
    let began = Instant::now();
    let ended = || {
        let took = i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX);
        now.checked_add_micros(took).unwrap_or(now)
    };
    let answer = match find(keys, pool, call).await? {
        Outgoing::Upsert(contact) => timeout_at(deadline, crm.upsert(&contact)).await,
        Outgoing::Remove(partner) => timeout_at(deadline, crm.remove(&partner, call.erases)).await,
        Outgoing::Nothing => Ok(Answer::Done),
        Outgoing::Later => {
            let again = ended().checked_add_micros(KEYS_AGAIN).unwrap_or(now);
            return crm_calls::put_off(pool, call, again).await;
        }
    };
    let answer = answer.unwrap_or(Answer::Later(None));
    let ended = ended();
    let (next, status) = match answer {
        Answer::Done => (Next::Done, None),
        Answer::Refused(status) => (Next::Failed(WorkflowReason::CrmRefused), Some(status)),
        Answer::Later(status) => {
            let jitter = Uuid::new_v4().as_bytes()[0];
            let again = schedule::again(call.attempts, 0, ended, jitter);
            let given_up = Next::Failed(WorkflowReason::CrmUnreachable);
            (again.map_or(given_up, Next::At), status)
        }
    };
    let next = match next {
        // Whoever was erased is to be forgotten there too: that is never given up.
        Next::Failed(reason) if call.erases => {
            tracing::error!(
                workflow = call.workflow_id,
                reason = reason.name(),
                status,
                "the CRM does not forget somebody who was erased: it is told again tomorrow"
            );
            Next::At(ended.checked_add_micros(FORGETS_AGAIN).unwrap_or(ended))
        }
        Next::Failed(reason) if call.removes => {
            tracing::error!(
                workflow = call.workflow_id,
                reason = reason.name(),
                status,
                "the CRM does not remove a contact that was to be taken back: it stays there, and its brand is mailed so"
            );
            next
        }
        next => next,
    };
    crm_calls::note(pool, call, (ended, next, status), answer.is_refusal()).await
}

impl Job for CrmCalls {
    const NAME: &'static str = "crm_calls";

    async fn due(
        &self,
        pool: &PgPool,
        now: Micros,
        passed: i64,
    ) -> Result<Vec<Message>, sqlx::Error> {
        let began = Instant::now();
        while began.elapsed() < STEP {
            let since = i64::try_from(began.elapsed().as_micros()).unwrap_or_default();
            let now = now.checked_add_micros(since).unwrap_or(now);
            if !self.step(pool, now).await? {
                break;
            }
        }
        crm_calls::forget_dropped(pool, now).await?;
        let ended = crm_calls::to_conclude(pool, passed, MAX_CONCLUDED).await?;
        Ok(ended.into_iter().map(|call| conclude(call, now)).collect())
    }
}

/// What became of it, with the correlation of its application. One command for each end.
fn conclude(call: Call, now: Micros) -> Message {
    let ended = Micros(call.ended_at.unwrap_or_default());
    let id = ids::timer_command_id(&call.workflow_id, CrmCalls::NAME, ended);
    let is_indeterminate = call.reason.is_some() && !call.removes && call.indeterminate > 0;
    let conclude = ConcludeCrmCallV1 {
        removes: call.removes,
        reason: call.reason,
        crm_status: call.crm_status,
        generation: Some(call.generation),
        may_exist: is_indeterminate.then_some(true),
    };
    let kind = "notify.conclude_crm_call.command.v1";
    let mut command = timer_command(Service::Notify, kind, id, call.workflow_id, now, conclude);
    command.header.correlation_id = call.correlation_id;
    command
}
