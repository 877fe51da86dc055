//! Puts the console's built assets into a table that the bff has in its program: each as it is and compressed, with a tag of its bytes.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fmt::Write as _};

use flate2::write::GzEncoder;
use flate2::{Compression, Crc};

/// From the bff's folder.
const BUILT: &str = "../console/dist";

fn main() -> io::Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let built = variable("CARGO_MANIFEST_DIR").join(BUILT);
    let out = variable("OUT_DIR");
    println!("cargo::rerun-if-changed={BUILT}");
    let mut files = Vec::new();
    find(&built, &mut files)?;
    files.sort();
    let mut table = "&[\n".to_owned();
    for (index, file) in files.iter().enumerate() {
        let bytes = fs::read(file)?;
        let compressed = out.join(format!("{index}.gz"));
        fs::write(&compressed, gzip(&bytes)?)?;
        let name = file.strip_prefix(&built).map_err(io::Error::other)?;
        let _never_fails = writeln!(
            table,
            "Asset {{ path: {:?}, tag: {:?}, plain: include_bytes!({:?}), gzip: include_bytes!({:?}) }},",
            name.display().to_string(),
            tag(&bytes),
            file.display().to_string(),
            compressed.display().to_string(),
        );
    }
    table.push_str("]\n");
    fs::write(out.join("console.rs"), table)
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// An entity tag (RFC 9110, 8.8.3).
fn tag(bytes: &[u8]) -> String {
    let mut crc = Crc::new();
    crc.update(bytes);
    format!("\"{:x}-{:08x}\"", bytes.len(), crc.sum())
}
