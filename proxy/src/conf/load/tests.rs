//! Faulty files and their exact faults; what wins over what.

use super::*;
use crate::conf::unit::{Size, Span};
use netweave_adapters::RedisConf;
use std::path::Path;

fn file(text: &str) -> Loaded {
    load(&Sources { file: Some(text), ..Sources::default() })
}

fn faults(text: &str) -> Vec<String> {
    file(text).faults.iter().map(ToString::to_string).collect()
}

fn with(variables: &[(&str, &str)], text: &str) -> Loaded {
    let environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load(&Sources { file: Some(text), environment, ..Sources::default() })
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_faulty_file_has_exactly_its_faults() {
    let table: &[(&str, &[&str])] = &[
        ("limts: {}", &["1:1: limts: unknown key `limts`; did you mean `limits`?"]),
        ("limits:\n  colour: red", &["2:3: limits.colour: unknown key `colour`; known here: "]),
        ("api:\n  listen: 8443", &["2:11: api.listen: must be a list, is a number"]),
        ("api: { listen: [localhost] }", &["1:17: api.listen[0]: must be an address and a port, such as"]),
        ("api: { listen: [] }", &["1:16: api.listen: must not be empty"]),
        (
            "api:\n  tls:\n    profile: old",
            &["3:14: api.tls.profile: must be one of `modern`, `intermediate`"],
        ),
        ("api: { tls: { minVersion: '1.2' } }", &["1:15: api.tls.minVersion: unknown key `minVersion`"]),
        ("oCloud: { description: 1.3 }", &["1:24: oCloud.description: must be text, in quotes, is a number"]),
        (
            "api: { allow: [10.0.0.0/8, 10.1.0.0/8] }",
            &["1:28: api.allow[1]: must be the network itself, `10.0.0.0/8`"],
        ),
        (
            "ops: { allow: [smo.example.net] }",
            &["1:16: ops.allow[0]: must be a network such as `10.0.0.0/8`"],
        ),
        (
            "api: { tls: { clientAuth: required } }",
            &["1:27: api.tls.clientAuth: must be one of `request`, `require`; did you mean `require`?"],
        ),
        ("api: { majors: [v1, v3] }", &["1:21: api.majors[1]: must be one of `v1`, `v2`"]),
        ("api: { majors: [v1, v1] }", &["1:16: api.majors: names a major twice"]),
        ("limits: { body: 1 MiB }", &["1:17: limits.body: a size needs a unit"]),
        ("limits: { body: 100 }", &["1:17: limits.body: must be text, in quotes, is a number"]),
        ("limits: { body: 1GiB }", &["1:17: limits.body: must be from 1KiB to 64MiB"]),
        (
            "limits: { perIdentity: { rate: 0 } }",
            &["1:32: limits.perIdentity.rate: must be a whole number from 1 to 1000000"],
        ),
        ("limits: { inFlight: many }", &["1:21: limits.inFlight: must be a whole number, is text"]),
        ("limits: { inFlight: -1 }", &["1:21: limits.inFlight: must be a whole number from 1 to 100000"]),
        ("limits: { inFlight: 1.5 }", &["1:21: limits.inFlight: must be a whole number from 1 to 100000"]),
        ("cache: { ttl: { resources: 10ms } }", &["1:28: cache.ttl.resources: must be from 1s to 7d"]),
        ("limits: {}\nlimits: {}", &["2:1: limits: is given twice, first at 1:1"]),
        (
            "environment: staging\naccess: { mode: token, tokens: { issuers: [{ name: a, issuer: x, audience: [o], jwksUrl: 'https://x/k' }] } }",
            &["2:17: access.mode: `token` is for `dev` only"],
        ),
        ("access: { mode: mtls+token }", &["default: access.tokens.issuers: must name an issuer, since"]),
        ("access: { mode: both }", &["1:17: access.mode: must be one of `mtls`, `mtls+token`, `token`"]),
        (
            "access: { rules: [{ match: '*', token: {} }] }",
            &["1:40: access.rules[0].token: never fits: `access.mode` is `mtls`"],
        ),
        ("environment: production", &["1:14: environment: must be one of `dev`, `staging`, `prod`"]),
        ("apiVersion: netweave/v2", &["1:13: apiVersion: must be `netweave/v1`"]),
        ("environment: no", &["1:14: environment: must be one of"]),
        ("oCloud: { serviceUri: 'ftp://x' }", &["1:23: oCloud.serviceUri: must be `https://HOST"]),
        ("oCloud: { extensions: [] }", &["1:23: oCloud.extensions: must be a section, is a list"]),
        ("state: { kind: etcd }", &["1:16: state.kind: must be one of `memory`, `embedded`, `redis`"]),
        ("state: { kind: memory, path: x }", &["1:24: state.path: unknown key `path`; known here: kind"]),
        (
            "subscriptions: { callback: { schemes: [ftp] } }",
            &["1:40: subscriptions.callback.schemes[0]: must be one of `https`, `http`"],
        ),
        (
            "subscriptions: { callback: { allow: [10.0.0.0/99] } }",
            &["1:38: subscriptions.callback.allow[0]: must "],
        ),
        (
            "subscriptions: { callback: { ports: [0] } }",
            &["1:38: subscriptions.callback.ports[0]: must be a whole number from 1 to"],
        ),
        (
            "delivery: { maxPause: 1h, retention: 30m }",
            &["1:23: delivery.maxPause: must be shorter than delivery.retention"],
        ),
        (
            "tracing: { url: 'https://h:4317/v1/traces', protocol: grpc }",
            &["1:17: tracing.url: must have no path with `protocol: grpc`, such as"],
        ),
        ("tracing: { protocol: http }", &["1:22: tracing.protocol: must be one of `http/protobuf`, `grpc`"]),
        ("log: { level: 'a=b=c' }", &["1:15: log.level: is no level"]),
        ("ops: { listen: '0.0.0.0:8443' }", &["1:16: ops.listen: 0.0.0.0:8443 is taken by api.listen[0]"]),
        (
            "backends: [{ name: a }]",
            &[
                "1:12: backends[0]: lacks the key `kind`; must be one of `aws`, `file`, `gcp`, `kubernetes`, `vmware`",
            ],
        ),
        ("backends: [{ kind: file, name: a }]", &["1:12: backends[0]: lacks the key `path`"]),
        (
            "backends: [{ kind: file, name: A b, path: x }]",
            &["1:32: backends[0].name: must consist of a to z"],
        ),
        (
            "backends: [{ kind: files, name: a, path: x }]",
            &[
                "1:20: backends[0].kind: must be one of `aws`, `file`, `gcp`, `kubernetes`, `vmware`; did you mean `file`?",
            ],
        ),
        (
            "backends: [{ kind: gcp, name: a, projects: [A] }]",
            &["1:44: backends[0].projects: must be ids of projects"],
        ),
        (
            "backends: [{ kind: gcp, name: a, projects: [ran-core], endpoint: 'http://h' }]",
            &["1:66: backends[0].endpoint: must be `https://"],
        ),
        ("- a", &["1:1: must be a section, is a list"]),
        ("a: [", &["1:"]),
    ];
    for (text, right) in table {
        let found = faults(text);
        let same = found.len() == right.len()
            && found.iter().zip(*right).all(|(found, right)| found.starts_with(right));
        assert!(same, "{text}\nfound {found:#?}\nright {right:#?}");
    }
}

#[test]
fn all_faults_of_a_file_are_told_at_once_in_its_order() {
    let text = "\
environment: prod
api:
  listen: [x]
  tls: { certificat: a }
limits:
  body: 1
  body: 2MiB
state: { kind: memory }
subscriptions:
  callback: { schemes: [https, http] }
backends:
  - { kind: file, name: a }
  - { kind: file, name: lab, path: a.yaml }
  - { kind: file, name: lab, path: b.yaml }
";
    let redis = faults("environment: prod\nstate: { kind: redis, url: 'redis://h:1' }\n").join("\n");
    assert!(redis.contains("2:16: state.kind: the connection to `redis` is not encrypted"), "{redis}");
    let right = [
        "3:12: api.listen[0]: must be an address",
        "4:10: api.tls.certificat: unknown key `certificat`; did you mean `certificate`?",
        "6:9: limits.body: must be text",
        "7:3: limits.body: is given twice, first at 6:3",
        "8:16: state.kind: `memory` loses",
        "10:32: subscriptions.callback.schemes[1]: `http` is refused in `prod`",
        "12:5: backends[0]: lacks the key `path`",
        "14:25: backends[2].name: `lab` is the name of an earlier",
    ];
    let found = faults(text);
    assert_eq!(found.len(), right.len(), "{found:#?}");
    for (found, right) in found.iter().zip(right) {
        assert!(found.starts_with(right), "{found}\n{right}");
    }
}

#[test]
fn a_file_of_no_use_is_the_only_fault() {
    for text in ["a: [", "- a", "just text"] {
        let mut loaded = file(text);
        loaded.add(check::files(loaded.unchecked(), netweave_model::Timestamp(0)));
        assert_eq!((loaded.faults.len(), loaded.warnings.len()), (1, 0), "{text}");
    }
}

#[test]
fn flags_win_over_variables_over_the_file_over_the_topology() {
    let text = "environment: prod\nshutdown: { grace: 3s }\nlimits: { inFlight: 1, h2Streams: 1 }\n";
    let environment = [("NETWEAVE_LIMITS_IN_FLIGHT".to_owned(), "2".to_owned())];
    let variables = [environment[0].clone(), ("NETWEAVE_LIMITS_H2_STREAMS".to_owned(), "2".to_owned())];
    let flags = vec![Flag { name: "--in-flight".to_owned(), path: "limits.inFlight", value: "3".to_owned() }];
    let loaded = load(&Sources { file: Some(text), environment: variables.into(), flags, profile: None });
    assert_eq!(loaded.faults, []);
    assert_eq!(loaded.tree().origin_of("shutdown.delay"), &Origin::Profile("prod"));
    let conf = loaded.checked().unwrap();
    assert_eq!((conf.limits.in_flight, conf.limits.h2_streams), (3, 2));
    assert_eq!((conf.shutdown.grace, conf.shutdown.delay), (Span::seconds(3), Span::seconds(15)));
    assert_eq!(conf.limits.body, Size::kib(1024));
}

#[test]
fn variables_set_lists_sections_and_the_kind_of_a_section() {
    let loaded = with(
        &[
            ("NETWEAVE_API_LISTEN", "127.0.0.1:1, [::1]:2"),
            ("NETWEAVE_API_MAJORS", "v2"),
            ("NETWEAVE_API_TLS_CRL", ""),
            ("NETWEAVE_STATE_KIND", "memory"),
            ("NETWEAVE_SUBSCRIPTIONS_CALLBACK_PORTS", "443,8443"),
            ("NETWEAVE_O_CLOUD_EXTENSIONS", "{a: 1}"),
            ("NETWEAVE_BACKENDS", "[{kind: file, name: lab, path: i.yaml}]"),
        ],
        "api: { tls: { crl: x } }\nstate: { kind: embedded, path: /var/x }",
    );
    assert_eq!(loaded.faults, []);
    let conf = loaded.checked().unwrap();
    assert_eq!(conf.api.listen.len(), 2);
    assert_eq!(conf.api.tls.crl, None);
    assert_eq!(conf.subscriptions.callback.ports, [443, 8443]);
    assert_eq!(serde_json::to_value(&conf.state).unwrap(), serde_json::json!({"kind": "memory"}));
    assert_eq!(conf.backends.len(), 1);
    assert_eq!(conf.o_cloud.extensions["a"], 1);
}

#[test]
fn every_key_can_be_set_by_its_variable() {
    let document = schema::document();
    for key in env::keys(Schema::new(&document)) {
        let origin = Origin::Variable(key.variable());
        let defaults = Node::of(&Conf::default()).unwrap();
        let path = key.path.join(".");
        let default = key.path.iter().try_fold(&defaults, |node, step| node.get(step));
        let text = match default.map(|node| &node.value) {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(truth)) => truth.to_string(),
            Some(Value::List(items)) if !items.is_empty() => {
                items.iter().filter_map(Node::text).collect::<Vec<_>>().join(",")
            }
            Some(Value::List(_)) => "[]".to_owned(),
            Some(Value::Map(_)) => "{}".to_owned(),
            _ => "x".to_owned(),
        };
        let text = match &*path {
            "api.allow" | "ops.allow" | "subscriptions.callback.ports" | "subscriptions.callback.allow" => {
                String::new()
            }
            "state.url" | "cache.redis.url" => "redis://h:1".to_owned(),
            "tracing.url" => "http://h:1/v1/traces".to_owned(),
            "state.sentinels" | "cache.redis.sentinels" => "a:1,b:2".to_owned(),
            _ => text,
        };
        // A key of another store than the default one.
        let of_redis = path.starts_with("state.") && !["state.kind", "state.path"].contains(&&*path);
        let file = match &*path {
            "state.url" | "state.sentinels" => "state: { kind: redis }",
            _ if path.starts_with("state.tls.") => {
                "state: { kind: redis, url: 'redis://h:1', tls: { certificate: c, key: k } }"
            }
            "cache.redis.url" | "cache.redis.sentinels" => "",
            _ if path.starts_with("cache.redis.") => {
                "cache: { redis: { url: 'redis://h:1', tls: { certificate: c, key: k } } }"
            }
            _ if of_redis => "state: { kind: redis, url: 'redis://h:1' }",
            _ => "",
        };
        let loaded = with(&[(&key.variable(), &text)], file);
        assert_eq!(loaded.faults, [], "{path}");
        assert_eq!(loaded.tree().origin_of(&path), &origin, "{path}");
    }
}

#[test]
fn a_section_that_may_be_absent_comes_with_its_first_key_and_is_checked_like_any_other() {
    let redis = "state: { kind: redis, url: 'redis://h:1' }";
    let conf = with(&[("NETWEAVE_STATE_TLS_CA", "ca.crt")], redis).checked().unwrap();
    let state = serde_json::to_value(&conf.state).unwrap();
    assert_eq!(state["tls"], serde_json::json!({"ca": "ca.crt", "certificate": null, "key": null}));
    let conf = with(&[("NETWEAVE_CACHE_REDIS_URL", "redis://h:2")], "").checked().unwrap();
    assert_eq!(conf.cache.redis, Some(RedisConf::of_url("redis://h:2")));
    assert_eq!(with(&[], "").checked().unwrap().cache.redis, None);
    let found = faults("state: { kind: redis, url: 'redis://h:1', tls: { caa: x } }");
    assert_eq!(found, ["1:50: state.tls.caa: unknown key `caa`; did you mean `ca`?"]);
}

#[test]
fn the_connection_of_the_shared_cache_is_checked_as_that_of_the_state() {
    let cache = |rest: &str| file(&format!("{rest}\ncache: {{ redis: {{ url: 'redis://h:1' }} }}"));
    assert_eq!((cache("").faults, cache("").warnings), (file("").faults, file("").warnings));
    let warned = cache("environment: staging").warnings;
    assert!(warned.iter().any(|fault| fault.path == "cache.redis"), "{warned:?}");
    assert!(cache("environment: prod").faults.iter().any(|fault| fault.path == "cache.redis"));
    let found = faults("cache: { redis: { username: u } }");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("cache.redis.url: is missing"), "{found:?}");
}

#[test]
fn an_unknown_variable_is_a_warning_in_dev_and_a_fault_in_prod() {
    let variable =
        [("NETWEAVE_LIMITS_IN_FLIHGT", "1"), ("NETWEAVE_GATEWAY_SERVICE_HOST", "10.0.0.1"), ("OTHER", "x")];
    let loaded = with(&variable, "");
    assert_eq!(loaded.faults, []);
    let text = loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.contains(
        "NETWEAVE_LIMITS_IN_FLIHGT: is no key of the configuration; did you mean `NETWEAVE_LIMITS_IN_FLIGHT`?"
    ));
    assert!(!text.contains("SERVICE_HOST") && !text.contains("OTHER"), "{text}");
    assert_eq!(with(&variable, "environment: prod").faults.len(), 1);
}

#[test]
fn a_variable_at_fault_is_named() {
    let loaded =
        with(&[("NETWEAVE_LIMITS_BODY", "huge"), ("NETWEAVE_BACKENDS", "[")], "limits: { body: 2MiB }");
    let found: Vec<String> = loaded.faults.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("NETWEAVE_BACKENDS: backends: is not valid YAML"), "{found:?}");
    assert!(found[1].starts_with("NETWEAVE_LIMITS_BODY: limits.body: a size needs a unit"), "{found:?}");
}

#[test]
fn sections_that_are_left_empty_keep_their_defaults() {
    let loaded = file("limits:\n  # body: 2MiB\nbackends:\napi:\n");
    assert_eq!(loaded.faults, []);
    assert_eq!(loaded.checked().unwrap(), Conf::default());
}

#[test]
fn a_file_with_very_many_faults_names_the_first_and_counts_the_rest() {
    let text = (0..1000).map(|index| format!("key{index}: 1")).collect::<Vec<_>>().join("\n");
    let found = faults(&text);
    assert_eq!(found.len(), MAX_FAULTS + 1);
    assert_eq!(found[0].split(':').next(), Some("1"));
    assert!(found[MAX_FAULTS].ends_with("and 800 more"));
}

#[test]
fn serve_dev_stays_on_this_machine_and_has_no_fault() {
    let profile =
        profile::dev(&profile::Dev { dir: Path::new("/tmp/a 'b\" c"), kubeconfig: None, terminal: true });
    let loaded = load(&Sources { profile: Some(profile), ..Sources::default() });
    assert_eq!((&loaded.faults[..], &loaded.warnings[..]), (&[][..], &[][..]));
    let conf = loaded.checked().unwrap();
    assert!(conf.api.listen.iter().chain([&conf.ops.listen]).all(|address| address.ip().is_loopback()));
    assert_eq!(conf.api.tls.key, Path::new("/tmp/a 'b\" c/tls.key"));
}

#[test]
fn every_example_loads_without_fault_or_warning() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conf/examples");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let loaded = file(&text);
        assert_eq!((&loaded.faults[..], &loaded.warnings[..]), (&[][..], &[][..]), "{}", path.display());
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, ["aws.yaml", "dev.yaml", "kubernetes.yaml", "prod.yaml", "staging.yaml"]);
}
