use secrecy::ExposeSecret;
use url::Url;

use super::{Env, Profile};
use crate::http::{Limits, ServerConfig};

#[test]
fn all_problems_are_reported_at_once_with_name_reason_and_example() {
    let mut env = Env::from_map([("PORT", "eighty"), ("JWT_SECRET_KEY", "short")]);
    let _: Url = env.required("PULSAR_SERVICE_URL", "pulsar://127.0.0.1:6650");
    let _: u16 = env.or("PORT", 8000);
    let _ = env.secret("JWT_SECRET_KEY", 32);
    let shown = env.finish().unwrap_err().to_string();
    assert_eq!(shown.lines().count(), 4, "{shown}");
    assert!(
        shown.contains("PULSAR_SERVICE_URL is not set; for example PULSAR_SERVICE_URL=pulsar://")
    );
    assert!(shown.contains("PORT is malformed: invalid digit"));
    assert!(shown.contains("JWT_SECRET_KEY is too short"));
}

#[test]
fn a_limit_of_http_that_lets_nothing_in_is_a_problem() {
    let names = [
        "HTTP_MAX_CONNECTIONS",
        "HTTP_MAX_IN_FLIGHT",
        "HTTP_MAX_PENDING_BODIES",
        "HTTP_REQUEST_TIMEOUT_MS",
    ];
    let read = |value: &str| {
        let mut env = Env::from_map(names.map(|name| (name, value)));
        ServerConfig::read(&mut env, "BFF", ([127, 0, 0, 1], 8002).into());
        Limits::read(&mut env);
        env.finish()
    };
    assert!(read("1").is_ok());
    let shown = read("0").unwrap_err().to_string();
    for name in names {
        assert!(
            shown.contains(&format!("{name} must be from 1 to ")),
            "{shown}"
        );
    }
    // More than a semaphore counts, where one counts.
    let shown = read(&usize::MAX.to_string()).unwrap_err().to_string();
    assert!(
        shown.contains("HTTP_MAX_CONNECTIONS must be from 1 to"),
        "{shown}"
    );
}

#[test]
fn a_secret_is_never_printed() {
    let mut env = Env::from_map([("KEY", "canary-canary"), ("LONG", "canary-canary")]);
    let _ = env.secret("KEY", 32);
    let kept = env.secret("LONG", 8);
    assert_eq!(kept.expose_secret(), "canary-canary");
    assert!(!format!("{kept:?}").contains("canary"));
    assert!(!env.finish().unwrap_err().to_string().contains("canary"));
}

#[test]
fn a_malformed_secret_file_line_is_named_by_number_only() {
    assert_eq!(variables::parse("A=1\ncanary\n"), Err(2));
}

#[test]
fn a_dotenv_file_knows_comments_quotes_and_export() {
    let text = "# hello\nexport A=1\nB=\"two words\" # why\nC='#3'\nD=four # five\nE=\n";
    let values = variables::parse(text).unwrap();
    let get = |name: &str| values.get(name).map(String::as_str);
    assert_eq!(get("A"), Some("1"));
    assert_eq!(get("B"), Some("two words"));
    assert_eq!(get("C"), Some("#3"));
    assert_eq!(get("D"), Some("four"));
    assert_eq!(get("E"), Some(""));
}

#[test]
fn an_absent_profile_is_production_and_an_unknown_one_is_a_problem() {
    let mut env = Env::from_map([("TRIBUTARY_PROFILE", "")]);
    assert_eq!(Profile::read(&mut env), Profile::Production);
    let mut env = Env::from_map([("TRIBUTARY_PROFILE", "staging")]);
    let _ = Profile::read(&mut env);
    assert!(
        env.finish()
            .unwrap_err()
            .to_string()
            .contains("expected local or production")
    );
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let mut env = Env::from_map([("PORT", "")]);
    assert_eq!(env.or("PORT", 8000_u16), 8000);
    assert!(env.finish().is_ok());
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let path = std::env::temp_dir().join(format!("chassis-{}.env", std::process::id()));
    std::fs::write(&path, "A=file\nB=file\n").unwrap();
    let process = [
        (super::FILE_VARIABLE, path.to_str().unwrap()),
        ("A", "process"),
    ];
    let process = process.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut env = Env::over_file(process.into());
    std::fs::remove_file(&path).unwrap();
    let values = ["A", "B", "C"].map(|name| env.or(name, "default".to_owned()));
    assert_eq!(values, ["process", "file", "default"]);
    assert!(env.finish().is_ok());
}

#[test]
fn a_misspelt_name_in_the_file_is_a_problem_and_one_of_another_program_is_not() {
    let file = Written::new(b"LOG_LEVL=debug\nHTTP_PROXY=http://proxy\nLOG_LEVEL=info\n");
    let process = [(super::FILE_VARIABLE.to_owned(), file.path().to_owned())];
    let shown = Env::over_file(process.into())
        .finish()
        .unwrap_err()
        .to_string();
    let line = format!(
        "LOG_LEVL stands in {} and is no setting: is LOG_LEVEL meant?",
        file.path()
    );
    assert!(shown.ends_with(&line), "{shown}");
    assert_eq!(shown.lines().count(), 2, "{shown}");
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let process = [(super::FILE_VARIABLE.to_owned(), "/nowhere/.env".to_owned())];
    let shown = Env::over_file(process.into())
        .finish()
        .unwrap_err()
        .to_string();
    assert!(
        shown.contains("/nowhere/.env, which does not exist"),
        "{shown}"
    );
}

/// A file of a test's own.
struct Written(std::path::PathBuf);

impl Written {
    fn new(bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("chassis-{}", uuid::Uuid::now_v7()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.0);
    }
}

#[test]
fn any_variable_may_stand_in_a_file_which_loses_its_last_line_end() {
    let secret = "0123456789".repeat(4);
    let (unix, dos) = (
        Written::new(format!("{secret}\n").as_bytes()),
        Written::new(b"9001\r\n"),
    );
    let two = Written::new(b" two lines \n\n");
    let mut env = Env::from_map([
        ("KEY_FILE", unix.path()),
        ("PORT_FILE", dos.path()),
        ("TEXT_FILE", two.path()),
        ("MODE_FILE", ""),
    ]);
    assert_eq!(env.secret("KEY", 32).expose_secret(), secret);
    assert_eq!(env.or("PORT", 8000_u16), 9001);
    assert_eq!(env.text("TEXT").as_deref(), Some(" two lines \n"));
    assert_eq!(env.or("MODE", "http".to_owned()), "http");
    assert_eq!(env.file_of("KEY").unwrap().to_str(), Some(unix.path()));
    assert!(env.finish().is_ok());
}

#[test]
fn a_value_and_a_file_at_once_are_a_problem_that_shows_neither() {
    let file = Written::new(b"canary-canary-canary-canary-canary");
    let mut env = Env::from_map([("KEY", "canary-canary"), ("KEY_FILE", file.path())]);
    let _ = env.secret("KEY", 8);
    let _ = env.secret("KEY", 8);
    let shown = env.finish().unwrap_err().to_string();
    assert!(shown.contains("KEY_FILE is set beside KEY"), "{shown}");
    assert_eq!(shown.lines().count(), 2, "once: {shown}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn a_file_that_cannot_be_used_is_a_problem_that_names_the_variable() {
    let (empty, large) = (
        Written::new(b"\n"),
        Written::new("x".repeat(64 * 1024 + 1).as_bytes()),
    );
    let binary = Written::new(b"canary\xff");
    for (path, what) in [
        ("/nowhere/key", "cannot be read"),
        (empty.path(), "is empty"),
        (large.path(), "more than 64 KiB"),
        (binary.path(), "not text"),
    ] {
        let mut env = Env::from_map([("KEY_FILE", path)]);
        let _: String = env.required("KEY", "text");
        let _ = env.secret("KEY", 8);
        let shown = env.finish().unwrap_err().to_string();
        assert!(
            shown.contains("KEY_FILE names") && shown.contains(what),
            "{shown}"
        );
        assert_eq!(shown.lines().count(), 2, "only that: {shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn the_layer_above_decides_whether_it_is_a_value_or_a_file() {
    let (above, below) = (Written::new(b"a file above"), Written::new(b"a file below"));
    let lower = format!(
        "A=below\nB_FILE={path}\nC_FILE={path}\nD=below\n",
        path = below.path()
    );
    let dotenv = Written::new(lower.as_bytes());
    let process = [
        (super::FILE_VARIABLE, dotenv.path()),
        ("A_FILE", above.path()),
        ("B", "above"),
        ("C", ""),
        ("D_FILE", ""),
    ];
    let process = process.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut env = Env::over_file(process.into());
    let values = ["A", "B", "C", "D"].map(|name| env.text(name).unwrap());
    assert_eq!(values, ["a file above", "above", "a file below", "below"]);
    assert!(env.finish().is_ok());
}

#[test]
fn a_secret_of_few_letters_is_refused_except_on_a_developers_machine() {
    for (secret, guessable) in [
        ("a".repeat(32), true),
        ("abcabca".repeat(8), true),
        ("9f86d081884c7d659a2feaa0c55ad015".to_owned(), false),
    ] {
        for (profile, refused) in [("production", guessable), ("local", false)] {
            let mut env = Env::from_map([
                ("KEY", secret.as_str()),
                ("KEYS", &secret),
                ("TRIBUTARY_PROFILE", profile),
            ]);
            env.secret("KEY", 32);
            env.secrets("KEYS", 32);
            assert_eq!(env.finish().is_err(), refused, "{secret} {profile}");
        }
    }
}
