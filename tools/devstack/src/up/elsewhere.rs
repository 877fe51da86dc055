//! Databases on another machine may be what people live by: a clone's services are migrations and writers there, and are started on
//! them only where that was allowed.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::layout::Layout;
use crate::progress::Progress;
use crate::settings::{Settings, refuse};

/// Why nothing is started, where a start on these machines' databases was not allowed.
pub(super) fn unallowed(layout: &Layout, settings: &Settings) -> Result<Option<String>> {
    let hosts = hosts(settings)?;
    let allowed = fs::read_to_string(file(layout)).unwrap_or_default();
    if hosts.is_empty() || hosts == allowed {
        return Ok(None);
    }
    Ok(Some(format!(
        "the settings name databases on another machine ({hosts}), which services of this clone would migrate and write to: \
         ./start.sh --databases-elsewhere runs them there, and ./tributary check only reads"
    )))
}

/// The same as an error, for what starts a program alone.
pub(crate) fn check(layout: &Layout, settings: &Settings) -> Result<()> {
    let problems: Vec<String> = unallowed(layout, settings)?.into_iter().collect();
    refuse(&problems)
}

/// Notes that these machines' databases are meant, until the stack is wiped.
pub(crate) fn allow(layout: &Layout, settings: &Settings) -> Result<()> {
    let file = file(layout);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(file, hosts(settings)?)?)
}

/// Those machines, in one line.
pub(crate) fn hosts(settings: &Settings) -> Result<String> {
    let hosts: Vec<String> = settings.databases_elsewhere()?.into_iter().collect();
    Ok(hosts.join(", "))
}

/// Whether demo data stays out, since databases are on these machines.
pub(crate) fn keep_demo_out(hosts: &str, progress: Progress) -> bool {
    if hosts.is_empty() {
        return false;
    }
    progress.note(&format!(
        "no demo data, since databases are on another machine ({hosts})"
    ));
    true
}

fn file(layout: &Layout) -> PathBuf {
    layout.state.join("run/databases-elsewhere")
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
mod tests {
    use super::*;
    use crate::demo::Size;
    use crate::stack::testing::{scratch, settings};
    use crate::up;

    const THERE: &str = "postgres://payment:secret@db.example:5432/payment_db";

    fn fresh() -> Layout {
        Layout {
            state: scratch("elsewhere"),
            ..Layout::find()
        }
    }

    #[test]
    fn nothing_is_started_on_databases_of_another_machine_before_that_is_allowed() {
        let layout = fresh();
        for near in [
            settings(&[]),
            settings(&[("PAYMENT_DATABASE_URL", "postgres://a:b@[::1]:5432/c")]),
            settings(&[("PAYMENT_DATABASE_URL", "postgres://a:b@%2Frun/c")]),
        ] {
            assert_eq!(unallowed(&layout, &near).unwrap(), None);
        }
        for (name, value, host) in [
            ("PAYMENT_DATABASE_URL", THERE, "db.example"),
            ("POSTGRES_HOST", "10.0.0.7", "10.0.0.7"),
        ] {
            let far = settings(&[(name, value)]);
            let refused = check(&layout, &far).unwrap_err().to_string();
            for wanted in [host, "nothing was started", "--databases-elsewhere"] {
                assert!(refused.contains(wanted), "{wanted}: {refused}");
            }
            assert!(!refused.contains("secret"), "{refused}");
        }
        let far = settings(&[("PAYMENT_DATABASE_URL", THERE)]);
        allow(&layout, &far).unwrap();
        assert_eq!(unallowed(&layout, &far).unwrap(), None);
        // What was allowed is not allowed of another one.
        let another = settings(&[("PAYMENT_DATABASE_URL", "postgres://a:b@db.other/c")]);
        assert!(unallowed(&layout, &another).unwrap().is_some());
    }

    #[test]
    fn a_start_on_databases_of_another_machine_is_refused_before_anything_is_built() {
        let layout = fresh();
        fs::create_dir_all(&layout.state).unwrap();
        let far = settings(&[("PAYMENT_DATABASE_URL", THERE)]);
        let problems = up::problems(&layout, &far, false, false).unwrap();
        let is_named = |it: &String| it.contains("db.example");
        assert!(problems.iter().any(is_named), "{problems:?}");
        for (only_infra, allowed) in [(true, false), (false, true)] {
            let problems = up::problems(&layout, &far, only_infra, allowed).unwrap();
            assert!(!problems.iter().any(is_named), "{problems:?}");
        }
    }

    #[tokio::test]
    async fn the_demo_is_not_loaded_into_databases_of_another_machine() {
        let layout = fresh();
        let built = layout.state.join("built");
        fs::create_dir_all(&built).unwrap();
        // There is no generate-jwt beside it: whoever loads something fails.
        fs::write(built.join("bff"), "").unwrap();
        let far = settings(&[("PAYMENT_DATABASE_URL", THERE)]);
        let shown = up::show_demo(Size::Small, &layout, &far, &built, Progress);
        shown.await.unwrap();
    }
}
