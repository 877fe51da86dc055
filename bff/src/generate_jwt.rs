//! `generate-jwt`: makes a bearer token. Prints the token, or the key set that it is verified with, and nothing else.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use chassis::auth::{Algorithm, ClaimNames, Claims, Role, SigningKey};
use chassis::config::Env;
use clap::Parser;
use secrecy::SecretString;
use types::{BrandId, PartnerId};

/// Where `./start.sh` keeps the secrets that it makes.
const MADE_SECRETS: &str = ".tributary/secrets.env";

static VERSION: LazyLock<String> = LazyLock::new(|| chassis::version!().to_string());

/// Makes a bearer token. Without options: for partner123, in the role partner, for an hour.
///
/// What is not given is taken from the environment or `.env` (`JWT_SECRET_KEY`, `JWT_ISSUER`, `JWT_AUDIENCE`,
/// `JWT_ALGORITHM`, `JWT_PRIVATE_KEY`, each also as a file that `<name>_FILE` names, and the names of claims and roles), the secret at last from what `./start.sh` made.
#[derive(Debug, Parser)]
#[command(name = "generate-jwt", version = VERSION.as_str())]
struct Options {
    /// Who the token is for; absent: the partner's, brand's or user's id.
    #[arg(long)]
    subject: Option<String>,
    /// partner, brand or operator; repeat it, or separate several by commas. Absent: partner.
    #[arg(long = "role", alias = "roles", value_delimiter = ',')]
    roles: Vec<Role>,
    /// The partner that it acts for; absent, in the role partner: partner123.
    #[arg(long)]
    partner: Option<PartnerId>,
    /// The brand that it acts for; absent, in the role brand: brand123.
    #[arg(long)]
    brand: Option<BrandId>,
    /// The end user that it stands for.
    #[arg(long, default_value = "user123")]
    user: String,
    /// For display only.
    #[arg(long)]
    email: Option<String>,
    /// How long it is valid: seconds, or a number with s, m, h or d behind it.
    #[arg(long, default_value = "1h", value_parser = lifetime)]
    lifetime: u64,
    /// Signs it: 32 bytes or more.
    #[arg(long, value_name = "SECRET")]
    key: Option<SecretString>,
    /// A private key in PEM, for another algorithm than HS256.
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// The name of the key, for verifiers with a key set.
    #[arg(long)]
    key_id: Option<String>,
    /// Prints the key set in which verifiers find the public half of the private key, and no token.
    #[arg(long, requires = "key_id")]
    key_set: bool,
    /// HS256, RS256, ES256 or `EdDSA`.
    #[arg(long)]
    algorithm: Option<Algorithm>,
    /// Who made it.
    #[arg(long)]
    issuer: Option<String>,
    /// Whom it is shown to.
    #[arg(long)]
    audience: Option<String>,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool"
)]
fn main() -> ExitCode {
    match token(Options::parse(), Env::from_process()) {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("generate-jwt: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn token(options: Options, mut env: Env) -> Result<String> {
    let key = signing_key(&options, &mut env);
    let issuer = options.issuer.clone();
    let issuer = issuer.unwrap_or_else(|| env.or("JWT_ISSUER", "tributary".to_owned()));
    let audience = options.audience.clone();
    let audience = audience.unwrap_or_else(|| env.or("JWT_AUDIENCE", "tributary".to_owned()));
    let names = ClaimNames::read(&mut env);
    env.finish()?;
    let key = key?;
    if options.key_set {
        return Ok(key.key_set()?);
    }
    let roles = if options.roles.is_empty() {
        default_roles(&options)
    } else {
        options.roles
    };
    let partner = options.partner.map(PartnerId::into_string);
    let partner = partner.or_else(|| default_id(&roles, Role::Partner, "partner123"));
    let brand = options.brand.map(BrandId::into_string);
    let brand = brand.or_else(|| default_id(&roles, Role::Brand, "brand123"));
    let own_ids = [options.subject, partner.clone(), brand.clone()];
    let subject = own_ids.into_iter().flatten().next();
    let subject = subject.unwrap_or_else(|| options.user.clone());
    let mut claims = Claims::new(&subject, &issuer, &audience, options.lifetime);
    claims.roles = roles.iter().map(Role::to_string).collect();
    claims.partner_id = partner;
    claims.brand_id = brand;
    claims.user_id = Some(options.user);
    claims.email = options.email;
    Ok(key.mint(&names.token(&claims))?)
}

/// A token for a brand alone is a brand's.
fn default_roles(options: &Options) -> Vec<Role> {
    match (&options.partner, &options.brand) {
        (None, Some(_)) => vec![Role::Brand],
        (Some(_), Some(_)) => vec![Role::Partner, Role::Brand],
        _ => vec![Role::Partner],
    }
}

fn default_id(roles: &[Role], role: Role, id: &str) -> Option<String> {
    roles.contains(&role).then(|| id.to_owned())
}

fn signing_key(options: &Options, env: &mut Env) -> Result<SigningKey> {
    let algorithm = options
        .algorithm
        .unwrap_or_else(|| env.or("JWT_ALGORITHM", Algorithm::Hs256));
    let key = if algorithm == Algorithm::Hs256 {
        let secret = options.key.clone().or_else(|| secret_of(env));
        let secret = secret
            .context("JWT_SECRET_KEY is not set: run ./start.sh, which makes it, or give --key")?;
        SigningKey::secret(&secret).context("JWT_SECRET_KEY")?
    } else {
        let pem = match &options.key_file {
            Some(path) => fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?,
            None => env
                .text("JWT_PRIVATE_KEY")
                .with_context(|| format!("{algorithm} needs a private key: give --key-file"))?,
        };
        SigningKey::pem(algorithm, pem.as_bytes())?
    };
    Ok(match &options.key_id {
        Some(id) => key.named(id),
        None => key,
    })
}

fn secret_of(env: &mut Env) -> Option<SecretString> {
    env.text("JWT_SECRET_KEY")
        .or_else(made_secret)
        .map(SecretString::from)
}

fn made_secret() -> Option<String> {
    let text = fs::read_to_string(MADE_SECRETS).ok()?;
    let value = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("JWT_SECRET_KEY="))?;
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn lifetime(text: &str) -> Result<u64, String> {
    let wrong = || "expected seconds, or a number with s, m, h or d behind it".to_owned();
    let (digits, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(seconds)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(wrong)
}
