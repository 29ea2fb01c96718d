//! The types of what the SDK listed, with what it says of instance types.

use crate::table::Stock;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{InstanceType, InstanceTypeInfo};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The types of resources that were listed, such as `instance/m5.large`, `volume/gp3` or `vpc`.
#[derive(Default)]
pub(super) struct Types(BTreeSet<String>);

impl Types {
    pub(super) fn note(&mut self, kind: &str) {
        self.0.insert(kind.to_owned());
    }

    /// Puts all of them into a stock.
    pub(super) async fn put(self, ec2: &Client, stock: &mut Stock) {
        let instances: Vec<_> = self.0.iter().filter_map(|kind| kind.strip_prefix("instance/")).collect();
        let asked = instances.into_iter().map(InstanceType::from).collect();
        let mut pages =
            ec2.describe_instance_types().set_instance_types(Some(asked)).into_paginator().items().send();
        while let Some(one) = pages.next().await {
            let one = one.expect("instance types");
            let name = one.instance_type().expect("a name").as_str();
            if !self.0.contains(&format!("instance/{name}")) {
                continue; // A peer that answers more than it is asked.
            }
            let kind = if one.bare_metal() == Some(true) { "PHYSICAL" } else { "LOGICAL" };
            put(stock, "instance type", &format!("instance/{name}"), kind, facts(&one));
        }
        for native in self.0.iter().filter(|native| !native.starts_with("instance/")) {
            let kind = if native.starts_with("host/") { "PHYSICAL" } else { "LOGICAL" };
            put(stock, "other type", native, kind, json!({}));
        }
    }
}

fn put(stock: &mut Stock, object: &'static str, native: &str, kind: &str, mut extensions: Value) {
    let model = native.split_once('/').map_or(native, |(_, model)| model);
    extensions["nativeId"] = native.into();
    let value = json!({ "name": model, "vendor": "aws", "model": model, "resourceKind": kind, "extensions": extensions });
    stock.insert((object, format!("aws: {native}")), value);
}

fn facts(one: &InstanceTypeInfo) -> Value {
    let (cpu, processor, network) = (one.v_cpu_info(), one.processor_info(), one.network_info());
    let architectures =
        processor.map(|of| of.supported_architectures().iter().map(|word| word.as_str()).collect::<Vec<_>>());
    let gpus = one.gpu_info().map(|all| {
        let one = all.gpus().iter().map(|one| accelerator(one.name(), one.manufacturer(), one.count()));
        one.collect::<Vec<_>>()
    });
    let fpgas = one.fpga_info().map(|all| {
        let one = all.fpgas().iter().map(|one| accelerator(one.name(), one.manufacturer(), one.count()));
        one.collect::<Vec<_>>()
    });
    json!({
        "vcpus": cpu.and_then(|cpu| cpu.default_v_cpus()), "cores": cpu.and_then(|cpu| cpu.default_cores()),
        "memoryMiB": one.memory_info().and_then(|of| of.size_in_mib()), "architectures": architectures,
        "processor": processor.and_then(|of| of.manufacturer()),
        "clockGHz": processor.and_then(|of| of.sustained_clock_speed_in_ghz()),
        "localStorageGB": one.instance_storage_info().and_then(|of| of.total_size_in_gb()),
        "network": network.and_then(|of| of.network_performance()),
        "networkInterfaces": network.and_then(|of| of.maximum_network_interfaces()),
        "efa": network.and_then(|of| of.efa_supported()), "gpus": gpus, "fpgas": fpgas,
        "hypervisor": one.hypervisor().map(|word| word.as_str()), "bareMetal": one.bare_metal(),
        "currentGeneration": one.current_generation(),
    })
}

fn accelerator(name: Option<&str>, manufacturer: Option<&str>, count: Option<i32>) -> Value {
    json!({ "name": name, "manufacturer": manufacturer, "count": count })
}
