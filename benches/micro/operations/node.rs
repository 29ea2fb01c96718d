//! A resource like a Kubernetes node: about 900 bytes of JSON with 28 scalars.

use bytes::Bytes;
use serde_json::json;

/// Makes the resource with a number, in the spelling of the interface.
pub(crate) fn node(number: u64) -> Bytes {
    let object = json!({
        "resourceId": format!("00000000-0000-5000-8000-{number:012x}"), "resourcePoolId": format!("pool-{}", number % 40),
        "resourceTypeId": format!("type-{}", number % 12), "globalAssetId": format!("urn:k8s:node:{number}"),
        "description": format!("node-{number} of the far edge cluster"), "elements": [], "tags": ["a", "b"], "groups": [],
        "extensions": {
            "capacity": {"cpu": "64", "memory": "263846172Ki", "hugepages-1Gi": "32Gi", "pods": "250",
                "intel.com/sriov": (number % 9).to_string()},
            "allocatable": {"cpu": "62", "memory": "260846172Ki", "hugepages-1Gi": "32Gi", "pods": "250"},
            "labels": {"kubernetes.io/hostname": format!("node-{number}"), "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": format!("zone-{}", number % 7), "topology.kubernetes.io/region": "eu-1",
                "node.kubernetes.io/instance-type": "ptl-64", "site": format!("site-{}", number % 300),
                "feature.node.kubernetes.io/cpu-cpuid.AVX512F": "true", "rack": number % 40},
            "nodeInfo": {"kubeletVersion": "v1.31.2", "kernelVersion": "6.1.0-rt", "osImage": "Debian GNU/Linux 12",
                "containerRuntimeVersion": "containerd://1.7"},
            "ready": !number.is_multiple_of(50), "created": "2026-03-02T10:00:00Z"}});
    object.to_string().into()
}
