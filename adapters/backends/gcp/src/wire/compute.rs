//! Instances, machine types, and managed instance groups.

use crate::error;
use crate::wire::Page;
use netweave_model::Result;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The fields of an instance that are read: no metadata, no service accounts, no keys, no licences.
pub(crate) const INSTANCE: &str = "id,name,description,machineType,status,creationTimestamp,cpuPlatform,hostname,\
labels,tags/items,canIpForward,deletionProtection,minCpuPlatform,\
scheduling(provisioningModel,onHostMaintenance,automaticRestart),\
guestAccelerators(acceleratorType,acceleratorCount),\
disks(source,deviceName,type,mode,boot,diskSizeGb,interface),\
networkInterfaces(name,network,subnetwork,networkIP,ipv6Address,nicType,stackType)";
/// The fields of a machine type that are read.
pub(crate) const MACHINE_TYPE: &str = "name,description,guestCpus,memoryMb,isSharedCpu,architecture,\
maximumPersistentDisks,maximumPersistentDisksSizeGb,accelerators(guestAcceleratorType,guestAcceleratorCount)";
/// The fields of a page of a group's members that are read.
pub(crate) const MEMBERS: &str = "nextPageToken,managedInstances/instance";

/// The fields of a managed instance group that are read.
pub(crate) const GROUP: &str = "id,name,description,creationTimestamp,baseInstanceName,instanceTemplate,targetSize,\
distributionPolicy/zones/zone";

/// A virtual machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instance {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// The URL of its machine type.
    pub(crate) machine_type: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) creation_timestamp: Option<String>,
    pub(crate) cpu_platform: Option<String>,
    pub(crate) hostname: Option<String>,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    pub(crate) tags: Option<Tags>,
    pub(crate) can_ip_forward: Option<bool>,
    pub(crate) deletion_protection: Option<bool>,
    pub(crate) min_cpu_platform: Option<String>,
    pub(crate) scheduling: Option<Scheduling>,
    pub(crate) guest_accelerators: Option<Vec<Accelerator>>,
    pub(crate) disks: Option<Vec<AttachedDisk>>,
    pub(crate) network_interfaces: Option<Vec<Interface>>,
}

/// The network tags of an instance.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Tags {
    pub(crate) items: Option<Vec<String>>,
}

/// What the cloud may do with an instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scheduling {
    pub(crate) provisioning_model: Option<String>,
    pub(crate) on_host_maintenance: Option<String>,
    pub(crate) automatic_restart: Option<bool>,
}

/// Accelerators of one type, of an instance or of a machine type.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accelerator {
    /// A URL, or a name.
    #[serde(alias = "guestAcceleratorType")]
    pub(crate) accelerator_type: Option<String>,
    #[serde(alias = "guestAcceleratorCount")]
    pub(crate) accelerator_count: Option<i64>,
}

/// A disk of an instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttachedDisk {
    /// The URL of the disk; none for a local one.
    pub(crate) source: Option<String>,
    pub(crate) device_name: Option<String>,
    pub(crate) r#type: Option<String>,
    pub(crate) mode: Option<String>,
    pub(crate) boot: Option<bool>,
    pub(crate) disk_size_gb: Option<String>,
    pub(crate) interface: Option<String>,
}

/// A network interface of an instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Interface {
    pub(crate) name: Option<String>,
    pub(crate) network: Option<String>,
    pub(crate) subnetwork: Option<String>,
    #[serde(rename = "networkIP")]
    pub(crate) network_ip: Option<String>,
    pub(crate) ipv6_address: Option<String>,
    pub(crate) nic_type: Option<String>,
    pub(crate) stack_type: Option<String>,
}

/// What a machine type has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MachineType {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) guest_cpus: Option<i64>,
    pub(crate) memory_mb: Option<i64>,
    pub(crate) is_shared_cpu: Option<bool>,
    pub(crate) architecture: Option<String>,
    pub(crate) maximum_persistent_disks: Option<i64>,
    pub(crate) maximum_persistent_disks_size_gb: Option<String>,
    pub(crate) accelerators: Option<Vec<Accelerator>>,
}

/// A managed instance group of a zone or region.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Group {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) creation_timestamp: Option<String>,
    pub(crate) base_instance_name: Option<String>,
    /// The URL of the template.
    pub(crate) instance_template: Option<String>,
    pub(crate) target_size: Option<i64>,
    pub(crate) distribution_policy: Option<Distribution>,
}

/// Over which zones a regional group is spread.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Distribution {
    pub(crate) zones: Option<Vec<DistributionZone>>,
}

/// One of these zones.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct DistributionZone {
    /// The URL of the zone.
    pub(crate) zone: Option<String>,
}

/// A page of a group's members. It does not say that it is one, and an empty group answers an empty object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Members {
    pub(crate) managed_instances: Option<Vec<Member>>,
    next_page_token: Option<String>,
}

/// One member.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Member {
    /// The URL of the instance.
    pub(crate) instance: Option<String>,
}

impl Page for Members {
    fn check(&self) -> Result<()> {
        let nameless = |member: &Member| member.instance.is_none();
        if self.managed_instances.iter().flatten().any(nameless) {
            return Err(error::unusable("a member of a group has no name"));
        }
        Ok(())
    }

    fn take_next(&mut self) -> Option<String> {
        self.next_page_token.take().filter(|token| !token.is_empty())
    }
}
