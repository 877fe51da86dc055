//! Where the tokens of an identity provider say what ours say.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

use super::{Audience, Claims, Role};
use crate::config::Env;
use crate::json::unambiguous;

/// A claim or role that has a longer name than this is none.
const MAX_NAME_LENGTH: usize = 128;
/// The claim whose text is a list of names.
const SCOPE: &str = "scope";

/// The claims that have what is ours, and the roles' names in them.
///
/// The name of a claim is one at the top of the token, dots and all; else each dot leads into an object, as in Keycloak's
/// `realm_access.roles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    user_id: String,
    partner_id: String,
    brand_id: String,
    email: String,
    roles: String,
    role_names: Vec<(String, Role)>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            user_id: "user_id".to_owned(),
            partner_id: "partner_id".to_owned(),
            brand_id: "brand_id".to_owned(),
            email: "email".to_owned(),
            roles: "roles".to_owned(),
            role_names: Role::ALL.map(|role| (role.to_string(), role)).to_vec(),
        }
    }
}

/// What RFC 7519 names.
#[derive(Deserialize)]
struct Registered {
    sub: String,
    #[serde(default)]
    iat: Option<NumericDate>,
    #[serde(default)]
    nbf: Option<NumericDate>,
    exp: NumericDate,
    iss: String,
    aud: Audience,
}

/// Seconds since 1970; their fraction, which RFC 7519, 2 allows, is let go.
struct NumericDate(u64);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?.to_string();
        let (seconds, _) = number.split_once('.').unwrap_or((&number, ""));
        seconds.parse().map(Self).map_err(D::Error::custom)
    }
}

impl ClaimNames {
    /// Reads `JWT_CLAIM_USER_ID`, `…_PARTNER_ID`, `…_BRAND_ID`, `…_EMAIL` and `…_ROLES`, and the names of each role from
    /// `JWT_ROLE_PARTNER`, `…_BRAND` and `…_OPERATOR`, several by commas. Where nothing is set, ours.
    pub fn read(env: &mut Env) -> Self {
        let ours = Self::default();
        let claims = [
            ("JWT_CLAIM_USER_ID", ours.user_id),
            ("JWT_CLAIM_PARTNER_ID", ours.partner_id),
            ("JWT_CLAIM_BRAND_ID", ours.brand_id),
            ("JWT_CLAIM_EMAIL", ours.email),
            ("JWT_CLAIM_ROLES", ours.roles),
        ];
        let [user_id, partner_id, brand_id, email, roles] =
            claims.map(|(variable, ours)| claim(env, variable, ours));
        Self {
            user_id,
            partner_id,
            brand_id,
            email,
            roles,
            role_names: role_names(env),
        }
    }

    /// What a token says; `None` when it says something twice, or a claim has another form than it must. A role that has no
    /// name here gives nothing.
    pub(super) fn claims(&self, token: &str) -> Option<Claims> {
        unambiguous(token).ok()?;
        let token: Value = serde_json::from_str(token).ok()?;
        let text = |name: &str| match found(&token, name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) => Some(Some(text.clone())),
            // Some providers number their users.
            Some(Value::Number(number)) if number.is_u64() => Some(Some(number.to_string())),
            Some(_) => None,
        };
        let (user_id, email) = (text(&self.user_id)?, text(&self.email)?);
        let (partner_id, brand_id) = (text(&self.partner_id)?, text(&self.brand_id)?);
        let roles = self.roles_of(found(&token, &self.roles))?;
        let registered = Registered::deserialize(&token).ok()?;
        Some(Claims {
            sub: registered.sub,
            user_id,
            partner_id,
            brand_id,
            email,
            roles: roles.iter().map(Role::to_string).collect(),
            iat: registered.iat.map(|it| it.0),
            nbf: registered.nbf.map(|it| it.0),
            exp: registered.exp.0,
            iss: registered.iss,
            aud: registered.aud,
        })
    }

    /// Of a list of names; of `scope`, of a text with spaces between them (RFC 8693, 4.2).
    fn roles_of(&self, claim: Option<&Value>) -> Option<Vec<Role>> {
        let role = |name: &str| {
            let known = self.role_names.iter().find(|(known, _)| known == name);
            known.map(|(_, role)| *role)
        };
        match claim {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::String(text)) if self.roles == SCOPE => {
                Some(text.split(' ').filter_map(role).collect())
            }
            Some(Value::Array(names)) => {
                let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
                Some(names?.into_iter().filter_map(role).collect())
            }
            Some(_) => None,
        }
    }

    /// The token that says this, for a provider of these names.
    pub fn token(&self, claims: &Claims) -> Value {
        let mut token = Map::new();
        let roles = claims.roles.iter().map(|role| {
            let given = self.role_names.iter().find(|(_, it)| it.name() == role);
            Value::from(given.map_or(role, |(name, _)| name).clone())
        });
        let text = |text: &Option<String>| text.clone().map(Value::from);
        for (name, value) in [
            (&*self.user_id, text(&claims.user_id)),
            (&self.partner_id, text(&claims.partner_id)),
            (&self.brand_id, text(&claims.brand_id)),
            (&self.email, text(&claims.email)),
            (&self.roles, Some(roles.collect())),
            ("sub", Some(claims.sub.clone().into())),
            ("iat", claims.iat.map(Value::from)),
            ("nbf", claims.nbf.map(Value::from)),
            ("exp", Some(claims.exp.into())),
            ("iss", Some(claims.iss.clone().into())),
            ("aud", serde_json::to_value(&claims.aud).ok()),
        ] {
            if let Some(value) = value {
                put(&mut token, name, value);
            }
        }
        Value::Object(token)
    }
}

/// The value of a claim, at the top or inside of objects.
fn found<'a>(token: &'a Value, name: &str) -> Option<&'a Value> {
    let within = || {
        name.split('.')
            .try_fold(token, |value, part| value.get(part))
    };
    token.get(name).or_else(within)
}

/// A URL, as Auth0 names claims, is one name.
fn put(token: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some((first, rest)) = name.split_once('.').filter(|_| !name.contains('/')) {
        let inside = token.entry(first).or_insert_with(|| Map::new().into());
        if let Value::Object(inside) = inside {
            put(inside, rest, value);
            return;
        }
    }
    token.insert(name.to_owned(), value);
}

fn claim(env: &mut Env, variable: &str, ours: String) -> String {
    let name = env.or(variable, ours.clone());
    if is_name(&name) {
        return name;
    }
    env.report(variable, "must be the name of a claim", &ours);
    ours
}

fn role_names(env: &mut Env) -> Vec<(String, Role)> {
    let mut names: Vec<(String, Role)> = Vec::new();
    for role in Role::ALL {
        let variable = format!("JWT_ROLE_{}", role.name().to_uppercase());
        let given: String = env.or(&variable, role.to_string());
        for name in given.split(',').map(str::trim) {
            if !is_name(name) || name.contains(' ') {
                env.report(&variable, "must be names of roles, by commas", role.name());
            } else if names.iter().any(|(other, _)| other == name) {
                env.report(&variable, "names a role that is another's", role.name());
            } else {
                names.push((name.to_owned(), role));
            }
        }
    }
    names
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_LENGTH).contains(&name.len()) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(variables: &[(&str, &str)]) -> ClaimNames {
        let mut env = Env::from_map(variables.iter().copied());
        let names = ClaimNames::read(&mut env);
        env.finish().unwrap();
        names
    }

    fn token(more: Value) -> String {
        let mut token = json!({"sub": "u1", "exp": 9, "iss": "i", "aud": "a"});
        let Value::Object(more) = more else {
            unreachable!("claims are an object")
        };
        token.as_object_mut().unwrap().extend(more);
        token.to_string()
    }

    #[test]
    fn a_claim_is_found_at_the_top_by_its_whole_name_and_else_inside() {
        let names = names(&[
            ("JWT_CLAIM_ROLES", "realm_access.roles"),
            ("JWT_CLAIM_PARTNER_ID", "https://tributary.example/partner"),
            ("JWT_CLAIM_USER_ID", "uid"),
        ]);
        let claims = names.claims(&token(json!({
            "realm_access": {"roles": ["partner", "offline_access"]},
            "https://tributary.example/partner": "p1", "uid": 7, "partner_id": "another",
        })));
        let claims = claims.unwrap();
        assert_eq!(claims.roles, ["partner"]);
        assert_eq!(claims.partner_id.as_deref(), Some("p1"));
        assert_eq!(claims.user_id.as_deref(), Some("7"));
        assert_eq!(
            names.claims(&names.token(&claims).to_string()),
            Some(claims),
            "there and back"
        );
    }

    #[test]
    fn roles_may_be_one_text_and_our_names_count_no_more_when_others_are_given() {
        let names = names(&[
            ("JWT_CLAIM_ROLES", "scope"),
            ("JWT_ROLE_OPERATOR", "admin, ROOT"),
        ]);
        let roles = |scope: Value| {
            names
                .claims(&token(json!({"scope": scope})))
                .map(|it| it.roles)
        };
        assert_eq!(
            roles(json!("openid ROOT brand")).unwrap(),
            ["operator", "brand"]
        );
        assert_eq!(roles(json!("operator admin2")).unwrap(), [""; 0]);
        assert_eq!(roles(json!(null)).unwrap(), [""; 0]);
        assert_eq!(roles(json!({"admin": true})), None, "no list of names");
        assert_eq!(roles(json!(["admin", 1])), None);
    }

    #[test]
    fn a_text_is_a_list_of_roles_in_scope_alone_and_nothing_is_said_twice() {
        let names = ClaimNames::default();
        assert_eq!(names.claims(&token(json!({"roles": "operator"}))), None);
        let once = token(json!({"roles": ["partner"]}));
        let twice = once.replace("\"roles\"", "\"roles\":[\"operator\"],\"roles\"");
        assert!(names.claims(&once).is_some());
        assert_eq!(names.claims(&twice), None);
    }

    #[test]
    fn a_claim_of_another_form_is_no_token_of_ours() {
        let names = ClaimNames::default();
        for wrong in [json!(["p1"]), json!({}), json!(true), json!(-1), json!(1.5)] {
            assert_eq!(
                names.claims(&token(json!({"partner_id": wrong}))),
                None,
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_name_that_is_two_roles_or_none_is_reported() {
        for (variable, value) in [
            ("JWT_ROLE_PARTNER", "brand"),
            ("JWT_ROLE_BRAND", "shop,,"),
            ("JWT_CLAIM_ROLES", "\u{7}"),
        ] {
            let mut env = Env::from_map([(variable, value)]);
            ClaimNames::read(&mut env);
            let error = env.finish().unwrap_err().to_string();
            assert!(error.contains("JWT_"), "{variable}={value}: {error}");
        }
    }
}
