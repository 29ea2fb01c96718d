use super::*;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::DynamicObject;
use netweave_model::domain::{ResourceClass, ResourceInfo, ResourceKind, ResourceTypeInfo};

fn scope() -> Scope {
    Scope {
        source: SourceName::from("edge-1"),
        o_cloud_id: Id::from("cloud"),
        pool_label: "topology.kubernetes.io/zone".to_owned(),
        service_uri: "https://api".to_owned(),
    }
}

/// A node as a kubelet of 1.33 reports it, with the parts that matter here; written for this test.
fn worker() -> Value {
    json!({
        "metadata": {
            "name": "worker-1", "uid": "u-1", "resourceVersion": "100", "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {
                "node.kubernetes.io/instance-type": "m5.large",
                "node-role.kubernetes.io/worker": "",
                "topology.kubernetes.io/region": "eu-1",
                "topology.kubernetes.io/zone": "eu-1a",
            },
            "managedFields": [{"manager": "kubelet", "time": "2026-01-02T03:04:05Z"}],
        },
        "spec": {
            "providerID": "aws:///eu-1a/i-0123", "unschedulable": true, "podCIDRs": ["10.2.0.0/24"],
            "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-01-02T03:04:05Z"}],
        },
        "status": {
            "capacity": {"cpu": "32", "memory": "263846172Ki", "hugepages-1Gi": "16Gi", "nvidia.com/gpu": "2", "intel.com/sriov": "8"},
            "allocatable": {"cpu": "31500m", "memory": "260846172Ki"},
            "conditions": [
                {"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-02T03:04:05Z", "lastTransitionTime": "2026-01-02T03:04:05Z"},
                {"type": "MemoryPressure", "status": "False", "lastHeartbeatTime": "2026-01-02T03:04:05Z"},
            ],
            "addresses": [{"type": "InternalIP", "address": "10.1.0.1"}],
            "images": [{"names": ["a"], "sizeBytes": 1}],
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "osImage": "Debian", "kernelVersion": "6.1.0",
                "kubeletVersion": "v1.33.1", "kubeProxyVersion": "", "containerRuntimeVersion": "containerd://2",
                "machineID": "m", "systemUUID": "4C4C4544-0000", "bootID": "b",
            },
        },
    })
}

fn member(node: Value) -> Member {
    node::node(&scope(), &serde_json::from_value::<Node>(node).unwrap()).unwrap()
}

fn resource(member: &Member) -> ResourceInfo {
    serde_json::from_slice(&member.object.json).unwrap()
}

#[test]
fn a_node_becomes_a_resource_with_all_that_is_known() {
    let member = member(worker());
    let info = resource(&member);
    assert_eq!(info.resource_id, scope().id(Kind::Resource, "node/worker-1"));
    assert_eq!(member.object.parent.as_ref(), Some(&info.resource_pool_id));
    assert_eq!(info.resource_pool_id, place::pool_id(&scope(), "eu-1a"));
    assert_eq!(info.global_asset_id.as_deref(), Some("aws:///eu-1a/i-0123"));
    assert_eq!(info.groups, ["worker"]);
    let extensions = Value::Object(info.extensions);
    for (pointer, expected) in [
        ("/nativeId", json!("worker-1")),
        ("/capacity/memory", json!("263846172Ki")),
        ("/capacity/nvidia.com~1gpu", json!("2")),
        ("/capacity/hugepages-1Gi", json!("16Gi")),
        ("/allocatable/cpu", json!("31500m")),
        ("/labels/topology.kubernetes.io~1zone", json!("eu-1a")),
        (
            "/taints/0",
            json!({"key": "node.kubernetes.io/unschedulable", "value": "", "effect": "NoSchedule"}),
        ),
        ("/addresses/0/address", json!("10.1.0.1")),
        ("/conditions", json!({"Ready": "True", "MemoryPressure": "False"})),
        ("/ready", json!(true)),
        ("/schedulable", json!(false)),
        ("/nodeInfo/kubeletVersion", json!("v1.33.1")),
        ("/providerId", json!("aws:///eu-1a/i-0123")),
        ("/createdAt", json!("2026-01-02T03:04:05Z")),
    ] {
        assert_eq!(extensions.pointer(pointer), Some(&expected), "{pointer}");
    }
}

#[test]
fn a_heartbeat_is_no_change() {
    let before = member(worker());
    let mut node = worker();
    node["metadata"]["resourceVersion"] = json!("101");
    node["metadata"]["managedFields"][0]["time"] = json!("2026-02-02T03:04:05Z");
    node["status"]["conditions"][0]["lastHeartbeatTime"] = json!("2026-02-02T03:04:05Z");
    node["status"]["images"] = json!([]);
    assert_eq!(member(node).object, before.object);
}

#[test]
fn a_bare_node_lands_in_the_defaults() {
    let member = member(json!({"metadata": {"name": "x"}}));
    assert_eq!((member.share.pool.as_str(), member.share.site.region.as_str()), (DEFAULT, DEFAULT));
    let info = resource(&member);
    assert_eq!(info.extensions["ready"], json!(false));
    assert_eq!(info.extensions["schedulable"], json!(true));
    assert_eq!(info.global_asset_id, None);
}

#[test]
fn without_a_provider_the_machine_number_is_the_asset() {
    let mut node = worker();
    node["spec"] = json!({});
    assert_eq!(resource(&member(node)).global_asset_id.as_deref(), Some("urn:uuid:4c4c4544-0000"));
}

#[test]
fn equal_machines_with_slightly_different_memory_share_a_type() {
    let shaped = |memory: &str| {
        let mut node = worker();
        node["metadata"]["labels"] = json!({});
        node["status"]["capacity"]["memory"] = json!(memory);
        member(node).share.kind
    };
    assert_eq!(shaped("263846172Ki"), shaped("263846100Ki"));
    assert_eq!(shaped("263846172Ki").model, "32 CPU, 252 GiB");
    assert_ne!(shaped("263846172Ki"), shaped("128Gi"));
}

#[test]
fn the_provider_tells_whether_a_node_is_a_machine() {
    for (provider, instance, expected) in [
        ("aws:///z/i", "m5.large", ResourceKind::Logical),
        ("aws:///z/i", "m5.metal", ResourceKind::Physical),
        ("metal3://h", "x", ResourceKind::Physical),
        ("own://h", "x", ResourceKind::Undefined),
        ("", "x", ResourceKind::Undefined),
    ] {
        let mut node = worker();
        node["spec"]["providerID"] = json!(provider);
        node["metadata"]["labels"]["node.kubernetes.io/instance-type"] = json!(instance);
        assert_eq!(member(node).share.kind.info(&scope()).resource_kind, expected, "{provider} {instance}");
    }
}

fn host() -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "metal3.io/v1alpha1", "kind": "BareMetalHost",
        "metadata": {"name": "h1", "namespace": "metal", "labels": {"topology.kubernetes.io/zone": "z"}},
        "spec": {
            "online": true, "bootMACAddress": "02:00:00:00:00:01", "consumerRef": {"name": "m1"},
            "bmc": {"address": "redfish://10.9.9.9", "credentialsName": "h1-secret"},
        },
        "status": {
            "poweredOn": true, "operationalStatus": "OK", "provisioning": {"state": "provisioned"},
            "goodCredentials": {"credentials": {"name": "h1-secret"}},
            "lastUpdated": "2026-01-02T03:04:05Z",
            "hardware": {
                "systemVendor": {"manufacturer": "Maker", "productName": "P1", "serialNumber": "S1"},
                "cpu": {"arch": "x86_64", "count": 64}, "ramMebibytes": 262_144,
                "firmware": {"bios": {"version": "1.2"}}, "nics": [{"name": "eth0", "mac": "02:00:00:00:00:01"}],
            },
        },
    }))
    .unwrap()
}

#[test]
fn a_bare_metal_host_becomes_a_physical_resource_without_its_credentials() {
    let member = host::host(&scope(), &host()).unwrap();
    let text = String::from_utf8(member.object.json.to_vec()).unwrap();
    for secret in ["10.9.9.9", "h1-secret", "redfish", "lastUpdated"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let info = resource(&member);
    assert_eq!(info.global_asset_id.as_deref(), Some("S1"));
    assert_eq!(info.extensions["provisioningState"], "provisioned");
    assert_eq!(info.extensions["hardware"]["firmware"]["bios"]["version"], "1.2");
    let kind = member.share.kind.info(&scope());
    assert_eq!((kind.vendor.as_str(), kind.model.as_str()), ("Maker", "P1"));
    assert_eq!(kind.resource_kind, ResourceKind::Physical);
}

#[test]
fn a_host_without_an_inspection_is_of_unknown_type() {
    let bare: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "metal3.io/v1alpha1", "kind": "BareMetalHost", "metadata": {"name": "h", "namespace": "n"},
    }))
    .unwrap();
    assert_eq!(host::host(&scope(), &bare).unwrap().share.kind.vendor, "unknown");
}

#[test]
fn a_storage_class_becomes_a_type_without_its_secrets() {
    let class: StorageClass = serde_json::from_value(json!({
        "metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "csi.example.com",
        "parameters": {"tier": "nvme", "csi.storage.k8s.io/provisioner-secret-name": "s", "adminPassword": "p"},
    }))
    .unwrap();
    let object = class::class(&scope(), &class).unwrap();
    let info: ResourceTypeInfo = serde_json::from_slice(&object.json).unwrap();
    assert_eq!(info.resource_class, ResourceClass::Storage);
    assert_eq!(info.extensions["parameters"], json!({"tier": "nvme"}));
    assert_eq!(info.extensions["default"], json!(true));
    assert_eq!(info.extensions["reclaimPolicy"], "Delete");
}

#[test]
fn the_dictionaries_have_at_least_one_entry_each_and_stable_ids() {
    let alarms = dictionary::alarms(&scope()).unwrap();
    assert_eq!(alarms, dictionary::alarms(&scope()).unwrap());
    assert_eq!(alarms.key.id, dictionary::alarm_id(&scope()));
    let measurements = dictionary::performance(&scope()).unwrap();
    assert_eq!(measurements.key.id, dictionary::performance_id(&scope()));
}
