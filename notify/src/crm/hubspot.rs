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

    /// Its own id of the contact that has ours; `archived`: of one that was removed, which it keeps for 90 days. `None`: there is none.
    async fn find(
        &self,
        external_id: &PartnerId,
        archived: bool,
    ) -> Result<Option<String>, Answer> {
        let path = format!("{CONTACTS}/{external_id}");
        let archived = if archived { "true" } else { "false" };
        let query = [("idProperty", ID), ("archived", archived)];
        let found = send(self.request(Method::GET, &path, &query)).await?;
        if found.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !found.status().is_success() {
            return Err(answer(&found));
        }
        let Found { id } = found.json().await.map_err(|_| Answer::Later(None))?;
        Ok(Some(id))
    }

    async fn delete(&self, external_id: &PartnerId) -> Result<Answer, Answer> {
        let Some(id) = self.find(external_id, false).await? else {
            return Ok(Answer::Done);
        };
        let path = format!("{CONTACTS}/{id}");
        gone(self.request(Method::DELETE, &path, &[])).await
    }

    /// Also of those that were removed before: a partner that was onboarded again may have several, and a contact beside them.
    async fn erase(&self, external_id: &PartnerId) -> Result<Answer, Answer> {
        let path = format!("{CONTACTS}/gdpr-delete");
        let mut erased = Vec::new();
        for archived in [false, true] {
            while let Some(id) = self.find(external_id, archived).await? {
                // What is still found is just being erased there.
                if erased.contains(&id) {
                    break;
                }
                let request = self.request(Method::POST, &path, &[]);
                let answer = gone(request.json(&json!({ "objectId": id }))).await?;
                if answer != Answer::Done {
                    return Ok(answer);
                }
                erased.push(id);
            }
        }
        Ok(Answer::Done)
    }
}

/// What is not there any more is as good as removed.
async fn gone(request: RequestBuilder) -> Result<Answer, Answer> {
    let removed = send(request).await?;
    Ok(match removed.status() {
        StatusCode::NOT_FOUND => Answer::Done,
        _ => answer(&removed),
    })
}

impl ContactSink for HubSpot {
    async fn upsert(&self, contact: &CrmContact) -> Answer {
        self.put(contact).await.unwrap_or_else(|answer| answer)
    }

    async fn remove(&self, external_id: &PartnerId, erases: bool) -> Answer {
        let removed = if erases {
            self.erase(external_id).await
        } else {
            self.delete(external_id).await
        };
        removed.unwrap_or_else(|answer| answer)
    }
}
