#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use axum::Router;
use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HOST, IF_NONE_MATCH, ORIGIN,
};
use axum::http::{HeaderName, Request, Response, StatusCode};
use chassis::config::Env;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::{Settings, router};

const LOCAL: (&str, &str) = ("TRIBUTARY_PROFILE", "local");
const KEY: (&str, &str) = (
    "JWT_SECRET_KEY",
    "a secret for tests only, of more than 32 bytes",
);
const ISSUER: (&str, &str) = (
    "CONSOLE_OIDC_ISSUER",
    "https://id.example.com/realms/partners",
);
const CLIENT: (&str, &str) = ("CONSOLE_OIDC_CLIENT_ID", "tributary-console");

fn console(variables: &[(&str, &str)]) -> Router {
    let mut env = Env::from_map(variables.iter().copied());
    let settings = Settings::read(&mut env);
    env.finish().unwrap();
    router(settings)
}

async fn requested(
    console: &Router,
    method: &str,
    path: &str,
    headers: &[(HeaderName, &str)],
) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    console.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn header(response: &Response<Body>, name: &HeaderName) -> String {
    let value = response.headers().get(name);
    value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

/// The address of a file that the page names.
fn named_in(page: &str, ending: &str) -> String {
    let mut quoted = page.split('"').skip(1).step_by(2);
    let found = quoted.find(|text| text.starts_with("/console/assets/") && text.ends_with(ending));
    found.unwrap().to_owned()
}

#[tokio::test]
async fn every_path_below_is_the_page_and_no_file_that_is_gone_is() {
    let console = console(&[]);
    for path in [
        "/console/",
        "/console/partner",
        "/console/brand/campaigns/camp.100",
    ] {
        let page = requested(&console, "GET", path, &[]).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&page, &CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header(&page, &CACHE_CONTROL), "no-cache");
        assert!(text(page).await.contains("<div id=\"app\">"));
    }
    let gone = requested(&console, "GET", "/console/assets/index-before.js", &[]).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    let short = requested(&console, "GET", "/console", &[]).await;
    assert_eq!(short.status(), StatusCode::PERMANENT_REDIRECT);
}

#[tokio::test]
async fn files_with_a_hash_are_kept_for_ever_compressed_for_who_takes_that_and_not_sent_twice() {
    let console = console(&[]);
    let page = text(requested(&console, "GET", "/console/", &[]).await).await;
    for (ending, kind) in [(".js", "text/javascript"), (".css", "text/css")] {
        let path = named_in(&page, ending);
        let plain = requested(&console, "GET", &path, &[]).await;
        assert!(header(&plain, &CONTENT_TYPE).starts_with(kind));
        assert_eq!(header(&plain, &CONTENT_ENCODING), "");
        assert_eq!(
            header(&plain, &CACHE_CONTROL),
            "public, max-age=31536000, immutable"
        );
        let tag = header(&plain, &ETAG);
        let known = requested(&console, "GET", &path, &[(IF_NONE_MATCH, &tag)]).await;
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        let long = plain.into_body().collect().await.unwrap().to_bytes().len();
        for (codings, coding) in [("br, gzip;q=0.8", "gzip"), ("gzip;q=0", "")] {
            let answer = requested(&console, "GET", &path, &[(ACCEPT_ENCODING, codings)]).await;
            assert_eq!(header(&answer, &CONTENT_ENCODING), coding, "{codings}");
            let bytes = answer.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(bytes.len() < long, coding == "gzip");
        }
    }
}

#[tokio::test]
async fn nothing_runs_on_the_page_but_its_own_files_and_it_asks_only_us_and_the_issuer() {
    for (variables, connects) in [
        (vec![], "connect-src 'self';"),
        (
            vec![ISSUER, CLIENT],
            "connect-src 'self' https://id.example.com;",
        ),
    ] {
        let page = requested(&console(&variables), "GET", "/console/", &[]).await;
        let policy = header(&page, &CONTENT_SECURITY_POLICY);
        assert!(policy.contains("default-src 'none'; script-src 'self'; style-src 'self'"));
        assert!(policy.contains(connects), "{policy}");
        assert!(!policy.contains("unsafe"));
        let page = text(page).await;
        let scripts: Vec<&str> = page.split("<script").skip(1).collect();
        assert!(!scripts.is_empty());
        for script in scripts {
            let (attributes, rest) = script.split_once('>').unwrap();
            assert!(attributes.contains("src=\"/console/assets/") && rest.starts_with("</script>"));
        }
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" on"));
    }
}

#[tokio::test]
async fn the_demos_people_sign_in_at_a_developers_machine_and_nowhere_else() {
    let path = "/console/sign-in/operator";
    let local = console(&[LOCAL, KEY]);
    let signed_in = requested(&local, "POST", path, &[(HOST, "localhost:8002")]).await;
    assert_eq!(header(&signed_in, &CACHE_CONTROL), "no-store");
    assert!(text(signed_in).await.contains("\"token\":\"ey"));
    for headers in [
        [(HOST, "bff.example.com"), (ORIGIN, "http://localhost:8002")],
        [(HOST, "localhost:8002"), (ORIGIN, "https://evil.example")],
        [(HOST, "127.0.0.1"), (ORIGIN, "null")],
    ] {
        let refused = requested(&local, "POST", path, &headers).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{headers:?}");
    }
    let unknown = requested(
        &local,
        "POST",
        "/console/sign-in/nobody",
        &[(HOST, "localhost")],
    )
    .await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    // Without the profile's word, with another's tokens and in production there is no such route.
    let rsa = ("JWT_ALGORITHM", "RS256");
    let production = ("TRIBUTARY_PROFILE", "production");
    for variables in [
        vec![KEY],
        vec![production, KEY],
        vec![LOCAL, KEY, rsa],
        vec![LOCAL],
    ] {
        let console = console(&variables);
        let answer = requested(&console, "POST", path, &[(HOST, "localhost")]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{variables:?}");
        let config = requested(&console, "GET", "/console/config.json", &[]).await;
        assert_eq!(text(config).await, r#"{"oidc":null,"demo":false}"#);
    }
}

#[tokio::test]
async fn the_page_is_told_where_people_sign_in() {
    let console = console(&[ISSUER, CLIENT, ("CONSOLE_OIDC_AUDIENCE", "tributary")]);
    let config = text(requested(&console, "GET", "/console/config.json", &[]).await).await;
    assert_eq!(
        config,
        r#"{"oidc":{"issuer":"https://id.example.com/realms/partners","client_id":"tributary-console","scopes":"openid profile email","audience":"tributary"},"demo":false}"#
    );
}

#[test]
fn an_issuer_that_could_not_be_trusted_is_refused_by_its_name() {
    for (variables, wanted) in [
        (vec![ISSUER], "CONSOLE_OIDC_CLIENT_ID is not set"),
        (vec![CLIENT], "CONSOLE_OIDC_ISSUER is not set"),
        (
            vec![("CONSOLE_OIDC_ISSUER", "http://id.example.com"), CLIENT],
            "CONSOLE_OIDC_ISSUER must be https",
        ),
        (
            vec![
                ("CONSOLE_OIDC_ISSUER", "https://me:secret@id.example.com"),
                CLIENT,
            ],
            "CONSOLE_OIDC_ISSUER must be https",
        ),
        (
            vec![("CONSOLE_OIDC_ISSUER", "nowhere"), CLIENT],
            "CONSOLE_OIDC_ISSUER is malformed",
        ),
    ] {
        let mut env = Env::from_map(variables);
        Settings::read(&mut env);
        let reported = env.finish().unwrap_err().to_string();
        assert!(reported.contains(wanted), "{reported}");
    }
}
