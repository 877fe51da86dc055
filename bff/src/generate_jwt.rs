//! `generate-jwt`: makes a bearer token. Prints the token on standard output and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chassis::auth::{Algorithm, Claims, Role, SigningKey};
use clap::Parser;
use money::{BrandId, PartnerId};
use secrecy::SecretString;

/// Makes a bearer token. Without options: for partner123, in the role partner, for an hour.
///
/// The key is `JWT_SECRET_KEY` of the environment, else of the file that --env-file names, else what ./start.sh made.
#[derive(Debug, Parser)]
#[command(name = "generate-jwt")]
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
    /// How long it is valid: seconds, or with s, m, h or d behind the number.
    #[arg(long, default_value = "1h", value_parser = lifetime)]
    lifetime: u64,
    /// Signs it: 32 bytes or more.
    #[arg(
        long,
        env = "JWT_SECRET_KEY",
        hide_env_values = true,
        value_name = "SECRET"
    )]
    key: Option<SecretString>,
    /// A private key in PEM, for another algorithm than HS256.
    #[arg(long, env = "JWT_PRIVATE_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// The name of the key, for verifiers with a key set.
    #[arg(long)]
    key_id: Option<String>,
    #[arg(long, env = "JWT_ALGORITHM", default_value = "HS256")]
    algorithm: Algorithm,
    #[arg(long, env = "JWT_ISSUER", default_value = "tributary")]
    issuer: String,
    #[arg(long, env = "JWT_AUDIENCE", default_value = "tributary")]
    audience: String,
    /// Where `JWT_SECRET_KEY` is looked for when the environment has none.
    #[arg(long, default_values = [".env", ".tributary/secrets.env"])]
    env_file: Vec<PathBuf>,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool"
)]
fn main() -> ExitCode {
    match token(Options::parse()) {
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

fn token(options: Options) -> Result<String> {
    let key = signing_key(&options)?;
    let roles = if options.roles.is_empty() {
        default_roles(&options)
    } else {
        options.roles.clone()
    };
    let partner = options.partner.map(PartnerId::into_string);
    let partner = partner.or_else(|| default_id(&roles, Role::Partner, "partner123"));
    let brand = options.brand.map(BrandId::into_string);
    let brand = brand.or_else(|| default_id(&roles, Role::Brand, "brand123"));
    let subject = options
        .subject
        .or_else(|| partner.clone())
        .or_else(|| brand.clone());
    let subject = subject.unwrap_or_else(|| options.user.clone());
    let mut claims = Claims::new(
        &subject,
        &options.issuer,
        &options.audience,
        options.lifetime,
    );
    claims.roles = roles.iter().map(Role::to_string).collect();
    claims.partner_id = partner;
    claims.brand_id = brand;
    claims.user_id = Some(options.user);
    claims.email = options.email;
    Ok(key.mint(&claims)?)
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

fn signing_key(options: &Options) -> Result<SigningKey> {
    let key = match (options.algorithm, &options.key_file) {
        (Algorithm::Hs256, _) => {
            let secret = match &options.key {
                Some(secret) => secret.clone(),
                None => secret_of_files(&options.env_file)?,
            };
            SigningKey::secret(&secret).context("JWT_SECRET_KEY")?
        }
        (algorithm, Some(path)) => {
            let pem = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            SigningKey::pem(algorithm, &pem)?
        }
        (algorithm, None) => bail!("{algorithm} needs a private key: give --key-file"),
    };
    Ok(match &options.key_id {
        Some(id) => key.named(id),
        None => key,
    })
}

/// The first of these files that has it.
fn secret_of_files(files: &[PathBuf]) -> Result<SecretString> {
    files
        .iter()
        .find_map(|file| secret_of(file))
        .context("JWT_SECRET_KEY is not set: run ./start.sh, which makes it, or give --key")
}

fn secret_of(file: &Path) -> Option<SecretString> {
    let text = fs::read_to_string(file).ok()?;
    let value = text
        .lines()
        .map(str::trim)
        .find_map(|line| {
            line.strip_prefix("export ")
                .unwrap_or(line)
                .strip_prefix("JWT_SECRET_KEY=")
        })?
        .trim()
        .trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| SecretString::from(value.to_owned()))
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
