//! Who may import whom: section 3 of `docs/architecture.md`, held by reading manifests and sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Our crates' folders and what each may depend on among ours, its own tests included.
const EDGES: &[(&str, &[&str])] = &[
    ("adapters/model", &[]),
    ("adapters/http", &["netweave-model"]),
    ("adapters/backends/aws", &["netweave-http", "netweave-model"]),
    ("adapters/backends/file", &["netweave-http", "netweave-model"]),
    ("adapters/backends/gcp", &["netweave-http", "netweave-model"]),
    ("adapters/backends/kubernetes", &["netweave-http", "netweave-model"]),
    ("adapters/backends/vmware", &["netweave-http", "netweave-model"]),
    ("adapters/stores/memory", &["netweave-http", "netweave-model"]),
    // The embedded store decides by the memory store and adds the file.
    ("adapters/stores/embedded", &["netweave-http", "netweave-memory", "netweave-model"]),
    ("adapters/stores/redis", &["netweave-model"]),
    (
        "adapters",
        &[
            "netweave-aws",
            "netweave-embedded",
            "netweave-file",
            "netweave-gcp",
            "netweave-http",
            "netweave-kubernetes",
            "netweave-memory",
            "netweave-model",
            "netweave-redis",
            "netweave-vmware",
        ],
    ),
    // The memory store is a dependency of the proxy's tests only; see `production_code_of_the_proxy_...` below.
    ("proxy", &["netweave-adapters", "netweave-http", "netweave-memory", "netweave-model"]),
];

/// What does I/O, runs tasks or speaks a protocol: not in the model.
const IO: &[&str] =
    &["tokio", "hyper", "reqwest", "rustls", "kube", "redb", "notify", "tokio-stream", "tracing"];

/// Where Pingora may be named within `proxy/src`; the log names it only to say which of its lines are kept out.
const PINGORA: &[&str] = &["gateway", "listen/", "ops/", "services/driver.rs", "telemetry/log.rs"];

#[test]
fn our_crates_depend_only_on_the_rooms_below() {
    for (folder, allowed) in EDGES {
        for name in dependencies(folder).into_iter().filter(|name| name.starts_with("netweave")) {
            assert!(allowed.contains(&name.as_str()), "{folder} must not depend on {name}");
        }
    }
}

#[test]
fn nothing_depends_on_tests_or_benches() {
    for folder in members().iter().filter(|folder| !["tests", "benches"].contains(&folder.as_str())) {
        let names = dependencies(folder);
        assert!(
            !names.contains("netweave-tests") && !names.contains("netweave-benches"),
            "{folder}: {names:?}"
        );
    }
}

/// A build for use takes the proxy alone, so it has no code by which a process can be told to die.
#[test]
fn only_the_tests_ask_for_fail_points() {
    let asks = |folder: &str| read(&root().join(folder).join("Cargo.toml")).contains("\"failpoints\"");
    let asking: Vec<_> = members().into_iter().filter(|folder| asks(folder)).collect();
    assert_eq!(asking, ["tests"]);
    assert!(!asks(""), "the workspace's own manifest asks for them");
}

#[test]
fn every_crate_of_the_workspace_is_named_here() {
    let known = EDGES.iter().map(|(folder, _)| *folder).chain(["tests", "benches"]);
    assert_eq!(members(), known.map(str::to_owned).collect());
}

#[test]
fn the_model_does_no_io() {
    let names = dependencies("adapters/model");
    for library in IO {
        assert!(!names.contains(*library), "the model must not depend on {library}");
    }
}

#[test]
fn pingora_is_named_only_where_it_is_driven() {
    for (path, text) in sources("proxy/src") {
        if names_crate(&text, "pingora") {
            let home = PINGORA.iter().any(|home| path.starts_with(home));
            assert!(home, "proxy/src/{path} names Pingora; its homes are {PINGORA:?}");
        }
    }
}

#[test]
fn production_code_of_the_proxy_names_no_concrete_backend_or_store() {
    let concrete = [
        "netweave_file",
        "netweave_kubernetes",
        "netweave_vmware",
        "netweave_memory",
        "netweave_embedded",
        "kube",
        "redb",
    ];
    for (path, text) in sources("proxy/src") {
        for name in concrete {
            assert!(
                !names_crate(&text, name),
                "proxy/src/{path} names {name}; it is reached through the facade"
            );
        }
    }
}

#[test]
fn filters_routes_present_and_inventory_know_ports_and_plain_http_only() {
    for room in ["filters", "routes", "present", "inventory"] {
        for (path, text) in sources(&format!("proxy/src/{room}")) {
            for name in ["hyper", "reqwest", "rustls", "netweave_http"] {
                // Subscriptions check and try their callbacks: that is what the outbound crate is for.
                let callback = room == "routes" && name == "netweave_http";
                assert!(callback || !names_crate(&text, name), "proxy/src/{room}/{path} names {name}");
            }
        }
    }
}

#[test]
fn no_file_is_longer_than_the_house_allows() {
    for member in members() {
        // The conformance suites are tests, although they are a library.
        let suite = |path: &str| member == "tests" && path.starts_with("conformance/");
        for (path, text) in sources(&format!("{member}/src")).into_iter().filter(|(path, _)| !suite(path)) {
            let lines = text.lines().count();
            assert!(lines <= 500, "{member}/src/{path} has {lines} lines before its tests; 500 is the limit");
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The workspace's members, from its manifest.
fn members() -> BTreeSet<String> {
    let manifest = read(&root().join("Cargo.toml"));
    let (_, rest) = manifest.split_once("members = [").expect("members");
    let (list, _) = rest.split_once(']').expect("the end of the members");
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The names of all dependencies of a crate, those of its tests too.
fn dependencies(folder: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in read(&root().join(folder).join("Cargo.toml")).lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside && let Some(end) = line.find(['.', ' ', '=']).filter(|end| *end > 0) {
            names.insert(line[..end].to_owned());
        }
    }
    names
}

/// All sources below a folder with their paths in it, without tests: neither modules that exist for tests alone, nor what
/// follows the head of a test module within a file.
fn sources(folder: &str) -> Vec<(String, String)> {
    let base = root().join(folder);
    let mut found = Vec::new();
    let mut folders = vec![base.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry of the folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.strip_prefix(&base).expect("below").to_owned(), read(&path)));
            }
        }
    }
    let for_tests: BTreeSet<String> = found.iter().flat_map(|(_, text)| modules_for_tests(text)).collect();
    let is_test = |path: &PathBuf| {
        path.with_extension("")
            .components()
            .any(|part| for_tests.contains(&part.as_os_str().display().to_string()))
    };
    let code = found.into_iter().filter(|(path, _)| !is_test(path));
    code.map(|(path, text)| (path.display().to_string(), before_tests(&text).to_owned())).collect()
}

/// The names of modules in files of their own that are compiled for tests only.
fn modules_for_tests(text: &str) -> impl Iterator<Item = String> {
    text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| {
        let declaration = rest.lines().next()?.trim_start().strip_suffix(';')?;
        Some(declaration.rsplit_once("mod ")?.1.to_owned())
    })
}

fn before_tests(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod tests {").map_or(text, |(code, _)| code)
}

/// Whether code, not a comment, has a path that begins with a crate or one of its family: `pingora::`, `pingora_core::`.
fn names_crate(text: &str, name: &str) -> bool {
    let family = format!("{name}_");
    text.lines().filter_map(|line| line.split("//").next()).any(|code| {
        code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .filter_map(|path| path.split_once("::"))
            .any(|(first, _)| first == name || first.starts_with(&family))
    })
}

#[test]
fn a_crate_is_recognised_where_code_names_it() {
    assert!(names_crate("use pingora_core::services::Service;", "pingora"));
    assert!(names_crate("fn f(x: pingora::Result<()>)", "pingora"));
    assert!(names_crate("let store = netweave_memory::Memory::new();", "netweave_memory"));
    assert!(!names_crate("// as pingora::Session does", "pingora"));
    assert!(!names_crate("use crate::kube::Thing;", "kube"));
    assert!(!names_crate("let kubelet = 1;", "kube"));
}
