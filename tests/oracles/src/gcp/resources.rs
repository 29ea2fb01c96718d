//! What Google's client says of each resource, in the words that `docs/api-mapping.md` promises.

use super::PROJECT;
use super::map::{Making, Report, last, sorted};
use google_cloud_compute_v1::model::{Disk, Instance, Network, Subnetwork};
use serde_json::{Value, json};
use std::collections::HashMap;

impl Making {
    pub(super) fn instance(&mut self, place: &str, one: &Instance, report: &Report) {
        let name = one.name.clone().expect("a name");
        let group = one.self_link.as_ref().and_then(|url| report.members.get(url));
        let pool =
            group.map(|(place, name)| format!("projects/{PROJECT}/{place}/instanceGroupManagers/{name}"));
        let kind = last(one.machine_type.as_deref());
        let scheduling = one.scheduling.clone().unwrap_or_default();
        let accelerators = one.guest_accelerators.iter().map(
            |one| json!({ "type": last(one.accelerator_type.as_deref()), "count": one.accelerator_count }),
        );
        let disks = one.disks.iter().map(|one| {
            json!({
                "deviceName": one.device_name, "disk": last(one.source.as_deref()), "type": one.r#type.as_ref().and_then(|word| word.name()),
                "mode": one.mode.as_ref().and_then(|word| word.name()), "boot": one.boot,
                "sizeGb": one.disk_size_gb.map(|size| size.to_string()), "interface": one.interface.as_ref().and_then(|word| word.name()),
            })
        });
        let interfaces = one.network_interfaces.iter().map(|one| {
            json!({
                "name": one.name, "network": last(one.network.as_deref()), "subnetwork": last(one.subnetwork.as_deref()),
                "networkIp": one.network_ip, "ipv6Address": one.ipv_6_address,
                "nicType": one.nic_type.as_ref().and_then(|word| word.name()), "stackType": one.stack_type.as_ref().and_then(|word| word.name()),
            })
        });
        let value = json!({
            "description": one.description, "tags": one.tags.as_ref().map(|tags| sorted(&tags.items)), "groups": group.map(|(_, name)| [name]),
            "extensions": {
                "uid": one.id.map(|id| id.to_string()), "name": name, "createdAt": one.creation_timestamp, "labels": labels(&one.labels),
                "status": one.status.as_ref().and_then(|word| word.name()), "machineType": kind, "cpuPlatform": one.cpu_platform,
                "minCpuPlatform": one.min_cpu_platform, "hostname": one.hostname, "canIpForward": one.can_ip_forward,
                "deletionProtection": one.deletion_protection,
                "provisioningModel": scheduling.provisioning_model.as_ref().and_then(|word| word.name()),
                "onHostMaintenance": scheduling.on_host_maintenance.as_ref().and_then(|word| word.name()),
                "automaticRestart": scheduling.automatic_restart, "accelerators": accelerators.collect::<Vec<_>>(),
                "disks": disks.collect::<Vec<_>>(), "networkInterfaces": interfaces.collect::<Vec<_>>(),
            },
        });
        self.resource(
            "instance",
            place,
            &format!("instances/{name}"),
            &format!("machineTypes/{kind}"),
            pool,
            value,
        );
    }

    pub(super) fn disk(&mut self, place: &str, one: &Disk) {
        let name = one.name.clone().expect("a name");
        let names =
            |urls: &[String]| sorted(&urls.iter().map(|url| last(Some(url)).to_owned()).collect::<Vec<_>>());
        let number = |number: Option<i64>| number.map(|number| number.to_string());
        let value = json!({
            "description": one.description,
            "extensions": {
                "uid": one.id.map(|id| id.to_string()), "name": name, "createdAt": one.creation_timestamp, "labels": labels(&one.labels),
                "status": one.status.as_ref().and_then(|word| word.name()), "sizeGb": number(one.size_gb),
                "physicalBlockSizeBytes": number(one.physical_block_size_bytes), "provisionedIops": number(one.provisioned_iops),
                "provisionedThroughput": number(one.provisioned_throughput),
                "architecture": one.architecture.as_ref().and_then(|word| word.name()),
                "accessMode": one.access_mode.as_ref().and_then(|word| word.name()), "replicaZones": names(&one.replica_zones),
                "instances": names(&one.users),
            },
        });
        let kind = format!("diskTypes/{}", last(one.r#type.as_deref()));
        self.resource("disk", place, &format!("disks/{name}"), &kind, None, value);
    }

    pub(super) fn network(&mut self, one: &Network) {
        let name = one.name.clone().expect("a name");
        let routing = one.routing_config.as_ref().and_then(|config| config.routing_mode.as_ref());
        let value = json!({
            "description": one.description,
            "extensions": {
                "uid": one.id.map(|id| id.to_string()), "name": name, "createdAt": one.creation_timestamp,
                "autoCreateSubnetworks": one.auto_create_subnetworks, "mtu": one.mtu, "internalIpv6Range": one.internal_ipv_6_range,
                "routingMode": routing.and_then(|word| word.name()),
            },
        });
        self.resource("network", "global", &format!("networks/{name}"), "network", None, value);
    }

    pub(super) fn subnetwork(&mut self, place: &str, one: &Subnetwork) {
        let name = one.name.clone().expect("a name");
        let ranges = one.secondary_ip_ranges.iter();
        let ranges = ranges.map(|one| json!({ "name": one.range_name, "ipCidrRange": one.ip_cidr_range }));
        let value = json!({
            "description": one.description,
            "extensions": {
                "uid": one.id.map(|id| id.to_string()), "name": name, "createdAt": one.creation_timestamp,
                "network": last(one.network.as_deref()), "ipCidrRange": one.ip_cidr_range, "ipv6CidrRange": one.ipv_6_cidr_range,
                "gatewayAddress": one.gateway_address, "secondaryIpRanges": ranges.collect::<Vec<_>>(),
                "purpose": one.purpose.as_ref().and_then(|word| word.name()), "role": one.role.as_ref().and_then(|word| word.name()),
                "stackType": one.stack_type.as_ref().and_then(|word| word.name()), "privateIpGoogleAccess": one.private_ip_google_access,
            },
        });
        self.resource("subnetwork", place, &format!("subnetworks/{name}"), "subnetwork", None, value);
    }
}

fn labels(labels: &HashMap<String, String>) -> Value {
    labels
        .iter()
        .map(|(key, value)| (key.clone(), value.clone().into()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
