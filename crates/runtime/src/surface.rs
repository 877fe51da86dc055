//! What a service shows of itself: its routes, in one group or behind two ports, and their documents.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use chassis::auth::{RouteScopes, Verifier};
use chassis::http::{Groups, Probes, Shell};
use chassis::idempotency::RequestHasher;
use chassis::telemetry::Metrics;
use messaging::Mode;
use messaging::transport::http::{InternalKey, TOKEN_NEEDED};
use messaging::transport::receiver::Receiver;
use operations::Process;
use schemas::Service;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::definition::{Definition, EdgeRoutes, Routes};
use crate::documents::{BAD_GATEWAY, SERVICE_UNAVAILABLE};
use crate::host::Host;
use crate::ready::Lasting;
use crate::settings::Settings;
use crate::{commands, personal_keys, ready};

/// What a service shows of itself.
pub(crate) struct Faces {
    about: &'static str,
    api_keys: bool,
    personal_keys: bool,
    edge: EdgeRoutes,
    operators: Routes,
    between: fn(&Host) -> Router,
    routes: Routes,
}

impl Faces {
    pub(crate) fn of(definition: &Definition<()>) -> Self {
        Self {
            about: definition.about,
            api_keys: definition.api_keys,
            personal_keys: definition.personal_keys,
            edge: Arc::clone(&definition.edge),
            operators: definition.operators,
            between: definition.between,
            routes: definition.routes,
        }
    }
}

/// Its routes: all of them at one port, or at a second, of which the first shows what the public may ask.
pub(crate) struct Surface {
    pub(crate) public: Groups,
    pub(crate) admin: Option<Groups>,
}

/// Makes the routes, with the document of the service's own and what API keys may do at all of its routes, at whichever port they are.
pub(crate) fn surface(
    host: &Host,
    operated: Process,
    faces: &Faces,
    settings: &Settings,
) -> (Surface, OpenApi, RouteScopes) {
    let service = host.service();
    let base = chassis::openapi::base(&format!("Tributary {}", service.name()), faces.about);
    let (edge, edge_document) = (faces.edge)(host).split_for_parts();
    let mut routes = OpenApiRouter::with_openapi(base.merge_from(edge_document));
    let closed = service != Service::Bff && host.modes().of(service) == Mode::Event;
    if !closed {
        routes = routes.merge((faces.routes)(host));
        if service.commands_topic().is_some() {
            let mut commands = commands::routes(host);
            if faces.api_keys {
                chassis::openapi::take_any_api_key(commands.get_openapi_mut());
            }
            routes = routes.merge(commands);
        }
    }
    let mut apart = OpenApiRouter::new();
    if settings.admin.is_some() {
        apart = (faces.operators)(host);
    } else {
        routes = routes.merge((faces.operators)(host));
    }
    let (routes, document) = routes.split_for_parts();
    let (apart, also) = apart.split_for_parts();
    let (operators, shared) = operations::routes(Arc::new(operated)).split_for_parts();
    let both = document.clone().merge_from(also);
    let scopes = RouteScopes::of(&both);
    let all = chassis::openapi::off_thread(|| whole(settings, service, both, shared));
    let mut questions = related(host, settings).merge((faces.between)(host));
    if faces.personal_keys {
        let key = settings.internal_key.clone();
        questions = questions.merge(personal_keys::router(host.pool().clone(), key, service));
    }
    let signed = (settings.internal_key.clone(), service);
    let questions = questions.route_layer(from_fn_with_state(signed, of_services_only));
    let transport = questions.merge(between_services(host, settings));
    let surface = if settings.admin.is_some() {
        let own = chassis::openapi::off_thread(|| chassis::openapi::text(document.clone()));
        Surface {
            public: Groups {
                own: chassis::openapi::pages(routes.clone(), own),
                edge: edge.clone(),
                ..Groups::default()
            },
            // With the public's: operators' pages of the console need both, at one address.
            admin: Some(Groups {
                own: chassis::openapi::pages(routes.merge(apart).merge(operators), all),
                edge,
                transport,
            }),
        }
    } else {
        let own = chassis::openapi::pages(routes.merge(operators), all);
        Surface {
            public: Groups {
                own,
                edge,
                transport,
            },
            admin: None,
        }
    };
    (surface, document, scopes)
}

/// What the bff shows people of what is known here of a request.
fn related(host: &Host, settings: &Settings) -> Router {
    messaging::transport::related::router(
        host.pool().clone(),
        host.schema_ids().clone(),
        settings.internal_key.clone(),
        host.service(),
    )
}

/// What other services do here, in every mode: each looks at the token before it reads anything else.
fn between_services(host: &Host, settings: &Settings) -> Router {
    let service = host.service();
    // The bff makes its read models again from it.
    let history = messaging::transport::history::router(
        host.pool().clone(),
        host.schema_ids().clone(),
        settings.internal_key.clone(),
        service,
    );
    let resends = messaging::transport::resend::router(
        host.pool().clone(),
        host.writer().clone(),
        settings.internal_key.clone(),
        host.modes().relayed_topics(service),
    );
    // A restored source learns where it stands also while this database is not recognised: where all went back, each waits for the others.
    let batches = messaging::transport::http::router(
        Receiver::new(host.bare_pool().clone(), host.flow()),
        settings.internal_key.clone(),
        service,
        settings.modes.clone(),
        host.health().clone(),
    );
    history.merge(resends).merge(batches)
}

/// Refuses a stranger before anything of its body is read, of which the token says what it is.
async fn of_services_only(
    State((key, me)): State<(InternalKey, Service)>,
    request: Request,
    next: Next,
) -> Response {
    if key.is_signed(request.headers(), me) {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, TOKEN_NEEDED).into_response()
}

/// What is served: with the operators' routes, at the bff those of all services.
fn whole(settings: &Settings, service: Service, own: OpenApi, operators: OpenApi) -> String {
    let handed_on = service
        .others()
        .filter(|_| service == Service::Bff)
        .map(|other| {
            let mut document = operations::document(other);
            if settings.profile.is_local() {
                document.merge(operations::document_of_clock(other));
            }
            chassis::openapi::refuse(&mut document, &[BAD_GATEWAY, SERVICE_UNAVAILABLE]);
            document
        });
    let all = [operators].into_iter().chain(handed_on);
    chassis::openapi::text(all.fold(own, OpenApi::merge_from))
}

/// What stands around every route.
pub(crate) fn shell(
    host: &Host,
    settings: &Settings,
    verifier: Arc<Verifier>,
    metrics: Option<Metrics>,
    outlives_database: bool,
) -> Shell {
    let (ready_host, keys) = (host.clone(), Arc::clone(&verifier));
    let lasting = Arc::new(Lasting::of(outlives_database));
    let checks = move || ready::checks(ready_host.clone(), Arc::clone(&keys), Arc::clone(&lasting));
    let mut probes = Probes::new(host.service().name()).ready_when(checks);
    if let Some(metrics) = metrics {
        let upkeep = metrics.clone();
        let stop = host.tasks().stop().clone();
        host.tasks()
            .spawn("metrics", async move { upkeep.upkeep(stop).await });
        probes = probes.metrics(metrics);
    }
    Shell::new(probes, settings.limits)
        .verifier(verifier)
        .rate_limits(settings.rate_limits)
        .address_limits(settings.address_limits.clone())
        .origins(settings.origins.clone())
        .hasher(Arc::new(RequestHasher::new(&settings.lasting_keys)))
}
