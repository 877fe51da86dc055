//! How texts are sent, as the environment says it.

use chassis::config::{Env, Profile};
use reqwest::{Client, Url};

use super::Twilio;
use crate::jobs::Way;
use crate::read_timeout;

const TWILIO: &str = "https://api.twilio.com";

/// From `TEXT_…`. Without an account the local profile has its mailbox.
///
/// # Panics
/// When the HTTP client cannot start at all.
#[expect(clippy::expect_used, reason = "start-up")]
pub(crate) fn read_texts(env: &mut Env) -> Way<Twilio> {
    let is_local = Profile::read(env).is_local();
    let account = env.text("TEXT_ACCOUNT");
    let url: Option<Url> = env.optional("TEXT_URL", TWILIO);
    let url = url.or_else(|| TWILIO.parse().ok());
    let username = env.text("TEXT_USERNAME");
    let password = env.optional_secret("TEXT_PASSWORD", 1);
    let from = env.text("TEXT_FROM");
    let timeout = read_timeout(env, "TEXT_TIMEOUT_MS", 15_000, 60_000);
    let Some(account) = account else {
        return if is_local { Way::Mailbox } else { Way::Nowhere };
    };
    let is_sid = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_sid(&account) {
        let what = "must be the account's sid: letters and digits";
        env.report("TEXT_ACCOUNT", what, "AC0123456789abcdef0123456789abcdef");
    }
    let secure = url.filter(|url| url.scheme() == "https" || (is_local && url.scheme() == "http"));
    if secure.is_none() {
        let what = "would send numbers and a password in the clear, which only TRIBUTARY_PROFILE=local may";
        env.report("TEXT_URL", what, TWILIO);
    }
    if password.is_none() {
        let what = "must be set beside TEXT_ACCOUNT";
        env.report(
            "TEXT_PASSWORD",
            what,
            "the account's token, or an API key's secret",
        );
    }
    if from.is_none() {
        let what = "must be set beside TEXT_ACCOUNT";
        env.report("TEXT_FROM", what, "+15005550006");
    }
    let (Some(url), Some(password), Some(from)) = (secure, password, from) else {
        return Way::Nowhere;
    };
    let client = Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("the HTTP client can be made");
    Way::Server(Twilio {
        client,
        messages: messages(url, &account),
        username: username.unwrap_or(account),
        password,
        from,
        timeout,
    })
}

/// Where messages of an account are made.
fn messages(mut url: Url, account: &str) -> Url {
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!(
        "{base}/2010-04-01/Accounts/{account}/Messages.json"
    ));
    url
}
