//! The CRM: partners become contacts there, and are removed again. One port, and an adapter for each interface that is spoken.

mod contacts_api;
mod hubspot;
mod settings;

use std::future::Future;

use reqwest::{RequestBuilder, Response};
use types::{Country, MailAddress, PartnerId};

pub(crate) use contacts_api::ContactsApi;
pub(crate) use hubspot::HubSpot;
pub(crate) use settings::read_crm;

/// A partner as the CRM is told of it.
#[derive(Debug, Clone)]
pub(crate) struct CrmContact {
    /// Its id here, by which the CRM finds it again.
    pub(crate) external_id: PartnerId,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<MailAddress>,
    pub(crate) country: Option<Country>,
    pub(crate) tags: Vec<String>,
    /// Who looks after it: a name, and the address by which the CRM knows it.
    pub(crate) owner: Option<(String, Option<MailAddress>)>,
}

/// What the CRM makes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is so.
    Done,
    /// It may be so later; with its status, if it answered.
    Later(Option<i32>),
    /// It refuses what it is asked, for good.
    Refused(i32),
}

impl Answer {
    /// Whether it says that nothing was done. One that did not come, or that something broke there, does not.
    pub(crate) fn is_refusal(self) -> bool {
        match self {
            Self::Done => false,
            Self::Later(status) => status.is_some_and(|it| it < 500),
            Self::Refused(_) => true,
        }
    }
}

/// Where partners become contacts. Every call says the whole, so making it again does no harm.
pub(crate) trait ContactSink {
    /// There is this contact, and it is so.
    fn upsert(&self, contact: &CrmContact) -> impl Future<Output = Answer> + Send;

    /// There is no such contact; `erases`: and nothing of it is kept.
    fn remove(&self, external_id: &PartnerId, erases: bool) -> impl Future<Output = Answer> + Send;
}

/// The CRM that is set.
#[derive(Debug, Clone)]
pub(crate) enum Crm {
    /// One that speaks the plain interface of docs/onboarding.md.
    Contacts(ContactsApi),
    /// `HubSpot`.
    HubSpot(HubSpot),
}

impl ContactSink for Crm {
    async fn upsert(&self, contact: &CrmContact) -> Answer {
        match self {
            Self::Contacts(api) => api.upsert(contact).await,
            Self::HubSpot(api) => api.upsert(contact).await,
        }
    }

    async fn remove(&self, external_id: &PartnerId, erases: bool) -> Answer {
        match self {
            Self::Contacts(api) => api.remove(external_id, erases).await,
            Self::HubSpot(api) => api.remove(external_id, erases).await,
        }
    }
}

/// Sends; `Err`: it is to be tried again.
async fn send(request: RequestBuilder) -> Result<Response, Answer> {
    match request.send().await {
        Ok(response) => Ok(response),
        Err(error) => {
            tracing::warn!(error = %error.without_url(), "the CRM does not answer");
            Err(Answer::Later(None))
        }
    }
}

/// What a status means. One that refuses us, and not what we ask, is no answer to it: everything would come to nothing for a wrong token.
fn answer(response: &Response) -> Answer {
    let status = response.status();
    let code = i32::from(status.as_u16());
    match code {
        200..=299 => Answer::Done,
        400 | 404..=407 | 409..=424 | 426..=428 | 430..=499 => Answer::Refused(code),
        _ => Answer::Later(Some(code)),
    }
}
