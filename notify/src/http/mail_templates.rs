//! `/api/v1/notify/mail-templates`: what is mailed to whom, and what brands say in mails to their partners.

use api::{
    ChangeMailTemplate, MailDraftQuery, MailPreview, MailPreviewQuery, MailTemplateFilter,
    MailTemplateView, MailTemplates, MailText, MailTexts, MailVariable, OwnMailTemplate,
    ResetMailTemplate,
};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable};
use chassis::params::{Path, Query};
use chassis::problem::{FieldProblem, Problem};
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{Done, Host, NotifyRefusals, OrUnread};
use types::{BrandId, Channel, MailLanguage, MailTemplateId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::{Code, MailTemplate};
use crate::mail::{self, Draft, Kind, Rendered, Variable};
use crate::store::mail_templates;

/// What is asked of brands' own texts.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(change_mail_template, reset_mail_template))
}

/// Texts as they stand, and what they look like.
pub(super) fn reads() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(list_mail_templates))
        .routes(routes!(preview_mail, preview_mail_draft))
        .routes(routes!(get_mail_template))
}

super::done!(
    /// What was done to a brand's own text.
    MailTemplateDone, template_id, "mtp_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f", "mail_template.changed.v1"
);

/// The kind of mail that a path names, of which brands write their own text, with what may stand in it.
fn customizable(kind: &str) -> Result<(&'static Kind, &'static [Variable]), Problem> {
    let kind = mail::kind_of(kind).ok_or_else(Problem::not_found)?;
    let variables = kind.variables().ok_or_else(Problem::not_found)?;
    Ok((kind, variables))
}

/// Have a kind of mail to a brand's partners say something else in a language
///
/// It counts for mails that are sent from then on. A text of which no mail can be made is refused.
#[utoipa::path(
    put,
    path = "/api/v1/notify/mail-templates/{kind}/{language}",
    tag = "mail",
    params(
        ("kind" = String, Path, example = "enrollment.approved.v1"),
        ("language" = api::lists::MailLanguage, Path),
        Repeatable
    ),
    request_body(content = ChangeMailTemplate, example = json!({"subject": "Welcome to {{ campaign }}", "text": "Great to have you.\n\nMake your first link now."})),
    responses(Done<MailTemplateDone>, Problems<(Forbidden, NotFound, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn change_mail_template(
    State(host): State<Host>,
    caller: Caller,
    Path((kind, language)): Path<(String, MailLanguage)>,
    write: Write<ChangeMailTemplate>,
) -> Result<Done<MailTemplateDone>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    customizable(&kind)?;
    let command = |_, body: ChangeMailTemplate| body.command(brand, kind, language);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| MailTemplateDone::from(first)))
}

/// Have a kind of mail to a brand's partners say in a language what ours does
#[utoipa::path(
    delete,
    path = "/api/v1/notify/mail-templates/{kind}/{language}",
    tag = "mail",
    params(
        ("kind" = String, Path, example = "enrollment.approved.v1"),
        ("language" = api::lists::MailLanguage, Path),
        Repeatable
    ),
    request_body(content = ResetMailTemplate, example = json!({"brand_id": "brand1"})),
    responses(Done<MailTemplateDone>, Problems<(Forbidden, NotFound, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn reset_mail_template(
    State(host): State<Host>,
    caller: Caller,
    Path((kind, language)): Path<(String, MailLanguage)>,
    write: Write<ResetMailTemplate>,
) -> Result<Done<MailTemplateDone>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    customizable(&kind)?;
    let command = |_, body: ResetMailTemplate| body.command(brand, kind, language);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| MailTemplateDone::from(first)))
}

/// What is mailed to whom, and which of it a brand writes itself. For operators and brands.
#[utoipa::path(
    get,
    path = "/api/v1/notify/mail-templates",
    tag = "mail",
    params(MailTemplateFilter),
    responses((status = 200, body = MailTemplates), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(super) async fn list_mail_templates(
    State(host): State<Host>,
    caller: Caller,
    Query(filter): Query<MailTemplateFilter>,
) -> Result<Json<MailTemplates>, Problem> {
    let brand = caller.narrowed(filter.brand_id.as_ref())?;
    let own = match brand {
        Some(brand) => mail_templates::of_brand(host.pool(), brand)
            .await
            .or_unread()?,
        None => Vec::new(),
    };
    let names = |channels: &[Channel]| channels.iter().map(|it| it.name().to_owned()).collect();
    let items = mail::KINDS.iter().map(|kind| MailTemplateView {
        kind: kind.event.to_owned(),
        to: kind.to.names(),
        group: kind.group.name().to_owned(),
        languages: MailLanguage::ALL.map(|it| it.name().to_owned()).to_vec(),
        channels: names(kind.channels()),
        is_customizable: kind.variables().is_some(),
        own: own
            .iter()
            .filter(|it| it.now.kind == kind.event)
            .map(|it| OwnMailTemplate {
                language: it.now.language.name().to_owned(),
                changed_at: Timestamp(it.changed_at),
            })
            .collect(),
    });
    Ok(Json(MailTemplates {
        items: items.collect(),
    }))
}

/// What a kind of mail to partners says in a language: a brand's own text, and ours. For operators and brands.
#[utoipa::path(
    get,
    path = "/api/v1/notify/mail-templates/{kind}/{language}",
    tag = "mail",
    params(
        ("kind" = String, Path, example = "enrollment.approved.v1"),
        ("language" = api::lists::MailLanguage, Path),
        MailTemplateFilter
    ),
    responses((status = 200, body = MailTexts), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(super) async fn get_mail_template(
    State(host): State<Host>,
    caller: Caller,
    Path((kind, language)): Path<(String, MailLanguage)>,
    Query(filter): Query<MailTemplateFilter>,
) -> Result<Json<MailTexts>, Problem> {
    let brand = caller.narrowed(filter.brand_id.as_ref())?;
    let (kind, variables) = customizable(&kind)?;
    let ours = kind.ours(language).ok_or_else(Problem::not_found)?;
    let found = match brand {
        Some(brand) => own(&host, brand, kind, language).await?,
        None => None,
    };
    let draft = found.as_ref().and_then(Draft::open);
    let sample = kind.sample().unwrap_or_default();
    let samples = mail::sample_values(variables, language, &of(brand)?, &sample);
    let variables = variables.iter().map(|it| MailVariable {
        name: it.name.to_owned(),
        sample: samples.get(it.name).cloned().unwrap_or_default(),
    });
    let changed_at = found.filter(|_| draft.is_some());
    Ok(Json(MailTexts {
        kind: kind.event.to_owned(),
        language: language.name().to_owned(),
        own: draft.map(written),
        changed_at: changed_at.map(|it| Timestamp(it.changed_at)),
        ours: written(ours),
        variables: variables.collect(),
    }))
}

async fn own(
    host: &Host,
    brand: &BrandId,
    kind: &Kind,
    language: MailLanguage,
) -> Result<Option<MailTemplate>, Problem> {
    let id = MailTemplateId::of(brand, kind.event, language).into_string();
    let found = mail_templates::load(host.pool(), &[id]).await;
    Ok(found.or_unread()?.pop())
}

/// Whose mail a sample is.
fn of(brand: Option<&BrandId>) -> Result<BrandId, Problem> {
    let sample = || BrandId::parse("brand1").map_err(|error| Problem::internal(&error));
    brand.map_or_else(sample, |brand| Ok(brand.clone()))
}

fn written(draft: Draft) -> MailText {
    MailText {
        subject: draft.subject,
        text: draft.text,
    }
}

/// What a mail or a text looks like, made of a sample. For operators and brands.
#[utoipa::path(
    get,
    path = "/api/v1/notify/mail-templates/{kind}/preview",
    tag = "mail",
    params(("kind" = String, Path, example = "payout.paid.v1"), MailPreviewQuery),
    responses((status = 200, body = MailPreview), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(super) async fn preview_mail(
    caller: Caller,
    Path(kind): Path<String>,
    Query(query): Query<MailPreviewQuery>,
) -> Result<Json<MailPreview>, Problem> {
    caller.brand_scope()?;
    let kind = mail::kind_of(&kind).ok_or_else(Problem::not_found)?;
    let language = query.language.unwrap_or(MailLanguage::English);
    let mut sample = kind.sample().ok_or_else(Problem::not_found)?;
    mail::add_sample_link(&mut sample, kind, language);
    let channel = query.channel.unwrap_or(Channel::Mail);
    if !kind.channels().contains(&channel) {
        return Err(Problem::not_found());
    }
    let rendered = mail::render(kind, channel, language, &sample);
    let rendered = rendered.map_err(|error| Problem::internal(&error))?;
    Ok(preview(kind, (language, channel), rendered))
}

/// What a mail would look like with a brand's draft, made of a sample, or what is wrong with it. Nothing is changed. For operators and
/// brands.
#[utoipa::path(
    post,
    path = "/api/v1/notify/mail-templates/{kind}/preview",
    tag = "mail",
    params(("kind" = String, Path, example = "enrollment.approved.v1"), MailDraftQuery),
    request_body(content = ChangeMailTemplate, example = json!({"subject": "Welcome to {{ campaign }}", "text": "Great to have you.\n\nMake your first link now."})),
    responses((status = 200, body = MailPreview), Problems<(Forbidden, NotFound, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn preview_mail_draft(
    caller: Caller,
    Path(kind): Path<String>,
    Query(query): Query<MailDraftQuery>,
    Json(body): Json<ChangeMailTemplate>,
) -> Result<Json<MailPreview>, Problem> {
    let brand = of(caller.narrowed(body.brand_id())?)?;
    let (kind, _) = customizable(&kind)?;
    let language = query.language.unwrap_or(MailLanguage::English);
    let mut sample = kind.sample().ok_or_else(Problem::not_found)?;
    mail::add_sample_link(&mut sample, kind, language);
    let draft = Draft {
        subject: body.subject,
        text: body.text,
    };
    let rendered = draft
        .preview(kind, language, &brand, &sample)
        .map_err(|it| {
            let code = Code::MailTemplateInvalid.code();
            let code = chassis::problem::Code::new(code.status, code.name, code.meaning);
            let error = FieldProblem::at(it.pointer, it.detail.clone());
            Problem::of(code).with_detail(it.detail).with_error(error)
        })?;
    Ok(preview(kind, (language, Channel::Mail), rendered))
}

fn preview(
    kind: &Kind,
    (language, channel): (MailLanguage, Channel),
    rendered: Rendered,
) -> Json<MailPreview> {
    Json(MailPreview {
        kind: kind.event.to_owned(),
        language: language.name().to_owned(),
        channel: channel.name().to_owned(),
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
    })
}
