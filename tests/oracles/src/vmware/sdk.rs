//! What `vim_rs` retrieves, each property in the type that VMware's description gives it.

use std::path::Path;
use vim_rs::core::client::{ClientBuilder, TransportMode};
use vim_rs::core::pc_retrieve::ObjectRetriever;
use vim_rs::vim_retrievable;

vim_retrievable!(
    struct Folder: Folder {
        parent = "parent",
    }
);
vim_retrievable!(
    struct Datacenter: Datacenter {
        name = "name"?,
        parent = "parent",
    }
);
vim_retrievable!(
    struct Compute: ComputeResource {
        name = "name"?,
        parent = "parent",
    }
);
vim_retrievable!(
    struct Pool: ResourcePool {
        name = "name"?,
        parent = "parent",
        owner = "owner"?,
        cpu = "config.cpu_allocation"?,
        memory = "config.memory_allocation"?,
    }
);
vim_retrievable!(
    struct Host: HostSystem {
        name = "name"?,
        parent = "parent",
        connection = "runtime.connection_state"?,
        power = "runtime.power_state"?,
        maintenance = "runtime.in_maintenance_mode"?,
        hardware = "summary.hardware"?,
        system = "hardware.system_info"?,
        bios = "hardware.bios_info"?,
        product = "config.product"?,
        nics = "config.network.pnic"?,
    }
);
vim_retrievable!(
    struct Machine: VirtualMachine {
        name = "name"?,
        parent = "parent",
        pool = "resource_pool",
        host = "runtime.host",
        datastores = "datastore"?,
        networks = "network"?,
        power = "runtime.power_state"?,
        connection = "runtime.connection_state"?,
        template = "config.template"?,
        cpus = "config.hardware.num_cpu"?,
        memory = "config.hardware.memory_mb"?,
        uuid = "config.uuid"?,
        instance_uuid = "config.instance_uuid"?,
        guest = "config.guest_id"?,
        guest_name = "config.guest_full_name"?,
        nics = "summary.config.num_ethernet_cards"?,
        disks = "summary.config.num_virtual_disks"?,
    }
);
vim_retrievable!(
    struct Datastore: Datastore {
        name = "name"?,
        parent = "parent",
        kind = "summary.r#type"?,
        url = "summary.url"?,
        capacity = "summary.capacity"?,
        accessible = "summary.accessible"?,
        maintenance = "summary.maintenance_mode"?,
        shared = "summary.multiple_host_access"?,
    }
);
vim_retrievable!(
    struct Network: Network {
        name = "name"?,
        parent = "parent",
        accessible = "summary.accessible"?,
    }
);

/// Everything that was retrieved.
pub(super) struct Report {
    /// What the server says of itself, by the keys that are served.
    pub(super) about: [(&'static str, String); 5],
    pub(super) folders: Vec<Folder>,
    pub(super) datacenters: Vec<Datacenter>,
    pub(super) computes: Vec<Compute>,
    pub(super) pools: Vec<Pool>,
    pub(super) hosts: Vec<Host>,
    pub(super) machines: Vec<Machine>,
    pub(super) datastores: Vec<Datastore>,
    pub(super) networks: Vec<Network>,
}

/// Logs in, retrieves everything and logs out.
pub(super) async fn report(url: &str, ca: &Path, user: &str, password: &str) -> Report {
    let ca = std::fs::read(ca).expect("the authority");
    let ca = reqwest::Certificate::from_pem(&ca).expect("a certificate");
    let http = reqwest::Client::builder()
        .no_proxy()
        .cookie_store(true)
        .tls_certs_only([ca])
        .build()
        .expect("a client");
    let server = url.strip_prefix("https://").expect("TLS");
    let client = ClientBuilder::new(server, http)
        .transport(TransportMode::Soap)
        .basic_authn(user, password)
        .build()
        .await
        .expect("a session");
    let root = &client.service_content().root_folder;
    let retriever = ObjectRetriever::new(client.clone()).expect("a retriever");
    macro_rules! all {
        () => {
            retriever.retrieve_objects_from_container(root).await.expect("objects")
        };
    }
    let about = &client.service_content().about;
    let report = Report {
        about: [
            ("product", about.name.clone()),
            ("version", about.version.clone()),
            ("build", about.build.clone()),
            ("apiType", about.api_type.clone()),
            ("apiVersion", about.api_version.clone()),
        ],
        folders: all!(),
        datacenters: all!(),
        computes: all!(),
        pools: all!(),
        hosts: all!(),
        machines: all!(),
        datastores: all!(),
        networks: all!(),
    };
    client.close().await.expect("the end of the session");
    report
}
