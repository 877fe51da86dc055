//! What the wire asks. Edges have checked it; an external producer may not have.

use std::borrow::Cow;
use std::fmt::Write;

use chassis::json::{Metadata, WebUrl};
use schemas::{
    About, AcceptV1, Body, CampaignCreatedV1, CreateV1, EvidenceSubmittedV1, Header, Message,
    PublishTermsV1, SubmitEvidenceV1,
};
use sha2::{Digest, Sha256};
use types::{
    CampaignId, Currency, EnrollmentId, EvidenceId, PartnerId, TermsVersion, WindowDays,
    check_allowed_hosts, check_campaign_name, check_evidence_type, check_terms_text,
};

use crate::domain::{Code, Command, Rejection};

/// The command of a message; `None` when the message is no command of ours.
pub(crate) fn command(message: &Message) -> Option<Result<Command, Rejection>> {
    let header = &message.header;
    Some(match &message.body {
        Body::CreateV1(wire) => create(header, wire),
        Body::PublishTermsV1(wire) => publish_terms(header, wire),
        Body::ActivateV1(_) => of_campaign(header).map(|campaign| Command::Activate { campaign }),
        Body::AcceptV1(wire) => accept(header, wire),
        Body::SubmitEvidenceV1(wire) => submit_evidence(header, wire),
        _ => return None,
    })
}

fn create(header: &Header, wire: &CreateV1) -> Result<Command, Rejection> {
    if let Some((index, invalid)) = check_allowed_hosts(&wire.allowed_hosts).first() {
        let pointer = index.map_or(Cow::Borrowed("/allowed_hosts"), |index| {
            format!("/allowed_hosts/{index}").into()
        });
        return Err(unreadable(pointer, invalid));
    }
    let campaign = of_campaign(header)?;
    let brand_id = wire.brand_id.parse().map_err(at("/brand_id"))?;
    check_campaign_name(&wire.name).map_err(at("/name"))?;
    let created = CampaignCreatedV1 {
        brand_id,
        name: wire.name.clone(),
        currency: Currency::parse(&wire.currency).map_err(at("/currency"))?,
        allowed_hosts: wire.allowed_hosts.clone(),
    };
    Ok(Command::Create(About::of(campaign, created)))
}

fn publish_terms(header: &Header, wire: &PublishTermsV1) -> Result<Command, Rejection> {
    check_terms_text(&wire.text).map_err(at("/text"))?;
    Ok(Command::PublishTerms {
        campaign: of_campaign(header)?,
        window: WindowDays::new(wire.window_days).map_err(at("/window_days"))?,
        plan: wire
            .plan
            .read()
            .map_err(|(pointer, invalid)| at(pointer)(invalid))?,
    })
}

fn accept(header: &Header, wire: &AcceptV1) -> Result<Command, Rejection> {
    let (campaign, partner) = members(header, &wire.partner_id)?;
    metadata(wire.metadata.as_deref())?;
    about(header, EnrollmentId::of(&campaign, &partner).as_str())?;
    let version = wire.terms_version.map(TermsVersion::new).transpose();
    Ok(Command::Accept {
        campaign,
        partner,
        terms_version: version.map_err(at("/terms_version"))?,
    })
}

fn submit_evidence(header: &Header, wire: &SubmitEvidenceV1) -> Result<Command, Rejection> {
    let (campaign, partner) = members(header, &wire.partner_id)?;
    metadata(wire.metadata.as_deref())?;
    WebUrl::parse(&wire.file_url).map_err(at("/file_url"))?;
    check_evidence_type(&wire.evidence_type).map_err(at("/evidence_type"))?;
    let evidence = EvidenceId::of(&campaign, &partner, &wire.evidence_type, &wire.file_url);
    about(header, evidence.as_str())?;
    Ok(Command::SubmitEvidence(About {
        key: campaign,
        subject: evidence,
        record: EvidenceSubmittedV1 {
            partner_id: partner,
            evidence_type: wire.evidence_type.clone(),
            url_hash: url_hash(&wire.file_url),
        },
    }))
}

/// The campaign that is key and subject.
fn of_campaign(header: &Header) -> Result<CampaignId, Rejection> {
    about(header, &header.key)?;
    header.key.parse().map_err(at("/campaign_id"))
}

/// The campaign that is key, and the partner that acts in it.
fn members(header: &Header, partner: &str) -> Result<(CampaignId, PartnerId), Rejection> {
    Ok((
        header.key.parse().map_err(at("/campaign_id"))?,
        partner.parse().map_err(at("/partner_id"))?,
    ))
}

/// A command must be ordered and parked by the aggregate that it changes.
fn about(header: &Header, subject: &str) -> Result<(), Rejection> {
    if header.subject == subject {
        return Ok(());
    }
    let detail = format!("the command cannot be read: its subject must be {subject}");
    Err(Rejection::new(Code::Unreadable, detail))
}

fn metadata(text: Option<&str>) -> Result<(), Rejection> {
    text.map(Metadata::parse)
        .transpose()
        .map(|_| ())
        .map_err(at("/metadata"))
}

fn url_hash(url: &str) -> String {
    let mut hash = String::with_capacity(64);
    for byte in Sha256::digest(url.as_bytes()) {
        let _cannot_fail = write!(hash, "{byte:02x}");
    }
    hash
}

fn at<E: ToString>(pointer: &'static str) -> impl FnOnce(E) -> Rejection {
    move |error| unreadable(pointer.into(), error)
}

#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
fn unreadable<E: ToString>(pointer: Cow<'static, str>, error: E) -> Rejection {
    let detail = format!("the command cannot be read: {}", error.to_string());
    Rejection::of(pointer, Code::Unreadable, detail)
}
