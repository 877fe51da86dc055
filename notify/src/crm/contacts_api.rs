//! The plain interface: `PUT` and `DELETE` of `contacts/{external_id}`.

use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use types::PartnerId;

use super::{Answer, ContactSink, CrmContact, answer, send};

/// A CRM that speaks the plain interface.
#[derive(Debug, Clone)]
pub(crate) struct ContactsApi {
    pub(crate) client: Client,
    /// It ends with a slash.
    pub(crate) base: Url,
    pub(crate) token: Option<SecretString>,
}

impl ContactsApi {
    fn request(&self, method: Method, external_id: &PartnerId, query: &str) -> RequestBuilder {
        // An id has nothing in it that a path would need escaped.
        let path = format!("contacts/{external_id}{query}");
        let url = self.base.join(&path).unwrap_or_else(|_| self.base.clone());
        let request = self.client.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }
}

impl ContactSink for ContactsApi {
    async fn upsert(&self, contact: &CrmContact) -> Answer {
        let owner = contact.owner.as_ref();
        let body = json!({
            "external_id": contact.external_id.as_str(),
            "name": contact.name,
            "email": contact.email.as_ref().map(types::MailAddress::as_str),
            "country": contact.country.map(|it| it.to_string()),
            "tags": contact.tags,
            "owner": owner.map(|(name, email)| json!({
                "name": name, "email": email.as_ref().map(types::MailAddress::as_str),
            })),
        });
        let request = self.request(Method::PUT, &contact.external_id, "");
        match send(request.json(&body)).await {
            Ok(response) => answer(&response),
            Err(answer) => answer,
        }
    }

    async fn remove(&self, external_id: &PartnerId, erases: bool) -> Answer {
        let query = if erases { "?erase=true" } else { "" };
        match send(self.request(Method::DELETE, external_id, query)).await {
            Ok(response) if is_gone(response.status()) => Answer::Done,
            Ok(response) => answer(&response),
            Err(answer) => answer,
        }
    }
}

fn is_gone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}
