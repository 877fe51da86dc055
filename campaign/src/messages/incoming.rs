//! What the wire asks. Edges have checked it; an external producer may not have.

use std::borrow::Cow;
use std::fmt::Write;

use chassis::json::{Metadata, WebUrl};
use schemas::{
    About, AcceptV1, Body, CampaignCreatedV1, CreateV1, EndEnrollmentV1, EvidenceSubmittedV1,
    Header, Message, PublishTermsV1, SubmitEvidenceV1,
};
use sha2::{Digest, Sha256};
use types::{
    BanId, BrandId, CampaignId, Currency, EnrollmentId, EnrollmentStatus, EvidenceId, JoinMode,
    PartnerId, RefusalReason, TermsVersion, WindowDays, check_allowed_hosts, check_campaign_name,
    check_evidence_type, check_fallback_host, check_terms_text,
};

use crate::domain::{Change, Code, Command, Rejection, Step};

/// The command of a message; `None` when the message is no command of ours.
pub(crate) fn command(message: &Message) -> Option<Result<Command, Rejection>> {
    let header = &message.header;
    Some(match &message.body {
        Body::CreateV1(wire) => create(header, wire),
        Body::PublishTermsV1(wire) => publish_terms(header, wire),
        Body::ActivateV1(_) => move_on(header, Step::Activate),
        Body::PauseV1(_) => move_on(header, Step::Pause),
        Body::ResumeV1(_) => move_on(header, Step::Resume),
        Body::CloseV1(_) => move_on(header, Step::Close),
        Body::AcceptV1(wire) => accept(header, wire),
        Body::EndEnrollmentV1(wire) => end_enrollment(header, wire),
        Body::InviteV1(wire) => change(header, &wire.partner_id, Change::Invite),
        Body::ApproveV1(wire) => change(header, &wire.partner_id, Change::Approve),
        Body::RejectV1(wire) => reason(&wire.reason)
            .and_then(|why| change(header, &wire.partner_id, Change::Reject(why))),
        Body::BanPartnerV1(wire) => {
            reason(&wire.reason).and_then(|why| ban(header, wire.brand_id.as_deref(), Some(why)))
        }
        Body::UnbanPartnerV1(wire) => ban(header, wire.brand_id.as_deref(), None),
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
    let fallback = wire.fallback_url.as_deref().map(WebUrl::parse).transpose();
    let fallback = fallback.map_err(at("/fallback_url"))?;
    if let Some(url) = &fallback {
        check_fallback_host(&url.host(), &wire.allowed_hosts).map_err(at("/fallback_url"))?;
    }
    let join = wire.join.as_deref().map(|name| {
        let mode = JoinMode::parse(name).ok_or("must be open, approval or invite");
        mode.map_err(at("/join"))
    });
    let join = join.transpose()?;
    let created = CampaignCreatedV1 {
        brand_id,
        name: wire.name.clone(),
        currency: Currency::parse(&wire.currency).map_err(at("/currency"))?,
        allowed_hosts: wire.allowed_hosts.clone(),
        fallback_url: fallback.map(WebUrl::into_string),
        join,
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

fn move_on(header: &Header, step: Step) -> Result<Command, Rejection> {
    let campaign = of_campaign(header)?;
    Ok(Command::Move { campaign, step })
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

fn end_enrollment(header: &Header, wire: &EndEnrollmentV1) -> Result<Command, Rejection> {
    let ending = match (EnrollmentStatus::parse(&wire.status), &wire.reason) {
        (Some(EnrollmentStatus::Left), None) => Change::Leave,
        (Some(EnrollmentStatus::Left), Some(_)) => {
            return Err(at("/reason")("a partner leaves without a reason"));
        }
        (Some(EnrollmentStatus::Removed), Some(why)) => Change::Remove(reason(why)?),
        (Some(EnrollmentStatus::Removed), None) => return Err(at("/reason")("is missing")),
        _ => return Err(at("/status")("must be left or removed")),
    };
    change(header, &wire.partner_id, ending)
}

fn change(header: &Header, partner: &str, change: Change) -> Result<Command, Rejection> {
    let (campaign, partner) = members(header, partner)?;
    about(header, EnrollmentId::of(&campaign, &partner).as_str())?;
    Ok(Command::Change {
        campaign,
        partner,
        change,
    })
}

fn ban(
    header: &Header,
    brand: Option<&str>,
    reason: Option<RefusalReason>,
) -> Result<Command, Rejection> {
    let partner: PartnerId = header.key.parse().map_err(at("/partner_id"))?;
    let brand: Option<BrandId> = brand.map(str::parse).transpose().map_err(at("/brand_id"))?;
    about(header, BanId::of(brand.as_ref(), &partner).as_str())?;
    Ok(Command::Ban {
        partner,
        brand,
        reason,
    })
}

fn reason(name: &str) -> Result<RefusalReason, Rejection> {
    let reason = RefusalReason::parse(name);
    reason.ok_or("is none that is known").map_err(at("/reason"))
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
