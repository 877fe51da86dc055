use secrecy::ExposeSecret;
use url::Url;

use super::{Env, Profile, dotenv};

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
    assert_eq!(dotenv::parse("A=1\ncanary\n"), Err(2));
}

#[test]
fn a_dotenv_file_knows_comments_quotes_and_export() {
    let text = "# hello\nexport A=1\nB=\"two words\" # why\nC='#3'\nD=four # five\nE=\n";
    let values = dotenv::parse(text).unwrap();
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
