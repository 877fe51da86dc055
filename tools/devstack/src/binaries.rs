//! The files of programs: where they were built, and where they run.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Gives a file another name, or copies it where the two places are on different disks. Building again makes a new file and leaves this
/// one, so a process that runs it is not touched.
///
/// # Errors
/// There is no such file, or the other name is taken or in no folder.
pub fn link_or_copy(source: &Path, place: &Path) -> io::Result<()> {
    fs::hard_link(source, place).or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound => Err(error),
        _ => fs::copy(source, place).map(|_| ()),
    })
}

/// Whether both are there and have the same bytes.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let (Ok(its), Ok(others)) = (fs::metadata(one), fs::metadata(other)) else {
        return false;
    };
    let file = |of: &fs::Metadata| (of.dev(), of.ino());
    file(&its) == file(&others)
        || its.len() == others.len()
            && matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::testing::scratch;

    #[test]
    fn a_file_is_the_same_under_its_other_name_and_as_a_copy_and_not_when_it_was_built_again() {
        let dir = scratch("binaries");
        fs::create_dir_all(&dir).unwrap();
        let [source, linked, copied] = ["source", "linked", "copied"].map(|name| dir.join(name));
        assert!(link_or_copy(&source, &linked).is_err());
        fs::write(&source, "one").unwrap();
        assert!(!is_same(&source, &linked));
        link_or_copy(&source, &linked).unwrap();
        fs::copy(&source, &copied).unwrap();
        assert!(is_same(&source, &linked) && is_same(&source, &copied));
        assert!(link_or_copy(&source, &linked).is_err(), "the name is taken");
        // As a linker writes it.
        fs::remove_file(&source).unwrap();
        fs::write(&source, "two").unwrap();
        assert!(!is_same(&source, &linked));
        assert_eq!(fs::read(&linked).unwrap(), b"one");
        fs::remove_dir_all(dir).unwrap();
    }
}
