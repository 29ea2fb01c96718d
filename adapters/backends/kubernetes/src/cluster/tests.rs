use super::*;
use crate::map::node;
use netweave_model::SourceName;
use netweave_model::domain::{DeploymentManagerInfo, LocationInfo, OCloudSiteInfo, ResourcePoolInfo};
use netweave_model::port::fold;
use proptest::prelude::*;
use serde_json::json;

fn scope() -> Scope {
    Scope {
        source: SourceName::from("lab"),
        o_cloud_id: Id::from("cloud"),
        pool_label: "rack".to_owned(),
        service_uri: "https://api".to_owned(),
    }
}

fn cluster() -> Cluster {
    Cluster::new(scope(), "v1.33.0".to_owned()).unwrap()
}

/// A node described by small numbers.
#[derive(Clone, Debug, PartialEq)]
struct Spec {
    name: u8,
    rack: u8,
    zone: u8,
    kind: u8,
}

fn member(spec: &Spec) -> Member {
    let node = json!({
        "metadata": {"name": format!("n{}", spec.name), "labels": {
            "rack": format!("r{}", spec.rack),
            "topology.kubernetes.io/zone": format!("z{}", spec.zone),
            "topology.kubernetes.io/region": format!("g{}", spec.zone / 2),
            "node.kubernetes.io/instance-type": format!("t{}", spec.kind),
        }},
        "status": {"capacity": {"cpu": (spec.kind + 1).to_string(), "memory": format!("{}Gi", spec.rack + 1)}},
    });
    node::node(&scope(), &serde_json::from_value(node).unwrap()).unwrap()
}

fn id(name: u8) -> Id {
    node::id(&scope(), &format!("n{name}"))
}

fn drained(cluster: &mut Cluster) -> BTreeMap<ObjectKey, Object> {
    let mut objects = BTreeMap::new();
    fold(&mut objects, cluster.drain().unwrap());
    objects
}

fn all<T: serde::de::DeserializeOwned>(objects: &BTreeMap<ObjectKey, Object>, kind: Kind) -> Vec<T> {
    let of_kind = objects.values().filter(|object| object.key.kind == kind);
    of_kind.map(|object| serde_json::from_slice(&object.json).unwrap()).collect()
}

#[test]
fn an_empty_cluster_is_a_manager_at_the_default_location() {
    let objects = drained(&mut cluster());
    let manager: DeploymentManagerInfo = all(&objects, Kind::DeploymentManager).remove(0);
    let location: LocationInfo = all(&objects, Kind::Location).remove(0);
    assert_eq!(manager.supported_locations, [location.global_location_id]);
    assert_eq!(manager.capabilities["kubernetesVersion"], "v1.33.0");
    assert_eq!(objects.len(), 4);
}

#[test]
fn a_pool_is_where_most_of_its_members_are() {
    let mut cluster = cluster();
    for (name, zone) in [(1, 1), (2, 0), (3, 1)] {
        cluster.put(member(&Spec { name, rack: 0, zone, kind: 0 }));
    }
    let objects = drained(&mut cluster);
    let pool: ResourcePoolInfo = all(&objects, Kind::ResourcePool).remove(0);
    let sites: Vec<OCloudSiteInfo> = all(&objects, Kind::OCloudSite);
    let home = sites.iter().find(|site| site.o_cloud_site_id == pool.o_cloud_site_id).unwrap();
    assert_eq!((home.name.as_str(), home.resource_pools.len()), ("z1", 1));
    // With one member each, the first by name wins.
    cluster.remove(&id(3));
    let changes = cluster.drain().unwrap();
    let mut moved = BTreeMap::new();
    fold(&mut moved, changes);
    let pool: ResourcePoolInfo = all(&moved, Kind::ResourcePool).remove(0);
    assert_ne!(pool.o_cloud_site_id, home.o_cloud_site_id);
}

#[test]
fn capacity_is_summed_exactly_and_taken_back() {
    let mut cluster = cluster();
    for name in 0..3 {
        cluster.put(member(&Spec { name, rack: 1, zone: 0, kind: 7 }));
    }
    let sums = |objects: &BTreeMap<_, _>| {
        all::<DeploymentManagerInfo>(objects, Kind::DeploymentManager).remove(0).capacity
    };
    assert_eq!(sums(&drained(&mut cluster)), *json!({"cpu": "24", "memory": "6Gi"}).as_object().unwrap());
    cluster.clear(Family::Node);
    assert!(sums(&drained(&mut cluster)).is_empty());
}

#[test]
fn an_unchanged_node_changes_nothing() {
    let mut cluster = cluster();
    let spec = Spec { name: 1, rack: 1, zone: 1, kind: 1 };
    cluster.put(member(&spec));
    drop(cluster.drain().unwrap());
    cluster.put(member(&spec));
    cluster.set_version("v1.33.0".to_owned());
    assert_eq!(cluster.drain().unwrap(), []);
}

#[test]
fn a_new_node_in_a_known_place_touches_itself_and_the_sums_only() {
    let mut cluster = cluster();
    for name in 0..200 {
        cluster.put(member(&Spec { name, rack: 1, zone: 1, kind: 1 }));
    }
    drop(cluster.drain().unwrap());
    cluster.put(member(&Spec { name: 200, rack: 1, zone: 1, kind: 1 }));
    let changes = cluster.drain().unwrap();
    let kind =
        |change: &Change| if let Change::Upsert(object) = change { Some(object.key.kind) } else { None };
    let kinds: Vec<_> = changes.iter().map(kind).collect();
    assert_eq!(kinds, [Some(Kind::Resource), Some(Kind::DeploymentManager)]);
}

#[test]
fn storage_classes_come_and_go() {
    let mut cluster = cluster();
    let class = serde_json::from_value(json!({"metadata": {"name": "fast"}, "provisioner": "p"})).unwrap();
    let object = class::class(&scope(), &class).unwrap();
    cluster.put_class("fast", object.clone());
    let objects = drained(&mut cluster);
    assert!(objects.contains_key(&object.key));
    let manager: DeploymentManagerInfo = all(&objects, Kind::DeploymentManager).remove(0);
    assert_eq!(manager.capabilities["storageClasses"], json!(["fast"]));
    cluster.put_class("fast", object.clone());
    assert_eq!(cluster.drain().unwrap(), []);
    cluster.clear_classes();
    assert!(cluster.drain().unwrap().contains(&Change::Delete(object.key)));
}

fn specs() -> impl Strategy<Value = Spec> {
    (0_u8..8, 0_u8..3, 0_u8..4, 0_u8..3).prop_map(|(name, rack, zone, kind)| Spec { name, rack, zone, kind })
}

proptest! {
    /// Whatever happens, the changes add up to what a fresh look at the remaining nodes says.
    #[test]
    fn changes_add_up_to_a_fresh_look(steps in prop::collection::vec((any::<bool>(), any::<bool>(), specs()), 1..60)) {
        let mut cluster = cluster();
        let mut told = BTreeMap::new();
        let mut alive: BTreeMap<u8, Spec> = BTreeMap::new();
        for (put, drain, spec) in steps {
            if put {
                cluster.put(member(&spec));
                alive.insert(spec.name, spec);
            } else {
                cluster.remove(&id(spec.name));
                alive.remove(&spec.name);
            }
            if drain {
                fold(&mut told, cluster.drain().unwrap());
            }
        }
        fold(&mut told, cluster.drain().unwrap());
        let mut fresh = self::cluster();
        for spec in alive.values() {
            fresh.put(member(spec));
        }
        prop_assert_eq!(told, drained(&mut fresh));
    }
}
