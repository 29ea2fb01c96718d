//! Instances and instance types.

use super::{Answer, Page, Set, Tag};
use crate::endpoint::Service;
use serde::Deserialize;

/// The answer of `DescribeInstances`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instances {
    reservation_set: Set<Reservation>,
    #[serde(default)]
    next_token: Option<String>,
}

/// Instances that were started together.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reservation {
    #[serde(default)]
    owner_id: String,
    instances_set: Set<Instance>,
}

/// An instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Instance {
    /// The account, from the reservation.
    #[serde(skip)]
    pub(crate) owner_id: String,
    pub(crate) instance_id: String,
    pub(crate) instance_type: String,
    pub(crate) instance_state: State,
    pub(crate) placement: Placement,
    pub(crate) architecture: Option<String>,
    pub(crate) image_id: Option<String>,
    pub(crate) platform: Option<String>,
    pub(crate) launch_time: Option<String>,
    pub(crate) instance_lifecycle: Option<String>,
    pub(crate) capacity_reservation_id: Option<String>,
    pub(crate) vpc_id: Option<String>,
    pub(crate) subnet_id: Option<String>,
    pub(crate) private_dns_name: Option<String>,
    pub(crate) private_ip_address: Option<String>,
    pub(crate) ip_address: Option<String>,
    pub(crate) ipv6_address: Option<String>,
    pub(crate) root_device_name: Option<String>,
    pub(crate) cpu_options: Option<CpuOptions>,
    pub(crate) network_interface_set: Set<Interface>,
    pub(crate) block_device_mapping: Set<Device>,
    pub(crate) tag_set: Set<Tag>,
}

/// `pending`, `running`, `shutting-down`, `terminated`, `stopping` or `stopped`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct State {
    #[serde(default)]
    pub(crate) name: String,
}

/// Where an instance runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Placement {
    pub(crate) availability_zone: Option<String>,
    pub(crate) availability_zone_id: Option<String>,
    pub(crate) group_name: Option<String>,
    pub(crate) host_id: Option<String>,
    pub(crate) tenancy: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CpuOptions {
    pub(crate) core_count: Option<u64>,
    pub(crate) threads_per_core: Option<u64>,
}

/// A network interface of an instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Interface {
    pub(crate) network_interface_id: String,
    pub(crate) mac_address: Option<String>,
    pub(crate) subnet_id: Option<String>,
    pub(crate) private_ip_address: Option<String>,
    pub(crate) interface_type: Option<String>,
}

/// A volume of an instance.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Device {
    pub(crate) device_name: String,
    pub(crate) ebs: Option<Ebs>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Ebs {
    pub(crate) volume_id: Option<String>,
}

impl Answer for Instances {
    const SERVICE: Service = Service::Ec2;
    const ACTION: &'static str = "DescribeInstances";
}

impl Page for Instances {
    type Item = Instance;
    const MOST: Option<(&'static str, u32)> = Some(("MaxResults", 500));

    fn into_parts(self) -> (Vec<Instance>, Option<String>) {
        let owned = |reservation: Reservation| {
            let owner = reservation.owner_id;
            let instances = reservation.instances_set.items.into_iter();
            instances.map(move |instance| Instance { owner_id: owner.clone(), ..instance })
        };
        (self.reservation_set.items.into_iter().flat_map(owned).collect(), self.next_token)
    }
}

/// The answer of `DescribeInstanceTypes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstanceTypes {
    instance_type_set: Set<InstanceType>,
    #[serde(default)]
    next_token: Option<String>,
}

/// An instance type.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct InstanceType {
    pub(crate) instance_type: String,
    pub(crate) current_generation: Option<bool>,
    pub(crate) bare_metal: bool,
    pub(crate) hypervisor: Option<String>,
    pub(crate) processor_info: Processor,
    pub(crate) v_cpu_info: Vcpus,
    pub(crate) memory_info: Memory,
    pub(crate) instance_storage_info: Option<Storage>,
    pub(crate) network_info: Network,
    pub(crate) gpu_info: Option<Gpus>,
    pub(crate) fpga_info: Option<Fpgas>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Processor {
    pub(crate) supported_architectures: Set<String>,
    pub(crate) sustained_clock_speed_in_ghz: Option<f64>,
    pub(crate) manufacturer: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Vcpus {
    #[serde(rename = "defaultVCpus")]
    pub(crate) vcpus: Option<u64>,
    #[serde(rename = "defaultCores")]
    pub(crate) cores: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    #[serde(rename = "sizeInMiB")]
    pub(crate) mib: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Storage {
    #[serde(rename = "totalSizeInGB")]
    pub(crate) gigabytes: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Network {
    pub(crate) network_performance: Option<String>,
    pub(crate) maximum_network_interfaces: Option<u64>,
    pub(crate) efa_supported: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Gpus {
    pub(crate) gpus: Set<Accelerator>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fpgas {
    pub(crate) fpgas: Set<Accelerator>,
}

/// Some equal accelerators.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Accelerator {
    pub(crate) name: Option<String>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) count: Option<u64>,
}

impl Answer for InstanceTypes {
    const SERVICE: Service = Service::Ec2;
    const ACTION: &'static str = "DescribeInstanceTypes";
}

impl Page for InstanceTypes {
    type Item = InstanceType;
    const MOST: Option<(&'static str, u32)> = Some(("MaxResults", 100));

    fn into_parts(self) -> (Vec<InstanceType>, Option<String>) {
        (self.instance_type_set.items, self.next_token)
    }
}
