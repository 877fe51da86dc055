//! What makes Java classes of Avro schemas and compiles them.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::deploying::turn;
use super::install::maven_copy;
use super::{has, install};
use crate::layout::Layout;

const AVRO: &str = "1.12.1";
/// Eclipse's compiler is one file and runs where there is no development kit, as where the broker runs.
const COMPILER: &str = "3.42.0";

/// The generator of classes, which holds Avro itself, and a compiler.
#[derive(Debug)]
pub struct AvroTools {
    /// `java -jar … compile schema …`.
    pub avro: PathBuf,
    /// `java -jar … -17 …`.
    pub compiler: PathBuf,
}

/// Fetches them with Maven, once for all clones: 75 MB.
pub fn avro_tools(layout: &Layout) -> Result<AvroTools> {
    let _turn = turn();
    let home = layout
        .cache()
        .join(format!("avro-tools-{AVRO}-ecj-{COMPILER}"));
    let tools = AvroTools {
        avro: home.join(format!("avro-tools-{AVRO}.jar")),
        compiler: home.join(format!("ecj-{COMPILER}.jar")),
    };
    let done = home.join("complete");
    if done.exists() {
        return Ok(tools);
    }
    if !has("mvn") {
        install(
            "Maven (it fetches what makes Java classes of schemas)",
            "maven",
            "maven",
        )?;
    }
    println!("    fetching Avro {AVRO}'s tools and a Java compiler with Maven (75 MB, once)");
    fs::create_dir_all(&home)?;
    for artifact in [
        format!("org.apache.avro:avro-tools:{AVRO}"),
        format!("org.eclipse.jdt:ecj:{COMPILER}"),
    ] {
        maven_copy(&artifact, &home)?;
    }
    fs::write(done, "")?;
    Ok(tools)
}
