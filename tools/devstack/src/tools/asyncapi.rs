//! The `AsyncAPI` specification's own schema, for the test of the document of our messages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::deploying::turn;
use super::{has, install};
use crate::layout::Layout;
use crate::stack::run;

/// Where the specification's authors publish it; Go's own tool checks what it fetches against the public sums.
const MODULE: &str = "github.com/asyncapi/spec-json-schemas/v6@v6.8.0";
const KEPT: &str = "asyncapi-3.0.0-of-6.8.0.json";

/// The JSON Schema of documents of version 3.0.0, fetched at the first call.
pub fn asyncapi_schema(layout: &Layout) -> Result<PathBuf> {
    let _turn = turn();
    let cache = layout.cache();
    let kept = cache.join(KEPT);
    if kept.exists() {
        return Ok(kept);
    }
    if !has("go") {
        install(
            "Go (it fetches the schema that AsyncAPI documents are checked by)",
            "golang-go",
            "go",
        )?;
    }
    println!("    fetching {MODULE}");
    fs::create_dir_all(&cache)?;
    let output = run(Command::new("go")
        .args(["mod", "download", "-json", MODULE])
        .current_dir(&cache)) // not a module's own folder
    .context("go mod download")?;
    let output: Value = serde_json::from_str(&output).context("what go mod download says")?;
    let folder = Path::new(output["Dir"].as_str().context("a folder")?);
    let work = cache.join(format!("{KEPT}.{}.partial", std::process::id()));
    fs::copy(folder.join("schemas/3.0.0.json"), &work)?;
    fs::rename(work, &kept)?;
    Ok(kept)
}
