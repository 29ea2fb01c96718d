use super::*;

const BOTH: &[Major] = &[Major::V1, Major::V2];

fn operation(path: &str) -> Option<Operation<'_>> {
    resolve(path, BOTH).map(|route| route.operation)
}

/// The paths under a major, with what they name, and whether v1 has them.
fn collections() -> Vec<(&'static str, Operation<'static>, bool)> {
    let id = || Cow::Borrowed("x-1");
    let mut all = vec![
        ("", Operation::Cloud, true),
        ("/openapi.json", Operation::OpenApi, true),
        ("/subscriptions", Operation::Subscriptions, true),
        ("/subscriptions/x-1", Operation::Subscription(id()), true),
        ("/resourceTypes/x-1/alarmDictionary", Operation::TypeDictionary(Kind::AlarmDictionary, id()), true),
        (
            "/resourceTypes/x-1/performanceDictionary",
            Operation::TypeDictionary(Kind::PerformanceDictionary, id()),
            true,
        ),
        ("/resourcePools/x-1/resources", Operation::List(Kind::Resource, Some(id())), true),
        ("/resourcePools/x-1/resources/x-1", Operation::Get(Kind::Resource, Some(id()), id()), true),
    ];
    for (list, one, kind, v1) in [
        ("/resourceTypes", "/resourceTypes/x-1", Kind::ResourceType, true),
        ("/resourcePools", "/resourcePools/x-1", Kind::ResourcePool, true),
        ("/deploymentManagers", "/deploymentManagers/x-1", Kind::DeploymentManager, true),
        ("/alarmDictionaries", "/alarmDictionaries/x-1", Kind::AlarmDictionary, true),
        ("/performanceDictionaries", "/performanceDictionaries/x-1", Kind::PerformanceDictionary, true),
        ("/locations", "/locations/x-1", Kind::Location, false),
        ("/oCloudSites", "/oCloudSites/x-1", Kind::OCloudSite, false),
    ] {
        all.push((list, Operation::List(kind, None), v1));
        all.push((one, Operation::Get(kind, None, id()), v1));
    }
    all
}

#[test]
fn every_inventory_path_resolves_in_both_spellings_and_with_a_trailing_slash() {
    for api in [API, API_ALIAS] {
        for (name, major) in [("v1", Major::V1), ("v2", Major::V2)] {
            for (rest, expected, in_v1) in collections() {
                for slash in ["", "/"] {
                    let path = format!("/{api}/{name}{rest}{slash}");
                    let route = resolve(&path, BOTH);
                    if major == Major::V1 && !in_v1 {
                        assert_eq!(route, None, "{path}");
                        continue;
                    }
                    let route = route.unwrap_or_else(|| panic!("{path} does not resolve"));
                    assert_eq!(route.operation, expected, "{path}");
                    assert_eq!(route.major, major, "{path}");
                    let template =
                        route.template.replace("{resourcePoolId}", "x-1").replace("{resourceId}", "x-1");
                    let template = template
                        .split('/')
                        .map(|segment| if segment.starts_with('{') { "x-1" } else { segment })
                        .collect::<Vec<_>>()
                        .join("/");
                    if expected != Operation::OpenApi {
                        let spelled = format!("/{API}/{name}{}", if rest.is_empty() { "/" } else { rest });
                        assert_eq!(template, spelled, "{path}");
                    }
                }
            }
        }
    }
}

#[test]
fn paths_outside_the_majors_resolve() {
    let id = || Cow::Borrowed("s1");
    for (path, expected) in [
        ("/o2ims-infrastructureInventory/api_versions", Operation::ApiVersions(None)),
        ("/O2ims_infrastructureInventory/api_versions/", Operation::ApiVersions(None)),
        ("/o2ims-infrastructureInventory/v1/api_versions", Operation::ApiVersions(Some(Major::V1))),
        ("/o2ims-infrastructureInventory/v2/api_versions", Operation::ApiVersions(Some(Major::V2))),
        ("/netweave/v1/self", Operation::Caller),
        ("/netweave/v1/sources/", Operation::Sources),
        ("/netweave/v1/sources/lab/refresh", Operation::Refresh("lab".into())),
        ("/netweave/v1/subscriptions/s1", Operation::Lease(id())),
        ("/netweave/v1/subscriptions/s1/renew", Operation::Act(id(), Action::Renew)),
        ("/netweave/v1/subscriptions/s1/test", Operation::Act(id(), Action::Test)),
        ("/netweave/v1/subscriptions/s1/replay", Operation::Act(id(), Action::Replay)),
        ("/netweave/v1/subscriptions/s1/dry-run", Operation::Act(id(), Action::DryRun)),
        ("/netweave/v1/subscriptions/s1/deliveries", Operation::Act(id(), Action::Deliveries)),
        ("/netweave/v1/subscriptions/s1/rotate-secret", Operation::Act(id(), Action::RotateSecret)),
        ("/netweave/v1/subscriptions/dry-run", Operation::DryRun),
        ("/openapi.json", Operation::OpenApi),
        ("/livez", Operation::Health(Health::Live)),
        ("/healthz", Operation::Health(Health::Healthy)),
        ("/health", Operation::Health(Health::Healthy)),
        ("/readyz", Operation::Health(Health::Ready)),
        ("/ready/", Operation::Health(Health::Ready)),
    ] {
        assert_eq!(operation(path), Some(expected), "{path}");
    }
}

#[test]
fn other_paths_do_not_exist() {
    for path in [
        "",
        "/",
        "//",
        "*",
        "o2ims-infrastructureInventory/v1",
        "/o2ims-infrastructureInventory",
        "/o2ims-infrastructureInventory/",
        "/o2ims-infrastructureInventory/v3",
        "/o2ims-infrastructureInventory/v1//",
        "/o2ims-infrastructureInventory//v1",
        "/o2ims-infrastructureInventory/v1/resourcePools//",
        "/o2ims-infrastructureInventory/v1/resourcePools//resources",
        "/o2ims-infrastructureInventory/v1/resources",
        "/o2ims-infrastructureInventory/v1/resources/1",
        "/o2ims-infrastructureInventory/v1/./resourcePools",
        "/o2ims-infrastructureInventory/v1/../v2/resourcePools",
        "/o2ims-infrastructureInventory/v1/resourcePools/%2e%2E",
        "/o2ims-infrastructureInventory/v1/resourcePools/%2e",
        "/o2ims-infrastructureInventory/v1/resourcePools/%",
        "/o2ims-infrastructureInventory/v1/resourcePools/%4",
        "/o2ims-infrastructureInventory/v1/resourcePools/%zz",
        "/o2ims-infrastructureInventory/v1/resourcePools/%00",
        "/o2ims-infrastructureInventory/v1/resourcePools/a%0ab",
        "/o2ims-infrastructureInventory/v1/resourcePools/%ff%fe",
        "/o2ims-infrastructureInventory/v1/resourcePools/1/resources/2/3",
        "/o2ims-infrastructureInventory/v1/resourcepools",
        "/O2IMS-infrastructureInventory/v1/resourcePools",
        "/%6f2ims-infrastructureInventory/v1/resourcePools",
        "/netweave/v1",
        "/netweave/v2/self",
        "/netweave/v1/subscriptions",
        "/netweave/v1/subscriptions/s1/explode",
        "/netweave/v1/subscriptions/s1/renew/now",
        "/healthz/x",
        "/metrics",
    ] {
        assert_eq!(resolve(path, BOTH), None, "{path}");
    }
}

#[test]
fn a_hidden_major_does_not_exist_but_its_neighbour_does() {
    let only = &[Major::V1][..];
    assert!(resolve("/o2ims-infrastructureInventory/v1/resourcePools", only).is_some());
    assert_eq!(resolve("/o2ims-infrastructureInventory/v2/resourcePools", only), None);
    assert!(resolve("/o2ims-infrastructureInventory/api_versions", only).is_some());
}

#[test]
fn ids_are_decoded_once_and_borrowed_when_they_have_no_escapes() {
    let path = "/o2ims-infrastructureInventory/v2/resourcePools/a%2Fb%252F%20%C3%A9";
    assert_eq!(operation(path), Some(Operation::Get(Kind::ResourcePool, None, Cow::Borrowed("a/b%2F é"))));
    let plain = operation("/o2ims-infrastructureInventory/v2/resourcePools/plain");
    assert!(matches!(plain, Some(Operation::Get(_, None, Cow::Borrowed("plain")))));
}

#[test]
fn declared_methods_are_those_of_the_specification() {
    let methods = |path| resolve(path, BOTH).map(|route| route.methods);
    assert_eq!(methods("/o2ims-infrastructureInventory/v1/resourcePools"), Some(GET));
    assert_eq!(methods("/o2ims-infrastructureInventory/v1/subscriptions"), Some(GET_POST));
    assert_eq!(methods("/o2ims-infrastructureInventory/v1/subscriptions/1"), Some(GET_DELETE));
    assert_eq!(methods("/netweave/v1/subscriptions/1"), Some(GET_PUT_DELETE));
    assert_eq!(methods("/netweave/v1/subscriptions/1/renew"), Some(POST));
    assert_eq!(methods("/netweave/v1/subscriptions/1/deliveries"), Some(GET));
}

#[test]
fn slots_are_distinct_per_template_and_below_their_bound() {
    let mut seen = std::collections::BTreeMap::new();
    for (rest, ..) in collections() {
        for name in ["v1", "v2"] {
            let path = format!("/{API}/{name}{rest}");
            if let Some(route) = resolve(&path, BOTH) {
                let slot = slot(&route);
                assert!(slot < SLOTS, "{path}");
                let before = seen.insert(slot, route.template);
                assert!(before.is_none_or(|template| template == route.template), "{path}");
            }
        }
    }
}
