//! Who asks.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use types::ids::{Asker, MAX_HEADER_TEXT};
use types::{ApiKeyScope, BrandId, PartnerId};

use super::{Claims, Role, RouteScopes, TokenError, Verifier};
use crate::problem::{FieldProblem, Problem, code};

/// The subject of a request without a token on a developer's machine.
const LOCAL_OPERATOR: &str = "local-operator";
const MAX_NAME_LENGTH: usize = 128;

/// Who asks, as a verified token says. An extractor that answers 401.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's subject.
    pub subject: String,
    /// The roles that are known here.
    pub roles: Vec<Role>,
    /// The partner it acts for.
    pub partner_id: Option<PartnerId>,
    /// The brand it acts for.
    pub brand_id: Option<BrandId>,
    /// The end user it stands for.
    pub user_id: Option<String>,
    /// For display only.
    pub email: Option<String>,
    /// What it may do of what its roles may, when it is an API key; `None`: all of it.
    pub scopes: Option<Vec<ApiKeyScope>>,
}

/// What the token of a request was found to be, kept beside the request.
#[derive(Debug, Clone)]
pub(crate) struct Shown(pub(crate) Result<Caller, TokenError>);

/// What a caller may see in a list: `WHERE $all OR partner_id = $partner OR brand_id = $brand`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// Everything.
    pub all: bool,
    /// What is this partner's.
    pub partner: Option<&'a PartnerId>,
    /// What is this brand's.
    pub brand: Option<&'a BrandId>,
}

impl Caller {
    /// The operator of a developer's machine.
    pub fn local_operator() -> Self {
        Self {
            subject: LOCAL_OPERATOR.to_owned(),
            roles: vec![Role::Operator],
            partner_id: None,
            brand_id: None,
            user_id: None,
            email: None,
            scopes: None,
        }
    }

    /// Whether it is nobody in particular, on a developer's machine.
    pub fn is_local_operator(&self) -> bool {
        self.subject == LOCAL_OPERATOR
    }

    /// `None` when a claim has no acceptable form: it would be stored and compared. No token names the local operator, of whom no share of
    /// anything is kept.
    pub(super) fn from_claims(claims: Claims) -> Option<Self> {
        let name = |text: &str| {
            !text.is_empty()
                && text.chars().count() <= MAX_NAME_LENGTH
                && !text.chars().any(char::is_control)
        };
        let optional = |text: &Option<String>| text.as_deref().is_none_or(name);
        let is_ours = claims.sub == LOCAL_OPERATOR;
        if is_ours || !name(&claims.sub) || !optional(&claims.user_id) || !optional(&claims.email) {
            return None;
        }
        // Subject and roles go into the header of every message of this caller's, which followers refuse where they do not fit.
        if claims.sub.len() > MAX_HEADER_TEXT {
            return None;
        }
        let mut roles: Vec<Role> = Vec::new();
        for role in claims.roles.iter().filter_map(|role| role.parse().ok()) {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        Some(Self {
            roles,
            partner_id: claims.partner_id.map(PartnerId::parse).transpose().ok()?,
            brand_id: claims.brand_id.map(BrandId::parse).transpose().ok()?,
            subject: claims.sub,
            user_id: claims.user_id,
            email: claims.email,
            scopes: None,
        })
    }

    /// Who it is, to be compared: its commands, idempotency keys and share of requests are its own.
    pub fn identity(&self) -> Asker<'_> {
        Asker {
            subject: &self.subject,
            partner: self.partner().map(PartnerId::as_str),
            brand: self.brand().map(BrandId::as_str),
        }
    }

    /// Whether it has the role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The names of its roles, for a message's actor.
    pub fn role_names(&self) -> Vec<String> {
        self.roles.iter().map(Role::to_string).collect()
    }

    /// Whether it may do everything.
    pub fn is_operator(&self) -> bool {
        self.has(Role::Operator)
    }

    /// The partner it is; `None` without the role or the id.
    pub fn partner(&self) -> Option<&PartnerId> {
        self.partner_id.as_ref().filter(|_| self.has(Role::Partner))
    }

    /// The brand it is; `None` without the role or the id.
    pub fn brand(&self) -> Option<&BrandId> {
        self.brand_id.as_ref().filter(|_| self.has(Role::Brand))
    }

    /// Whether it is this partner, and sees of it what partners do: an operator sees more.
    pub fn is_only_partner(&self, partner: &str) -> bool {
        self.partner().is_some_and(|own| own.as_str() == partner) && !self.is_operator()
    }

    /// The brand whose shop it speaks for; an operator speaks for none.
    pub fn shop(&self) -> Option<&BrandId> {
        self.brand().filter(|_| !self.is_operator())
    }

    /// The partner it is, else 403.
    pub fn require_partner(&self) -> Result<&PartnerId, Problem> {
        self.partner().ok_or_else(|| {
            Problem::forbidden("this is for partners: the token needs the role and a partner_id")
        })
    }

    /// The brand it is, else 403.
    pub fn require_brand(&self) -> Result<&BrandId, Problem> {
        self.brand().ok_or_else(|| {
            Problem::forbidden("this is for brands: the token needs the role and a brand_id")
        })
    }

    /// The partner that a body is about: the one it names, else the caller's own. Whether the caller may act for the one it names is
    /// decided with the state.
    ///
    /// # Errors
    ///
    /// 422 where an operator names none, 403 where anybody else does who is no partner.
    pub fn partner_or_own(&self, named: Option<&PartnerId>) -> Result<PartnerId, Problem> {
        match named.or(self.partner()) {
            Some(partner) => Ok(partner.clone()),
            None if self.is_operator() => Err(unnamed("/partner_id")),
            None => self.require_partner().cloned(),
        }
    }

    /// The same of a brand.
    ///
    /// # Errors
    ///
    /// 422 where an operator names none, 403 where anybody else does who is no brand.
    pub fn brand_or_own(&self, named: Option<&BrandId>) -> Result<BrandId, Problem> {
        match named.or(self.brand()) {
            Some(brand) => Ok(brand.clone()),
            None if self.is_operator() => Err(unnamed("/brand_id")),
            None => self.require_brand().cloned(),
        }
    }

    /// 403 unless it is an operator.
    pub fn require_operator(&self) -> Result<(), Problem> {
        if self.is_operator() {
            Ok(())
        } else {
            Err(Problem::forbidden("this is for operators"))
        }
    }

    /// 404 unless the thing is this partner's or in this brand's campaign, or it is an operator.
    pub fn require_owner(
        &self,
        partner: Option<&PartnerId>,
        brand: Option<&BrandId>,
    ) -> Result<(), Problem> {
        let owns_as_partner = partner.is_some() && partner == self.partner();
        let owns_as_brand = brand.is_some() && brand == self.brand();
        let may = self.is_operator() || owns_as_partner || owns_as_brand;
        if may {
            Ok(())
        } else {
            Err(Problem::not_found())
        }
    }

    /// The partner that a list is narrowed to: its own, or the one that an operator names; `None`: all of them. 404 when anybody
    /// names another, 403 where who is no partner names none.
    pub fn narrowed_to_partner<'a>(
        &'a self,
        named: Option<&'a PartnerId>,
    ) -> Result<Option<&'a PartnerId>, Problem> {
        match named {
            Some(_) => self.require_owner(named, None).map(|()| named),
            None if self.is_operator() => Ok(None),
            None => self.require_partner().map(Some),
        }
    }

    /// Its brand, of whose things alone it may see; `None` of an operator, who sees everybody's. Others get 403.
    pub fn brand_scope(&self) -> Result<Option<&BrandId>, Problem> {
        if self.is_operator() {
            return Ok(None);
        }
        self.require_brand().map(Some)
    }

    /// The brand that a list is narrowed to: its own, or the one that an operator names; `None`: all of them. 404 when a brand
    /// names another.
    pub fn narrowed<'a>(
        &'a self,
        named: Option<&'a BrandId>,
    ) -> Result<Option<&'a BrandId>, Problem> {
        let own = self.brand_scope()?;
        if own.is_some() && named.is_some() && own != named {
            return Err(Problem::not_found());
        }
        Ok(own.or(named))
    }

    /// What it may see in a list; 403 when it is nothing that owns anything.
    pub fn scope(&self) -> Result<Scope<'_>, Problem> {
        let scope = Scope {
            all: self.is_operator(),
            partner: self.partner(),
            brand: self.brand(),
        };
        match scope {
            Scope {
                all: false,
                partner: None,
                brand: None,
            } => Err(Problem::forbidden(
                "the token has no role that sees anything here",
            )),
            _ => Ok(scope),
        }
    }
}

impl Caller {
    /// An API key may do what the route says: 403 otherwise. Whoever asks a handler who calls has asked this.
    fn within_its_scopes(self, request: &Parts) -> Result<Self, Problem> {
        if let Some(held) = &self.scopes {
            let stated = request.extensions.get::<Arc<RouteScopes>>();
            let nothing = Arc::default();
            stated.unwrap_or(&nothing).check(held, request)?;
        }
        Ok(self)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // The shell has verified the token; a router without one has it done here.
        if let Some(Shown(caller)) = parts.extensions.get() {
            return caller.clone().map_err(refused)?.within_its_scopes(parts);
        }
        let verifier = parts.extensions.get::<Arc<Verifier>>();
        let verifier =
            verifier.ok_or_else(|| Problem::internal(&"the shell has no token verifier"))?;
        let verifier = Arc::clone(verifier);
        let caller = verifier.caller_by_fresh_keys(&parts.headers).await;
        caller.map_err(refused)?.within_its_scopes(parts)
    }
}

/// RFC 6750: no error code for a request that shows no token.
fn refused(error: TokenError) -> Problem {
    match error {
        TokenError::Missing => Problem::of(code::UNAUTHORIZED)
            .with_detail("a bearer token is needed")
            .with_header(
                WWW_AUTHENTICATE,
                HeaderValue::from_static(r#"Bearer realm="tributary""#),
            ),
        TokenError::Host => Problem::of(code::MISDIRECTED_REQUEST).with_detail(error.to_string()),
        TokenError::Origin => Problem::forbidden(error.to_string()),
        TokenError::NoKeys => Problem::unavailable(code::KEYS_UNAVAILABLE, error.to_string(), 5),
        TokenError::ApiKeysUnavailable => {
            Problem::unavailable(code::KEYS_UNAVAILABLE, error.to_string(), 1)
        }
        error => Problem::unauthorized(error.to_string()),
    }
}

fn unnamed(pointer: &'static str) -> Problem {
    let detail = "an operator must say for whom";
    Problem::invalid(vec![FieldProblem::at(pointer, detail)])
}
