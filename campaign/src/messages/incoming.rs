//! What the wire asks. Edges have checked it; an external producer may not have.

use std::borrow::Cow;

use chassis::json::{Metadata, WebUrl};
use schemas::{
    About, AcceptV1, ApiKeyCreatedV1, Body, Budget, CampaignCreatedV1, ChangeBrandV1,
    ChangeGroupV1, ChangePartnerV1, ChangeV1, CreateApiKeyV1, CreateGroupV1, CreateV1,
    EndEnrollmentV1, EvidenceSubmittedV1, GroupCreatedV1, Header, Message, MovePartnerV1,
    PublishTermsV1, RevokeApiKeyV1, RotateApiKeyV1, Service, SubmitEvidenceV1, WireBudget,
};
use sealing::personal::MAX_SEALED_BYTES;
use sealing::texts;
use sha2::{Digest, Sha256};
use types::{
    ApiKeyId, ApiKeyScope, BanId, BrandField, BrandId, CampaignId, Clearable, Country, Currency,
    EnrollmentId, EnrollmentStatus, EvidenceId, EvidenceReason, GroupField, GroupId, GroupStatus,
    JoinMode, MembershipId, PartnerField, PartnerId, RefusalReason, TermsVersion, WindowDays,
    check_allowed_hosts, check_campaign_name, check_content_hash, check_description,
    check_evidence_type, check_key_hash, check_key_prefix, check_link_limit, check_overlap,
    check_page, check_scopes, check_terms_text, check_time,
};

use crate::domain::{
    BrandChange, CampaignChange, Change, Code, Command, Edit, GroupChange, PartnerChange,
    Rejection, Review, Rotation, Step,
};

/// The command of a message; `None` when the message is no command of ours.
pub(crate) fn command(message: &Message) -> Option<Result<Command, Rejection>> {
    let header = &message.header;
    Some(match &message.body {
        Body::CreateV1(wire) => create(header, wire),
        Body::ChangeV1(wire) => change_campaign(header, wire),
        Body::EndCampaignV1(wire) => {
            let due_at = wire.due_at;
            of_campaign(header).map(|campaign| Command::EndCampaign { campaign, due_at })
        }
        Body::FollowFundsV1(_) => {
            of_campaign(header).map(|campaign| Command::FollowFunds { campaign })
        }
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
        Body::CreateApiKeyV1(wire) => create_api_key(header, wire),
        Body::RotateApiKeyV1(wire) => rotate_api_key(header, wire),
        Body::RevokeApiKeyV1(wire) => revoke_api_key(header, wire),
        Body::CreateGroupV1(wire) => create_group(header, wire),
        Body::ChangeGroupV1(wire) => change_group(header, wire),
        Body::MovePartnerV1(wire) => move_partner(header, wire),
        Body::ChangePartnerV1(wire) => change_partner(header, wire),
        Body::ErasePartnerV1(_) => erase_partner(header),
        Body::ChangeBrandV1(wire) => change_brand(header, wire),
        Body::ApproveEvidenceV1(_) => review(header, Review::Approve),
        Body::RejectEvidenceV1(wire) => {
            evidence_reason(&wire.reason).and_then(|why| review(header, Review::Reject(why)))
        }
        Body::ReturnEvidenceV1(wire) => {
            evidence_reason(&wire.reason).and_then(|why| review(header, Review::Return(why)))
        }
        _ => return None,
    })
}

fn create(header: &Header, wire: &CreateV1) -> Result<Command, Rejection> {
    hosts(&wire.allowed_hosts)?;
    let campaign = of_campaign(header)?;
    let brand_id = wire.brand_id.parse().map_err(at("/brand_id"))?;
    check_campaign_name(&wire.name).map_err(at("/name"))?;
    let on_a_host = |url: Option<String>, pointer| {
        if let Some(url) = &url {
            check_page(url, &wire.allowed_hosts).map_err(at(pointer))?;
        }
        Ok::<_, Rejection>(url)
    };
    let fallback = url(wire.fallback_url.as_deref(), "/fallback_url")?;
    let landing = url(wire.landing_url.as_deref(), "/landing_url")?;
    check_time(wire.starts_at).map_err(at("/starts_at"))?;
    check_time(wire.ends_at).map_err(at("/ends_at"))?;
    let created = CampaignCreatedV1 {
        brand_id,
        name: wire.name.clone(),
        currency: Currency::parse(&wire.currency).map_err(at("/currency"))?,
        allowed_hosts: wire.allowed_hosts.clone(),
        fallback_url: on_a_host(fallback, "/fallback_url")?,
        join: join(wire.join.as_deref())?,
        description: description(wire.description.as_ref())?,
        landing_url: on_a_host(landing, "/landing_url")?,
        starts_at: wire.starts_at,
        ends_at: wire.ends_at,
        budget: budget(wire.budget.as_ref())?,
        trusts_redirects: wire.trusts_redirects.filter(|trusts| *trusts),
    };
    Ok(Command::Create(About::of(campaign, created)))
}

fn change_campaign(header: &Header, wire: &ChangeV1) -> Result<Command, Rejection> {
    let campaign = of_campaign(header)?;
    if let Some(name) = &wire.name {
        check_campaign_name(name).map_err(at("/name"))?;
    }
    if let Some(names) = &wire.allowed_hosts {
        hosts(names)?;
    }
    let clear = cleared(&wire.clear, Clearable::parse)?;
    let fallback = url(wire.fallback_url.as_deref(), "/fallback_url")?;
    let landing = url(wire.landing_url.as_deref(), "/landing_url")?;
    let description = description(wire.description.as_ref())?;
    check_time(wire.starts_at).map_err(at("/starts_at"))?;
    check_time(wire.ends_at).map_err(at("/ends_at"))?;
    let change = CampaignChange {
        name: wire.name.clone(),
        description: edit(description, Clearable::Description, &clear)?,
        allowed_hosts: wire.allowed_hosts.clone(),
        fallback_url: edit(fallback, Clearable::FallbackUrl, &clear)?,
        landing_url: edit(landing, Clearable::LandingUrl, &clear)?,
        starts_at: edit(wire.starts_at, Clearable::StartsAt, &clear)?,
        ends_at: edit(wire.ends_at, Clearable::EndsAt, &clear)?,
        budget: edit(budget(wire.budget.as_ref())?, Clearable::Budget, &clear)?,
        join: join(wire.join.as_deref())?,
        trusts_redirects: wire.trusts_redirects,
    };
    Ok(Command::ChangeCampaign {
        campaign,
        change: Box::new(change),
    })
}

/// What becomes of it: what is given, or nothing.
fn edit<T, F: Copy + PartialEq>(
    given: Option<T>,
    what: F,
    clear: &[F],
) -> Result<Edit<T>, Rejection> {
    match (given, clear.contains(&what)) {
        (None, false) => Ok(Edit::Keep),
        (None, true) => Ok(Edit::Clear),
        (Some(value), false) => Ok(Edit::Set(value)),
        (Some(_), true) => Err(at("/clear")("names what is given, too")),
    }
}

/// What is to be gone, by its names.
fn cleared<F>(names: &[String], parse: fn(&str) -> Option<F>) -> Result<Vec<F>, Rejection> {
    let clear: Option<Vec<_>> = names.iter().map(|name| parse(name)).collect();
    let unknown = "names what there is always, or never";
    clear.ok_or(unknown).map_err(at("/clear"))
}

fn change_partner(header: &Header, wire: &ChangePartnerV1) -> Result<Command, Rejection> {
    let partner: PartnerId = header.key.parse().map_err(at("/partner_id"))?;
    about(header, partner.as_str())?;
    let clear = cleared(&wire.clear, PartnerField::parse)?;
    let country = wire.country.as_deref().map(Country::parse).transpose();
    let website = url(wire.website.as_deref(), "/website")?;
    let website = website.map(|url| texts::seal(&texts::of_partners_website(&partner), &url));
    let website = either(website, wire.sealed_website.as_ref(), "/website")?;
    let name = sealed_name(wire.name.as_deref(), &texts::of_partners_name(&partner))?;
    let name = either(name, wire.sealed_name.as_ref(), "/name")?;
    let change = PartnerChange {
        sealed_name: edit(name, PartnerField::Name, &clear)?,
        country: edit(
            country.map_err(at("/country"))?,
            PartnerField::Country,
            &clear,
        )?,
        currency: edit(
            currency(wire.currency.as_deref())?,
            PartnerField::Currency,
            &clear,
        )?,
        sealed_website: edit(website, PartnerField::Website, &clear)?,
    };
    Ok(Command::ChangePartner {
        partner,
        change: Box::new(change),
    })
}

fn erase_partner(header: &Header) -> Result<Command, Rejection> {
    let partner: PartnerId = header.key.parse().map_err(at("/partner_id"))?;
    about(header, partner.as_str())?;
    Ok(Command::ErasePartner { partner })
}

/// What came open and was sealed here, or what its edge had sealed under the partner's own key.
fn either(
    open: Option<Vec<u8>>,
    sealed: Option<&Vec<u8>>,
    pointer: &'static str,
) -> Result<Option<Vec<u8>>, Rejection> {
    match (open, sealed) {
        (Some(_), Some(_)) => Err(at(pointer)("is given twice")),
        (_, Some(sealed)) if sealed.len() > MAX_SEALED_BYTES => Err(at(pointer)("is too long")),
        (open, sealed) => Ok(open.or_else(|| sealed.cloned())),
    }
}

fn change_brand(header: &Header, wire: &ChangeBrandV1) -> Result<Command, Rejection> {
    let brand: BrandId = header.key.parse().map_err(at("/brand_id"))?;
    about(header, brand.as_str())?;
    let clear = cleared(&wire.clear, BrandField::parse)?;
    let name = sealed_name(wire.name.as_deref(), &texts::of_brands_name(&brand))?;
    let currency = currency(wire.currency.as_deref())?;
    let change = BrandChange {
        sealed_name: edit(name, BrandField::Name, &clear)?,
        currency: edit(currency, BrandField::Currency, &clear)?,
    };
    Ok(Command::ChangeBrand { brand, change })
}

fn create_group(header: &Header, wire: &CreateGroupV1) -> Result<Command, Rejection> {
    // The id of a brand's default group is known before anything names the brand.
    about(header, GroupId::of_command(header.id).as_str())?;
    let (key, subject) = group(header)?;
    Ok(Command::CreateGroup(About {
        record: GroupCreatedV1 {
            link_limit: link_limit(wire.link_limit)?,
            sealed_name: sealed_name(Some(&wire.name), &texts::of_groups_name(&subject))?,
        },
        key,
        subject,
    }))
}

fn change_group(header: &Header, wire: &ChangeGroupV1) -> Result<Command, Rejection> {
    let (brand, group) = group(header)?;
    let clear = cleared(&wire.clear, GroupField::parse)?;
    let status = wire.status.as_deref();
    let status = status.map(|name| GroupStatus::parse(name).ok_or("must be active or archived"));
    let change = GroupChange {
        sealed_name: sealed_name(wire.name.as_deref(), &texts::of_groups_name(&group))?,
        link_limit: edit(link_limit(wire.link_limit)?, GroupField::LinkLimit, &clear)?,
        status: status.transpose().map_err(at("/status"))?,
    };
    Ok(Command::ChangeGroup {
        brand,
        group,
        change,
    })
}

fn move_partner(header: &Header, wire: &MovePartnerV1) -> Result<Command, Rejection> {
    let brand: BrandId = header.key.parse().map_err(at("/brand_id"))?;
    let partner: PartnerId = wire.partner_id.parse().map_err(at("/partner_id"))?;
    about(header, MembershipId::of(&brand, &partner).as_str())?;
    Ok(Command::MovePartner {
        brand,
        partner,
        group: wire.group_id.parse().map_err(at("/group_id"))?,
    })
}

/// The brand that is key, and its group that is subject.
fn group(header: &Header) -> Result<(BrandId, GroupId), Rejection> {
    Ok((
        header.key.parse().map_err(at("/brand_id"))?,
        header.subject.parse().map_err(at("/group_id"))?,
    ))
}

fn link_limit(limit: Option<i32>) -> Result<Option<i32>, Rejection> {
    if let Some(limit) = limit {
        check_link_limit(limit).map_err(at("/link_limit"))?;
    }
    Ok(limit)
}

fn sealed_name(name: Option<&str>, of: &str) -> Result<Option<Vec<u8>>, Rejection> {
    if let Some(name) = name {
        check_campaign_name(name).map_err(at("/name"))?;
    }
    Ok(name.map(|name| texts::seal(of, name)))
}

fn currency(code: Option<&str>) -> Result<Option<Currency>, Rejection> {
    let currency = code.map(Currency::parse).transpose();
    currency.map_err(at("/currency"))
}

fn hosts(names: &[String]) -> Result<(), Rejection> {
    let Some((index, invalid)) = check_allowed_hosts(names).into_iter().next() else {
        return Ok(());
    };
    let pointer = index.map_or(Cow::Borrowed("/allowed_hosts"), |index| {
        format!("/allowed_hosts/{index}").into()
    });
    Err(unreadable(pointer, invalid))
}

fn url(text: Option<&str>, pointer: &'static str) -> Result<Option<String>, Rejection> {
    let url = text.map(WebUrl::parse).transpose().map_err(at(pointer))?;
    Ok(url.map(WebUrl::into_string))
}

fn join(name: Option<&str>) -> Result<Option<JoinMode>, Rejection> {
    let mode = name.map(|name| JoinMode::parse(name).ok_or("must be open, approval or invite"));
    mode.transpose().map_err(at("/join"))
}

fn description(text: Option<&String>) -> Result<Option<String>, Rejection> {
    if let Some(text) = text {
        check_description(text).map_err(at("/description"))?;
    }
    Ok(text.cloned())
}

fn budget(wire: Option<&WireBudget>) -> Result<Option<Budget>, Rejection> {
    let read = wire.map(WireBudget::read).transpose();
    read.map_err(|(pointer, invalid)| at(pointer)(invalid))
}

fn publish_terms(header: &Header, wire: &PublishTermsV1) -> Result<Command, Rejection> {
    check_terms_text(&wire.text).map_err(at("/text"))?;
    check_time(wire.effective_at).map_err(at("/effective_at"))?;
    let plan = wire.plan.read();
    let plan = plan.and_then(|plan| plan.check_amounts().map(|()| plan));
    let campaign = of_campaign(header)?;
    Ok(Command::PublishTerms {
        sealed_text: texts::seal(&texts::of_terms(&campaign), &wire.text),
        campaign,
        window: WindowDays::new(wire.window_days).map_err(at("/window_days"))?,
        plan: plan.map_err(|(pointer, invalid)| at(pointer)(invalid))?,
        text_hash: sha256(&wire.text),
        effective_at: wire.effective_at,
    })
}

fn move_on(header: &Header, step: Step) -> Result<Command, Rejection> {
    let campaign = of_campaign(header)?;
    Ok(Command::Move { campaign, step })
}

fn accept(header: &Header, wire: &AcceptV1) -> Result<Command, Rejection> {
    let (campaign, partner) = members(header, &wire.partner_id)?;
    metadata(wire.metadata.as_deref())?;
    either(None, wire.sealed_metadata.as_ref(), "/metadata")?;
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
    check_evidence_type(&wire.evidence_type).map_err(at("/evidence_type"))?;
    let file = shown_file(header, wire, (&campaign, &partner))?;
    either(None, wire.sealed_metadata.as_ref(), "/metadata")?;
    // They go into the event as they are.
    if wire.sealed_metadata.is_some() && !header.is_from_edge_of(Service::Campaign) {
        return Err(at("/metadata")("is sealed by edges alone"));
    }
    if let Some(hash) = &wire.content_hash {
        check_content_hash(hash).map_err(at("/content_hash"))?;
    }
    let replaces = wire.replaces.as_deref().map(str::parse);
    Ok(Command::SubmitEvidence(About {
        key: campaign,
        subject: file.evidence,
        record: EvidenceSubmittedV1 {
            partner_id: partner,
            evidence_type: wire.evidence_type.clone(),
            url_hash: file.url_hash,
            content_hash: wire.content_hash.clone(),
            replaces: replaces.transpose().map_err(at("/replaces"))?,
            duplicate_of: None,
            sealed_url: Some(file.sealed_url),
            sealed_metadata: wire.sealed_metadata.clone(),
        },
    }))
}

/// Where a file lies.
struct ShownFile {
    evidence: EvidenceId,
    url_hash: String,
    sealed_url: Vec<u8>,
}

/// Of an address that was sealed at its edge the hash is there, and the evidence's id follows from the address there.
fn shown_file(
    header: &Header,
    wire: &SubmitEvidenceV1,
    (campaign, partner): (&CampaignId, &PartnerId),
) -> Result<ShownFile, Rejection> {
    if let Some((sealed, hash)) = wire.sealed_url.as_ref().zip(wire.url_hash.as_ref()) {
        either(None, wire.sealed_url.as_ref(), "/file_url")?;
        if !header.is_from_edge_of(Service::Campaign) {
            return Err(at("/file_url")("is sealed by edges alone"));
        }
        check_content_hash(hash).map_err(at("/file_url"))?;
        if !wire.file_url.is_empty() {
            return Err(at("/file_url")("is given twice"));
        }
        return Ok(ShownFile {
            evidence: header.subject.parse().map_err(at("/evidence_id"))?,
            url_hash: hash.clone(),
            sealed_url: sealed.clone(),
        });
    }
    WebUrl::parse(&wire.file_url).map_err(at("/file_url"))?;
    let evidence = EvidenceId::of(campaign, partner, &wire.evidence_type, &wire.file_url);
    about(header, evidence.as_str())?;
    Ok(ShownFile {
        url_hash: sha256(&wire.file_url),
        sealed_url: texts::seal(&texts::of_evidence(&evidence), &wire.file_url),
        evidence,
    })
}

fn create_api_key(header: &Header, wire: &CreateApiKeyV1) -> Result<Command, Rejection> {
    let key = of_api_key(header)?;
    about(header, ApiKeyId::of_command(header.id).as_str())?;
    let brand_id = wire.brand_id.parse().map_err(at("/brand_id"))?;
    secret(&wire.prefix, &wire.hash)?;
    let scopes = wire.scopes.iter().map(|name| ApiKeyScope::parse(name));
    let scopes: Option<Vec<_>> = scopes.collect();
    let unknown = "names a scope that there is not";
    let scopes = scopes.ok_or(unknown).map_err(at("/scopes"))?;
    check_scopes(&scopes).map_err(at("/scopes"))?;
    check_time(wire.expires_at).map_err(at("/expires_at"))?;
    let created = ApiKeyCreatedV1 {
        brand_id,
        prefix: wire.prefix.clone(),
        hash: wire.hash.clone(),
        scopes,
        expires_at: wire.expires_at,
    };
    Ok(Command::CreateApiKey(About::of(key, created)))
}

fn rotate_api_key(header: &Header, wire: &RotateApiKeyV1) -> Result<Command, Rejection> {
    let key = of_api_key(header)?;
    secret(&wire.prefix, &wire.hash)?;
    let overlap_seconds = wire.overlap_seconds.unwrap_or(0);
    check_overlap(overlap_seconds).map_err(at("/overlap_seconds"))?;
    let rotation = Rotation {
        prefix: wire.prefix.clone(),
        hash: wire.hash.clone(),
        overlap_seconds,
    };
    Ok(Command::RotateApiKey { key, rotation })
}

fn revoke_api_key(header: &Header, wire: &RevokeApiKeyV1) -> Result<Command, Rejection> {
    let key = of_api_key(header)?;
    let brand = wire.brand_id.as_deref().map(BrandId::parse);
    let brand = brand.transpose().map_err(at("/brand_id"))?;
    Ok(Command::RevokeApiKey { key, brand })
}

/// What is known of a secret. Edges alone make them: who knows the hash of a key of another's could have it made one of its own,
/// and what is done with it counted as its own.
fn secret(prefix: &str, hash: &str) -> Result<(), Rejection> {
    check_key_prefix(prefix).map_err(at("/prefix"))?;
    check_key_hash(hash).map_err(at("/hash"))
}

/// The API key that is key and subject, of an edge's command.
fn of_api_key(header: &Header) -> Result<ApiKeyId, Rejection> {
    if !header.is_from_edge_of(Service::Campaign) {
        let detail = "API keys are for people to make, rotate and revoke, and not for a producer";
        return Err(Rejection::new(Code::NotForProducers, detail));
    }
    about(header, &header.key)?;
    header.key.parse().map_err(at("/key_id"))
}

fn review(header: &Header, review: Review) -> Result<Command, Rejection> {
    Ok(Command::Review {
        campaign: header.key.parse().map_err(at("/campaign_id"))?,
        evidence: header.subject.parse().map_err(at("/evidence_id"))?,
        review,
    })
}

fn evidence_reason(name: &str) -> Result<EvidenceReason, Rejection> {
    let reason = EvidenceReason::parse(name);
    reason.ok_or("is none that is known").map_err(at("/reason"))
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

/// In hexadecimal.
fn sha256(text: &str) -> String {
    types::hex(&Sha256::digest(text.as_bytes()))
}

fn at<E: ToString>(pointer: &'static str) -> impl FnOnce(E) -> Rejection {
    move |error| unreadable(pointer.into(), error)
}

#[expect(clippy::needless_pass_by_value, reason = "it ends here")]
fn unreadable<E: ToString>(pointer: Cow<'static, str>, error: E) -> Rejection {
    let detail = format!("the command cannot be read: {}", error.to_string());
    Rejection::of(pointer, Code::Unreadable, detail)
}
