//! What of a request its span names.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::app::App;

/// The paths of the spans of requests.
#[derive(Clone, Default)]
struct Paths(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Paths {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if attributes.metadata().name() == "request" {
            attributes.record(&mut self.clone());
        }
    }
}

impl Visit for Paths {
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "path" {
            self.0.lock().unwrap().push(value.to_owned());
        }
    }
}

#[tokio::test]
async fn a_link_that_lets_whoever_has_it_act_is_not_written_to_logs() {
    let paths = Paths::default();
    let subscriber = tracing_subscriber::registry().with(paths.clone());
    // Of the whole process: which spans somebody wants is remembered for all of its threads.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let app = App::start().await;
    for path in ["/links/canary?a=b", "/context?a=b"] {
        let answer = app.get(path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let logged = paths.0.lock().unwrap();
    let logs = |path: &str| logged.iter().any(|it| it == path);
    assert!(logs("/links/{token}") && logs("/context"), "{logged:?}");
    let mut links = logged.iter().filter(|it| it.starts_with("/links/"));
    assert!(links.all(|it| it == "/links/{token}"), "{logged:?}");
}
