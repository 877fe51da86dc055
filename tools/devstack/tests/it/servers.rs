//! Servers that are killed come back with their data.

use devstack::stack::testing::scratch;
use devstack::stack::{Postgres, Pulsar, PulsarPorts, free_port, provision_databases};
use schemas::Service;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};

#[tokio::test]
async fn postgres_comes_back_after_kill_9_with_what_was_committed() {
    let dir = scratch("postgres");
    let mut server = Postgres::start(&dir, free_port()).await.unwrap();
    let mut database = PgConnection::connect(&server.admin_url()).await.unwrap();
    database
        .execute("CREATE TABLE kept AS SELECT 42 AS answer")
        .await
        .unwrap();
    for setting in ["fsync", "synchronous_commit", "track_commit_timestamp"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut database)
            .await
            .unwrap();
        assert_eq!(value, "on", "{setting}");
    }
    server.kill();
    server.restart().await.unwrap();
    let mut database = PgConnection::connect(&server.admin_url()).await.unwrap();
    let answer: i32 = sqlx::query_scalar("SELECT answer FROM kept")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(answer, 42);
    drop(server);
    Postgres::wipe(&dir).unwrap();
}

#[tokio::test]
async fn databases_are_made_by_an_administrator_who_is_no_superuser() {
    let dir = scratch("managed");
    let server = Postgres::start(&dir, free_port()).await.unwrap();
    let superuser: PgConnectOptions = server.admin_url().parse().unwrap();
    let mut database = PgConnection::connect_with(&superuser).await.unwrap();
    database
        .execute("CREATE ROLE manager LOGIN CREATEROLE CREATEDB PASSWORD 'secret'")
        .await
        .unwrap();
    database
        .execute("ALTER ROLE manager SET log_statement = 'ddl'")
        .await
        .unwrap();
    let manager = superuser.username("manager").password("secret");
    for password in ["first", "second"] {
        let services = [Service::Tracking, Service::Bff].map(|it| (it, password.to_owned()));
        provision_databases(&manager, &services).await.unwrap();
        for role in ["tracking", "bff"] {
            let own = manager.clone().username(role).password(password);
            let own = own.database(&format!("{role}_db"));
            let mut own = PgConnection::connect_with(&own).await.unwrap();
            own.execute("CREATE TABLE IF NOT EXISTS kept ()")
                .await
                .unwrap();
            // It could be taken while its database was made, and what is in that is nobody's but its own.
            let open: (bool, bool) = sqlx::query_as(
                "SELECT pg_has_role('manager', $1::name, 'USAGE'), has_database_privilege('manager', $1 || '_db', 'CONNECT')",
            )
            .bind(role)
            .fetch_one(&mut database)
            .await
            .unwrap();
            assert_eq!(open, (false, false), "{role}");
        }
    }
    let log = std::fs::read_to_string(dir.join("postgres.log")).unwrap();
    let logged = "ALTER ROLE tracking PASSWORD 'SCRAM-SHA-256$4096:";
    assert!(log.contains(logged) && !log.contains("'second'"), "{log}");
    drop(server);
    Postgres::wipe(&dir).unwrap();
}

#[tokio::test]
async fn a_database_that_takes_connections_and_says_nothing_is_reported_and_not_waited_for() {
    // As the kernel does it for a server that is frozen.
    let frozen = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = frozen.local_addr().unwrap().port();
    let options = PgConnectOptions::new().host("127.0.0.1").port(port);
    let patience = std::time::Duration::from_mins(2);
    let provisioned = tokio::time::timeout(patience, provision_databases(&options, &[]));
    let refused = provisioned.await.unwrap().unwrap_err().to_string();
    let wanted = format!("the database at 127.0.0.1:{port} does not answer");
    assert!(refused.starts_with(&wanted), "{refused}");
}

#[tokio::test]
async fn the_broker_comes_back_after_kill_9_and_after_a_stop() {
    let dir = scratch("pulsar");
    let ports = PulsarPorts::free();
    let mut broker = Pulsar::start(&dir, ports).await.unwrap();
    for round in 0..2 {
        broker.kill();
        broker
            .restart()
            .await
            .unwrap_or_else(|problem| panic!("round {round}: {problem:#}"));
    }
    broker.stop();
    broker.restart().await.unwrap();
    let again = Pulsar::start(&dir, ports).await.unwrap();
    assert_eq!(
        again.pid(),
        broker.pid(),
        "the running one is taken over, not doubled"
    );
    let moved = Pulsar::start(&dir, PulsarPorts::free()).await.unwrap();
    assert_ne!(moved.pid(), broker.pid(), "other ports need another start");
}

#[tokio::test]
async fn a_dropped_server_leaves_no_process() {
    let dir = scratch("dropped");
    let server = Postgres::start(&dir, free_port()).await.unwrap();
    let identity = devstack::stack::Identity::of(server.pid()).unwrap();
    drop(server);
    assert!(!identity.is_alive());
    Postgres::wipe(&dir).unwrap();
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_owner() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", free_port())).unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = Postgres::start(&scratch("taken"), port).await.unwrap_err();
    let line = format!("{refused:#}");
    assert!(
        line.contains(&format!("port {port}")) && line.contains(&std::process::id().to_string()),
        "{line}"
    );
}
