//! `enrolled`: who is in which campaign, on which version of its terms.

use std::collections::HashMap;

use schemas::{Body, Message};
use sqlx::PgConnection;
use types::TermsVersion;

/// By campaign and partner: on which version it is in; `None`: it is in no more.
pub(crate) type Enrollments = HashMap<(String, String), Option<i32>>;

/// Whether a fact says of a partner that it is in a campaign, or no more.
pub(crate) fn note(enrollments: &mut Enrollments, fact: &Message) {
    let (partner, version) = match &fact.body {
        Body::EnrollmentAcceptedV1(it) => (&it.partner_id, Some(it.terms_version)),
        Body::EnrollmentApprovedV1(it) => (&it.partner_id, Some(it.terms_version)),
        Body::EnrollmentEndedV1(it) => (&it.partner_id, None),
        _ => return,
    };
    let id = (fact.header.key.clone(), partner.to_string());
    enrollments.insert(id, version.map(TermsVersion::get));
}

/// A version of terms is published: who accepted one of that number before, or a later one, accepted what campaign lost by a restore.
pub(crate) fn take_back(enrollments: &mut Enrollments, campaign: &str, published: i32) {
    let of_campaign = enrollments.iter_mut().filter(|((it, _), _)| it == campaign);
    for version in of_campaign.filter_map(|(_, version)| version.as_mut()) {
        *version = (*version).min(published - 1);
    }
}

/// Writes how it stands now.
pub(crate) async fn save(
    connection: &mut PgConnection,
    enrollments: &Enrollments,
) -> Result<(), sqlx::Error> {
    let (mut on, mut ended) = (Vec::new(), (Vec::new(), Vec::new()));
    for ((campaign, partner), version) in enrollments {
        if let Some(version) = version {
            on.push((campaign, partner, *version));
        } else {
            ended.0.push(campaign.as_str());
            ended.1.push(partner.as_str());
        }
    }
    messaging::insert_rows!(&mut *connection, on => "enrolled" {
        campaign_id: text = |(campaign, _, _)| (*campaign).clone(),
        partner_id: text = |(_, partner, _)| (*partner).clone(),
        terms_version: int = |(_, _, version)| *version,
    } on (campaign_id, partner_id) set (terms_version))
    .await?;
    if ended.0.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "DELETE FROM enrolled e USING unnest($1::text[], $2::text[]) AS gone (campaign, partner)
          WHERE e.campaign_id = gone.campaign AND e.partner_id = gone.partner",
    )
    .bind(ended.0)
    .bind(ended.1)
    .execute(connection)
    .await
    .map(|_| ())
}
