//! Clients that `openapi-python-client` makes of the documents as they are served, used by a Python program.

use std::iter;
use std::path::Path;
use std::process::Command;

use devstack::demo::Tokens;
use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::settings::Mode;
use devstack::stack::run;
use devstack::stack::testing::{PYTHON, from_test_run};
use schemas::Service;

#[tokio::test]
async fn generated_python_clients_do_the_walk_and_a_refusal_comes_as_a_problem_by_its_type() {
    let stack = LocalStack::start(Mode::Http).await.unwrap();
    stack.load_demo().await.unwrap();
    walk(&stack);
}

/// The README's walk, refusals and mistakes among it.
fn walk(stack: &LocalStack) {
    let clients = stack.layout().state.join("clients");
    std::fs::create_dir_all(&clients).unwrap();
    for service in Service::ALL {
        generate(stack, service, &clients);
    }
    let mut walk = Command::new(from_test_run(PYTHON));
    walk.arg(
        Layout::find()
            .root
            .join("tools/devstack/tests/it/clients/walk.py"),
    );
    walk.env("PYTHONPATH", &clients);
    for service in Service::ALL {
        let name = format!("{}_URL", service.name().to_uppercase());
        walk.env(name, stack.url(service).unwrap());
    }
    let brand = stack.token(&["--brand", "brand123"]).unwrap();
    walk.env("BRAND_TOKEN", brand);
    walk.env("PARTNER_TOKEN", stack.token(&[]).unwrap());
    let reported = run(&mut walk).unwrap();
    assert_eq!(reported.lines().last(), Some("walked"), "{reported}");
}

/// A package with the service's name, made as its users would make it; what the generator leaves out is an error.
fn generate(stack: &LocalStack, service: Service, clients: &Path) {
    let python = from_test_run(PYTHON);
    let mut generator = Command::new(&python);
    // Its formatter stands beside it.
    let programs = Path::new(&python).parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(iter::once(programs).chain(std::env::split_paths(&others)));
    generator.env("PATH", path.unwrap());
    let url = format!("{}/openapi.json", stack.url(service).unwrap());
    generator.args(["-m", "openapi_python_client", "generate", "--meta", "none"]);
    generator.args(["--fail-on-warning", "--url", &url, "--output-path"]);
    run(generator.arg(clients.join(service.name()))).unwrap();
}
