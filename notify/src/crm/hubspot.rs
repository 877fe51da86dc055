//! `HubSpot`'s contacts, version 3 of its interface: found by a property of ours that is unique.

use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use types::{MailAddress, PartnerId};

use super::{Answer, ContactSink, CrmContact, answer, send};

/// The property that has our id; somebody makes it in `HubSpot`, as one of unique values.
const ID: &str = "tributary_partner_id";
const TAGS: &str = "tributary_tags";
const CONTACTS: &str = "crm/v3/objects/contacts";

/// `HubSpot`.
#[derive(Debug, Clone)]
pub(crate) struct HubSpot {
    pub(crate) client: Client,
    /// It ends with a slash.
    pub(crate) base: Url,
    pub(crate) token: SecretString,
}

#[derive(Debug, Deserialize)]
struct Found {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Owners {
    results: Vec<Found>,
}

impl HubSpot {
    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let url = self.base.join(path).unwrap_or_else(|_| self.base.clone());
        let request = self.client.request(method, url).query(query);
        request.bearer_auth(self.token.expose_secret())
    }

    /// Whom `HubSpot` knows by this address; `None`: nobody.
    async fn owner(&self, email: &MailAddress) -> Result<Option<String>, Answer> {
        let query = [("email", email.as_str()), ("limit", "1")];
        let response = send(self.request(Method::GET, "crm/v3/owners", &query)).await?;
        if !response.status().is_success() {
            return Err(answer(&response));
        }
        let owners: Owners = response.json().await.map_err(|_| Answer::Later(None))?;
        Ok(owners.results.into_iter().next().map(|owner| owner.id))
    }

    async fn properties(&self, contact: &CrmContact) -> Result<Map<String, Value>, Answer> {
        let mut properties = Map::new();
        let email = contact.email.as_ref().map(MailAddress::as_str);
        let country = contact.country.map(|it| it.to_string());
        let tags = contact.tags.join(";");
        for (name, value) in [
            (ID, Some(contact.external_id.as_str())),
            ("company", contact.name.as_deref()),
            ("email", email),
            ("country", country.as_deref()),
            // Empty text clears what stood there.
            (TAGS, Some(&*tags)),
        ] {
            properties.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        if let Some((_, Some(email))) = &contact.owner {
            let owner = self.owner(email).await?;
            if owner.is_none() {
                tracing::warn!(
                    partner = %contact.external_id,
                    "HubSpot has no owner of the manager's address: the contact has none",
                );
            }
            let owner = owner.unwrap_or_default();
            properties.insert("hubspot_owner_id".to_owned(), owner.into());
        }
        Ok(properties)
    }

    /// Changes the contact, or makes it where there is none.
    async fn put(&self, contact: &CrmContact) -> Result<Answer, Answer> {
        let properties = json!({ "properties": self.properties(contact).await? });
        let path = format!("{CONTACTS}/{}", contact.external_id);
        let change = self.request(Method::PATCH, &path, &[("idProperty", ID)]);
        let changed = send(change.json(&properties)).await?;
        if changed.status() != StatusCode::NOT_FOUND {
            return Ok(answer(&changed));
        }
        let create = self.request(Method::POST, CONTACTS, &[]);
        Ok(answer(&send(create.json(&properties)).await?))
    }

    async fn delete(&self, external_id: &PartnerId, erases: bool) -> Result<Answer, Answer> {
        let path = format!("{CONTACTS}/{external_id}");
        let found = self.request(Method::GET, &path, &[("idProperty", ID)]);
        let found = send(found).await?;
        if found.status() == StatusCode::NOT_FOUND {
            return Ok(Answer::Done);
        }
        if !found.status().is_success() {
            return Ok(answer(&found));
        }
        let Found { id } = found.json().await.map_err(|_| Answer::Later(None))?;
        let request = if erases {
            let path = format!("{CONTACTS}/gdpr-delete");
            let request = self.request(Method::POST, &path, &[]);
            request.json(&json!({ "objectId": id }))
        } else {
            self.request(Method::DELETE, &format!("{CONTACTS}/{id}"), &[])
        };
        let removed = send(request).await?;
        Ok(match removed.status() {
            StatusCode::NOT_FOUND => Answer::Done,
            _ => answer(&removed),
        })
    }
}

impl ContactSink for HubSpot {
    async fn upsert(&self, contact: &CrmContact) -> Answer {
        self.put(contact).await.unwrap_or_else(|answer| answer)
    }

    async fn remove(&self, external_id: &PartnerId, erases: bool) -> Answer {
        let removed = self.delete(external_id, erases).await;
        removed.unwrap_or_else(|answer| answer)
    }
}
