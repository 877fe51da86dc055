//! Notify: webhooks to the systems of brands and partners, and mail and texts to their people, about what happened.
//!
//! | | |
//! |---|---|
//! | takes | `notify.*` about webhook endpoints, mail addresses, what ends mails, brands' own texts, onboarding and workflows, and from its own senders `notify.give_webhook_endpoint_up`, `notify.conclude_mail`, `notify.conclude_crm_call` and `notify.end_workflow` |
//! | follows | campaign, tracking, commission and payment: whatever a brand or a partner may see of their events, and whom campaign banned or erased |
//! | emits | `webhook_endpoint.*`, `webhook_secret.rotated`, `webhooks.resent`, `contact.changed` and `.unsubscribed`, `mail_template.changed`, `notification.sent` and `.failed`, `onboarding.changed`, `workflow.*` |
//! | owns | webhook endpoints, mail addresses, brands' own texts of mails, what brands want done with applications and how far that is; beside them what is sent, each attempt, whose campaigns and conversions are, and who is in which campaign |
//!
//! What is sent is in no event: replaying its log sends nothing.

mod crm;
pub mod domain;
mod http;
mod jobs;
mod mail;
mod messages;
mod postback;
mod receivers;
mod secret;
mod service;
mod state;
mod store;
mod text;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chassis::config::{Env, Profile};
use chassis::lasting::LastingKeys;
use messaging::DynDomain;
use messaging::gauges::Gauge;
use runtime::{Definition, LeaderJobs};
use sqlx::migrate::Migrator;

use chassis::telemetry::Help;
use jobs::{
    CrmCalls, Dispatcher, EndClosed, EraseRest, ForgetRemoved, KeepBounds, MailTerms, Resends,
    Sender,
};
use receivers::Receivers;
use secret::Secrets;

pub use service::Notify;
pub use state::BatchState;

/// Its own tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// What its own metrics show.
const METRICS: &[Help] = &[
    (
        "notify_webhooks_waiting",
        "Deliveries to enabled webhook endpoints that wait to be sent",
    ),
    (
        "notify_webhooks_oldest_seconds",
        "Since when the oldest of them waits",
    ),
    ("notify_mails_waiting", "Mails that wait to be sent"),
    (
        "notify_mails_oldest_seconds",
        "Since when the oldest of them waits that no receiver answered, or since which none was sent",
    ),
    ("notify_texts_waiting", "Texts that wait to be sent"),
    (
        "notify_texts_oldest_seconds",
        "Since when the oldest of them waits that no receiver answered, or since which none was sent",
    ),
    (
        "notify_crm_calls_waiting",
        "Calls to the CRM that wait to be made",
    ),
    (
        "notify_crm_calls_oldest_seconds",
        "Since when the oldest of them waits that is due or was not taken",
    ),
    (
        jobs::OWN_TEXTS_FAILED,
        "Mails that say what ours do, since none came of the brand's own text",
    ),
];

/// What is due to somebody: a literal, so that each gauge is one too.
macro_rules! waiting {
    () => {
        " FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
           WHERE d.state = 'pending' AND e.status = 'enabled'"
    };
    ($channel:literal) => {
        concat!(
            " FROM mails WHERE state = 'pending' AND channel = '",
            $channel,
            "'"
        )
    };
}

/// Those of a channel that wait for more than a receiver: none answered them, as where their address cannot be opened, or nothing was sent since
/// they were made. One that a server does not take now, while it takes others, may wait for days.
macro_rules! stuck {
    ($channel:literal) => {
        concat!(
            waiting!($channel),
            " AND (smtp_status IS NULL AND provider_code IS NULL OR created_at > coalesce((SELECT max(ended_at) FROM mails WHERE state = 'sent' AND channel = '",
            $channel,
            "'), 0))"
        )
    };
}

/// Since when the oldest of these waits, in seconds.
macro_rules! oldest {
    ($at:literal, $($waiting:tt)+) => {
        concat!(
            "SELECT 'pending', coalesce((",
            messaging::sql_now!(),
            " - min(",
            $at,
            ")) / 1000000, 0)",
            $($waiting)+
        )
    };
}

const GAUGES: &[Gauge] = &[
    Gauge {
        name: "notify_webhooks_waiting",
        label: "state",
        sql: concat!("SELECT 'pending', count(*)", waiting!()),
    },
    Gauge {
        name: "notify_webhooks_oldest_seconds",
        label: "state",
        sql: oldest!("d.created_at", waiting!()),
    },
    Gauge {
        name: "notify_mails_waiting",
        label: "state",
        sql: concat!("SELECT 'pending', count(*)", waiting!("mail")),
    },
    Gauge {
        name: "notify_mails_oldest_seconds",
        label: "state",
        sql: oldest!("created_at", stuck!("mail")),
    },
    Gauge {
        name: "notify_texts_waiting",
        label: "state",
        sql: concat!("SELECT 'pending', count(*)", waiting!("text")),
    },
    Gauge {
        name: "notify_texts_oldest_seconds",
        label: "state",
        sql: oldest!("created_at", stuck!("text")),
    },
    Gauge {
        name: "notify_crm_calls_waiting",
        label: "state",
        sql: "SELECT 'pending', count(*) FROM crm_calls WHERE state = 'pending'",
    },
    // What was put off before any attempt waits for keys of the bff's, or for a CRM to be set.
    Gauge {
        name: "notify_crm_calls_oldest_seconds",
        label: "state",
        sql: oldest!(
            "created_at",
            " FROM crm_calls WHERE state = 'pending' AND (attempts > 0 OR next_at <= ",
            messaging::sql_now!(),
            ")"
        ),
    },
];

/// The secrets of this process: routes show them, and have no other way to them.
static SECRETS: OnceLock<Arc<Secrets>> = OnceLock::new();

/// Its domain behind a pointer, for who folds its log: compiled here, and not in each program that does.
pub fn domain() -> Arc<dyn DynDomain> {
    Arc::new(Notify)
}

/// How long an attempt to send may last: from 1 ms to so many.
pub(crate) fn read_timeout(env: &mut Env, name: &str, default: u64, most: u64) -> Duration {
    Duration::from_millis(env.within(name, default, 1..=most))
}

/// The service, from its environment.
///
/// # Panics
/// When the HTTP client cannot start at all.
#[expect(clippy::expect_used, reason = "start-up")]
pub fn define(env: &mut Env) -> Definition<Notify> {
    let keys = LastingKeys::read(env);
    sealing::texts::set_keys(&keys.current, &keys.accepted);
    api::link_url::read_base(env);
    api::unsubscribe::read_base(env);
    api::unsubscribe::set_keys(&keys);
    let secrets = Arc::new(Secrets::of(&keys));
    let secrets = Arc::clone(SECRETS.get_or_init(|| secrets));
    let timeout = read_timeout(env, "WEBHOOK_TIMEOUT_MS", 15_000, 60_000);
    let local = read_local(env);
    let receivers = Receivers::new(timeout, local).expect("the HTTP client can be made");
    let mails = Arc::new(mail::read_mails(env));
    let texts = Arc::new(text::read_texts(env));
    let crm = crm::read_crm(env).map(Arc::new);
    Definition {
        operators: http::reads,
        jobs: LeaderJobs::nothing()
            .with(Sender::new(receivers, secrets))
            .with(KeepBounds::default())
            .with(ForgetRemoved::default())
            .with(EraseRest)
            .with(EndClosed)
            .with(MailTerms)
            .with(Resends)
            .with_host(move |host| Dispatcher::new(host.clone(), Arc::clone(&mails)))
            .with_host(move |host| Dispatcher::new(host.clone(), Arc::clone(&texts)))
            .with_host(move |host| CrmCalls::new(host.clone(), crm.clone())),
        personal_keys: true,
        gauges: GAUGES,
        metrics: METRICS,
        ..Definition::of(
            Notify,
            &MIGRATIONS,
            "Webhooks to the systems of brands and partners, and mail and texts to their people, about what happened.",
            http::routes,
        )
    }
}

/// The local profile alone sends to its own machine: elsewhere that is where services and their databases are.
fn read_local(env: &mut Env) -> bool {
    let local = env.or("WEBHOOK_LOCAL_RECEIVERS", false);
    if local && !Profile::read(env).is_local() {
        let what = "sends to this machine itself, which only TRIBUTARY_PROFILE=local may";
        env.report("WEBHOOK_LOCAL_RECEIVERS", what, "false");
    }
    local
}
