//! Where a new service stands. `{name}`, `{Name}`, `{NAME}`, `{port}`, `{admin}` and `{about}` are filled in.

/// A row in a file that lists services.
pub struct Place {
    /// From the root.
    pub file: &'static str,
    /// The row goes before this, which stands there once.
    pub before: &'static str,
    pub row: &'static str,
}

const fn row(file: &'static str, before: &'static str, row: &'static str) -> Place {
    Place { file, before, row }
}

/// Files of its own, by their paths from the root.
pub const FILES: &[(&str, &str)] = &[
    ("{name}/Cargo.toml", include_str!("template/Cargo.toml.in")),
    ("{name}/src/main.rs", include_str!("template/main.rs.in")),
    ("{name}/src/lib.rs", include_str!("template/lib.rs.in")),
    (
        "{name}/src/service.rs",
        include_str!("template/service.rs.in"),
    ),
    (
        "{name}/src/http/mod.rs",
        include_str!("template/http.rs.in"),
    ),
    (
        "{name}/migrations/0001_{name}.sql",
        include_str!("template/migration.sql.in"),
    ),
    (
        "{name}/tests/it/main.rs",
        include_str!("template/test.rs.in"),
    ),
    (
        "deploy/kubernetes/base/services/{name}.yaml",
        include_str!("template/kubernetes.yaml.in"),
    ),
];

/// Rows of others' files. Each goes before what comes after the services.
pub const PLACES: &[Place] = &[
    row("Cargo.toml", "\"schemas\", \"crates/*\"", "\"{name}\", "),
    row(
        "schemas/src/service.rs",
        "}\n\nimpl Service {\n    /// The service of that name.",
        "    /// {about}\n    {Name} = \"{name}\", {port};\n",
    ),
    row(
        ".env.example",
        "# Where a service, or the simulator, opens",
        "{NAME}_SERVICE_URL=http://127.0.0.1:{port}\n",
    ),
    row(
        ".env.example",
        "SIMULATOR_ADDRESS=",
        "{NAME}_LISTEN_ADDRESS=\n",
    ),
    row(".env.example", "BFF_ADMIN_ADDRESS=", "{NAME}_ADMIN_URL=\n"),
    row(
        ".env.example",
        "# The file in which the simulator",
        "{NAME}_ADMIN_ADDRESS=\n",
    ),
    row(
        ".env.example",
        "# The superuser of the compose",
        "{NAME}_DB_PASSWORD=\n",
    ),
    row(
        ".env.example",
        "# A whole URL in place",
        "{NAME}_DATABASE_CONNECTIONS=\n",
    ),
    row(
        ".env.example",
        "\n# disable, prefer, require",
        "{NAME}_DATABASE_URL=\n",
    ),
    row(
        "deploy/images/Dockerfile",
        "# The payout provider's.",
        IMAGE,
    ),
    row(
        "deploy/images/rootfs.sh",
        "; do\n  mkdir -p \"$folder/state/secrets",
        " {name}",
    ),
    row(
        "docker-compose.yml",
        "  PULSAR_SERVICE_URL: pulsar://pulsar:6650\n  PULSAR_ADMIN_URL",
        URL,
    ),
    row(
        "docker-compose.yml",
        "    environment:\n      BFF_DB_PASSWORD: ",
        "      - secrets-{name}:/var/lib/tributary/secrets/{name}\n",
    ),
    row(
        "docker-compose.yml",
        "      POSTGRES_PASSWORD: ",
        "      {NAME}_DB_PASSWORD: ${{NAME}_DB_PASSWORD:-}\n",
    ),
    row(
        "docker-compose.yml",
        "    depends_on:\n      secrets: {condition: service_completed_successfully}\n      postgres",
        PASSWORD,
    ),
    row(
        "docker-compose.yml",
        "  secrets-kept:\n",
        "  secrets-{name}:\n",
    ),
    row("docker-compose.yml", "  bff:\n    <<: *service", CONTAINER),
    row(
        "docker-compose.event-driven.yml",
        "  PULSAR_SERVICE_URL: pulsar://pulsar:6650\n  PULSAR_ADMIN_URL",
        URL,
    ),
    row(
        "docker-compose.event-driven.yml",
        "    environment:\n      BFF_DB_PASSWORD: ",
        "      - secrets-{name}:/var/lib/tributary/secrets/{name}\n",
    ),
    row(
        "docker-compose.event-driven.yml",
        "      POSTGRES_PASSWORD: ",
        "      {NAME}_DB_PASSWORD: ${{NAME}_DB_PASSWORD:-}\n",
    ),
    row(
        "docker-compose.event-driven.yml",
        "    depends_on:\n      secrets: {condition: service_completed_successfully}\n      postgres",
        PASSWORD,
    ),
    row(
        "docker-compose.event-driven.yml",
        "  secrets-kept:\n",
        "  secrets-{name}:\n",
    ),
    row(
        "docker-compose.event-driven.yml",
        "  bff:\n    <<: *service",
        CONTAINER,
    ),
    row(
        "deploy/kubernetes/base/kustomization.yaml",
        "  - provision.yaml",
        "  - services/{name}.yaml\n",
    ),
    row(
        "deploy/kubernetes/base/kustomization.yaml",
        "  - {name: tributary,",
        "  - {name: {name}, newName: registry.invalid/tributary/{name}, newTag: 0.1.0}\n",
    ),
    row(
        "deploy/kubernetes/base/settings.env",
        "BFF_ADMIN_URL=",
        "{NAME}_SERVICE_URL=http://{name}:{port}\n",
    ),
    row(
        "deploy/kubernetes/base/settings.env",
        "# Metrics, readiness",
        "{NAME}_ADMIN_URL=http://{name}:{admin}\n",
    ),
    row(
        "deploy/kubernetes/base/settings.env",
        "HTTP_DRAIN_TIMEOUT_MS",
        "{NAME}_ADMIN_ADDRESS=0.0.0.0:{admin}\n",
    ),
    row(
        "deploy/observability/prometheus.yml",
        "          - 127.0.0.1:8004 # payment",
        "          - 127.0.0.1:{port} # {name}\n",
    ),
    row(
        "deploy/observability/alerts.yml",
        "          or absent(process_start_time_seconds{job=\"tributary\", service=\"payment\"})",
        "          or absent(process_start_time_seconds{job=\"tributary\", service=\"{name}\"})\n",
    ),
    row(
        "deploy/observability/alerts.test.yml",
        "      - series: 'process_start_time_seconds{job=\"tributary\",service=\"payment\",instance=\"e\"}'",
        "      - series: 'process_start_time_seconds{job=\"tributary\",service=\"{name}\",instance=\"{name}\"}'\n        values: '0x20'\n",
    ),
];

const IMAGE: &str = r#"FROM service AS {name}
COPY --from=build /images/{name} /
ENV {NAME}_LISTEN_ADDRESS=0.0.0.0:{port}
EXPOSE {port}
HEALTHCHECK CMD ["/usr/local/bin/{name}", "health"]
ENTRYPOINT ["/usr/local/bin/{name}"]

"#;

const URL: &str = "  {NAME}_SERVICE_URL: http://{name}:{port}\n";

const PASSWORD: &str =
    "      {NAME}_DB_PASSWORD_FILE: /var/lib/tributary/secrets/own/{NAME}_DB_PASSWORD\n";

const CONTAINER: &str = r#"  {name}:
    <<: *service
    build: {<<: *build, target: {name}}
    image: localhost/tributary/{name}:0.1.0
    volumes: ["archive:/var/lib/tributary/archive", "secrets-{name}:/var/lib/tributary/secrets/own:ro"]
    environment:
      <<: *environment
      {NAME}_DB_PASSWORD_FILE: /var/lib/tributary/secrets/own/{NAME}_DB_PASSWORD
    ports: ["127.0.0.1:{port}:{port}"]
    healthcheck:
      <<: *often
      test: [CMD, /usr/local/bin/{name}, ready]
    depends_on:
      <<: *when-provisioned

"#;
