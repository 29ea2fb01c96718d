//! Lists the pages of `docs/runbooks` for `netweave runbook`, so that each page is in the binary.

use std::fmt::Write;
use std::io::{Error, Result};
use std::path::Path;

fn main() -> Result<()> {
    let variable = |name| std::env::var(name).map_err(Error::other);
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../docs/runbooks").canonicalize()?;
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|ending| ending == "md") && name != "README" {
            pages.push((name, path.to_string_lossy().into_owned()));
        }
    }
    pages.sort();
    let mut list = "&[\n".to_owned();
    for (name, path) in pages {
        writeln!(list, "    Page {{ name: {name:?}, text: include_str!({path:?}) }},")
            .map_err(Error::other)?;
    }
    list.push_str("]\n");
    std::fs::write(Path::new(&variable("OUT_DIR")?).join("runbooks.rs"), list)?;
    std::io::Write::write_all(
        &mut std::io::stdout(),
        format!("cargo::rerun-if-changed={}\n", folder.display()).as_bytes(),
    )
}
