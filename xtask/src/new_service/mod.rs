//! A service more: its folder, and a row wherever services are listed and the table of `schemas` cannot be asked.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use schemas::Service;

mod places;

use places::{FILES, PLACES};

/// What is to be done then.
pub const NEXT: &str = "Now `cargo check` adds it to Cargo.lock, `./test.sh NAME` writes its openapi.json.new, which becomes openapi.json, \
    `SCHEMAS_GOLDEN=write cargo test -p schemas` renews the AsyncAPI document, and ./test.sh says what is missing in the documents. \
    Its first message kind brings its topics: see EVENT_DRIVEN_GUIDE.md.";

/// What a service is called, where it listens and what it is for.
#[derive(Clone, Debug)]
pub struct NewService {
    /// Of folder, crate, program, database and paths: lower-case letters.
    pub name: String,
    /// Where it listens; its second port is a thousand above.
    pub port: u16,
    /// A sentence.
    pub about: String,
}

impl NewService {
    /// Makes the files and adds the rows below `root`; returns what it wrote. Nothing is written unless all of it can be.
    ///
    /// # Errors
    /// The name or the port is taken or no good, or a place is not where it was.
    pub fn write(&self, root: &Path) -> Result<Vec<String>> {
        self.check(root)?;
        let mut written = Vec::new();
        for (path, text) in FILES {
            written.push((self.fill(path), self.fill(text)));
        }
        for place in PLACES {
            let mut text = match written.iter().position(|(path, _)| path == place.file) {
                Some(at) => written.remove(at).1,
                None => fs::read_to_string(root.join(place.file)).context(place.file)?,
            };
            let found = text.matches(place.before).count();
            ensure!(
                found == 1,
                "{}: {:?} stands there {found} times, not once: xtask/src/new_service/places.rs says where rows go",
                place.file,
                place.before
            );
            text = text.replacen(place.before, &(self.fill(place.row) + place.before), 1);
            written.push((place.file.to_owned(), text));
        }
        for (path, text) in &written {
            let path = root.join(path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(written.into_iter().map(|(path, _)| path).collect())
    }

    fn check(&self, root: &Path) -> Result<()> {
        let Self { name, port, about } = self;
        if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_lowercase()) {
            bail!(
                "{name:?} is no name: lower-case letters alone, since crates, databases and paths have it"
            );
        }
        ensure!(
            Service::parse(name).is_none() && !root.join(name).exists(),
            "there is a {name} already"
        );
        if let Some(other) = Service::ALL.into_iter().find(|it| it.port() == *port) {
            bail!("port {port} is that of {other}");
        }
        ensure!(
            (1024..9000).contains(port),
            "{port} is no port for it: 1024 to 8999, and its second port is a thousand above"
        );
        ensure!(
            about.ends_with('.') && !about.contains(['"', '\n', '\\']),
            "say what it is for in a sentence of one line, without quotation marks"
        );
        Ok(())
    }

    fn fill(&self, text: &str) -> String {
        let mut letters = self.name.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        let capitalized: String = first.into_iter().chain(letters).collect();
        text.replace("{name}", &self.name)
            .replace("{Name}", &capitalized)
            .replace("{NAME}", &self.name.to_uppercase())
            .replace("{port}", &self.port.to_string())
            .replace("{admin}", &(self.port + 1000).to_string())
            .replace("{about}", &self.about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use devstack::layout::Layout;
    use std::collections::BTreeSet;

    fn nobody() -> NewService {
        NewService {
            name: "nobody".to_owned(),
            port: 8999,
            about: "What nobody needs.".to_owned(),
        }
    }

    /// A folder with the files in which rows are added, as they are in the clone.
    fn copy() -> std::path::PathBuf {
        let folder = devstack::stack::testing::scratch("new-service");
        for place in PLACES {
            let (from, to) = (
                Layout::find().root.join(place.file),
                folder.join(place.file),
            );
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
        folder
    }

    #[test]
    fn a_service_more_has_a_place_in_every_file_that_lists_services() {
        let folder = copy();
        let written = nobody().write(&folder).unwrap();
        let outside: BTreeSet<&String> = written
            .iter()
            .filter(|path| !path.starts_with("nobody/"))
            .collect();
        println!(
            "{} files outside its own folder: {outside:?}",
            outside.len()
        );
        for path in &written {
            let text = fs::read_to_string(folder.join(path)).unwrap();
            let is_own = path.starts_with("nobody/");
            assert!(is_own || text.to_lowercase().contains("nobody"), "{path}");
            for unfilled in ["{name}", "{Name}", "{NAME}", "{port}", "{admin}", "{about}"] {
                assert!(!text.contains(unfilled), "{path}: {unfilled}");
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_cannot_be_a_service_is_refused_and_nothing_is_written() {
        let folder = copy();
        let taken = Service::Payment;
        for (wrong, why) in [
            (
                NewService {
                    name: "pay-out".to_owned(),
                    ..nobody()
                },
                "is no name",
            ),
            (
                NewService {
                    name: taken.name().to_owned(),
                    ..nobody()
                },
                "already",
            ),
            (
                NewService {
                    port: taken.port(),
                    ..nobody()
                },
                "is that of payment",
            ),
            (
                NewService {
                    port: 80,
                    ..nobody()
                },
                "is no port",
            ),
            (
                NewService {
                    about: "Nothing".to_owned(),
                    ..nobody()
                },
                "in a sentence",
            ),
        ] {
            let refused = wrong.write(&folder).unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
        fs::write(folder.join("Cargo.toml"), "").unwrap();
        let moved = nobody().write(&folder).unwrap_err().to_string();
        assert!(moved.starts_with("Cargo.toml: "), "{moved}");
        assert!(!folder.join("nobody").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
