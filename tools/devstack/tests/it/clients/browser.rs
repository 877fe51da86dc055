//! Pages in a real browser, headless: the API is called from another origin where that is allowed.

use std::process::Command;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use devstack::stack::run;
use devstack::tools::chromium;
use schemas::Service;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Reads a list as CSV with its header, then makes a link and waits for its outcome, and writes down what it could do.
const PAGE: &str = r#"<!doctype html><title>A front end</title><p id="done"></p><script>
const bff = "BFF", token = "TOKEN";
async function use() {
  const authorization = `Bearer ${token}`;
  const list = await fetch(`${bff}/api/v1/commissions?limit=1`, { headers: { authorization, accept: "text/csv" } });
  const rows = (await list.text()).trim().split("\r\n").length;
  const made = await fetch(`${bff}/api/v1/links`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json", "idempotency-key": crypto.randomUUID(), prefer: "wait=30" },
    body: JSON.stringify({ campaign_id: "camp100", target_url: "https://shop.example.com/page", code: "from-a-page" }),
  });
  const { status } = await made.json();
  const refused = await fetch(`${bff}/api/v1/commissions`);
  return `list ${list.status} ${rows} link ${made.status} ${status} refused ${refused.status} ${(await refused.json()).code}`;
}
use().catch(error => `failed: ${error}`).then(text => { document.getElementById("done").textContent = text; });
</script>"#;

/// A page's origin and its server.
async fn origin() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[expect(clippy::disallowed_methods, reason = "aborted by its test")]
fn serve(listener: TcpListener, page: &str) -> JoinHandle<()> {
    let page = Html(page.to_owned());
    let router = Router::new().route("/", get(|| async move { page }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

/// What the page has in the end.
async fn shown(stack: &LocalStack, url: &str) -> String {
    let profile = stack.layout().state.join("browser");
    let mut browser = Command::new(chromium().unwrap());
    browser.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
    ]);
    browser.args([
        "--no-proxy-server",
        "--virtual-time-budget=60000",
        "--dump-dom",
    ]);
    browser.arg(format!("--user-data-dir={}", profile.display()));
    browser.arg(format!("{url}/"));
    let page = tokio::task::spawn_blocking(move || run(&mut browser).unwrap())
        .await
        .unwrap();
    let text = page.split("<p id=\"done\">").nth(1).unwrap();
    text.split("</p>").next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_origin_calls_the_api_when_allowed_and_is_refused_when_not() {
    let ((ours, our_url), (theirs, their_url)) = (origin().await, origin().await);
    let allowed = [("HTTP_ALLOWED_ORIGINS", &*our_url)];
    let stack = LocalStack::start_with(Mode::Event, &allowed).await.unwrap();
    stack.load_demo().await.unwrap();
    let page = PAGE.replace("BFF", stack.url(Service::Bff).unwrap());
    let page = page.replace("TOKEN", &stack.token(&[]).unwrap());
    let servers = [serve(ours, &page), serve(theirs, &page)];
    let seen = shown(&stack, &our_url).await;
    assert_eq!(
        seen,
        "list 200 2 link 200 completed refused 401 unauthorized"
    );
    let seen = shown(&stack, &their_url).await;
    assert_eq!(seen, "failed: TypeError: Failed to fetch");
    for server in servers {
        server.abort();
    }
}
