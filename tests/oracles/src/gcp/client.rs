//! What Google's client lists.

use super::PROJECT;
use super::map::{self, Report};
use crate::table::Stock;
use google_cloud_auth::credentials::Credentials;
use google_cloud_auth::credentials::service_account::{AccessSpecifier, Builder};
use google_cloud_compute_v1::client::{
    Disks, InstanceGroupManagers, Instances, MachineTypes, Networks, RegionInstanceGroupManagers, Regions,
    Subnetworks, Zones,
};
use google_cloud_gax::paginator::{ItemPaginator, Paginator};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const SCOPE: &str = "https://www.googleapis.com/auth/compute.readonly";

/// Makes clients for one address, with a service account's key.
pub(super) struct Client {
    url: String,
    credentials: Credentials,
}

/// A client of a service.
macro_rules! service {
    ($self:ident, $service:ident) => {
        $service::builder()
            .with_endpoint(&$self.url)
            .with_credentials($self.credentials.clone())
            .build()
            .await
            .expect("a client")
    };
}

/// All items of a service's list.
macro_rules! flat {
    ($self:ident, $service:ident) => {{
        let client = service!($self, $service);
        let mut items = client.list().set_project(PROJECT).by_item();
        let mut all = Vec::new();
        while let Some(item) = items.next().await {
            all.push(item.expect(stringify!($service)));
        }
        all
    }};
}

/// All items of a service's list over all places, with the place.
macro_rules! scoped {
    ($self:ident, $service:ident, $items:ident) => {{
        let client = service!($self, $service);
        let mut pages = client.aggregated_list().set_project(PROJECT).by_page();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            for (place, scope) in page.expect(stringify!($service)).items {
                all.extend(scope.$items.into_iter().map(|item| (place.clone(), item)));
            }
        }
        all
    }};
}

impl Client {
    pub(super) fn connect(url: &str, key: &Path) -> Self {
        let key = std::fs::read(key).expect("the key");
        let key = serde_json::from_slice(&key).expect("a key in JSON");
        let builder = Builder::new(key).with_access_specifier(AccessSpecifier::from_scopes([SCOPE]));
        Self { url: url.to_owned(), credentials: builder.build().expect("credentials") }
    }

    /// Lists everything.
    pub(super) async fn stock(&self) -> Stock {
        let mut report = Report {
            regions: flat!(self, Regions),
            zones: flat!(self, Zones),
            networks: flat!(self, Networks),
            instances: scoped!(self, Instances, instances),
            disks: scoped!(self, Disks, disks),
            subnetworks: scoped!(self, Subnetworks, subnetworks),
            groups: scoped!(self, InstanceGroupManagers, instance_group_managers),
            ..Report::default()
        };
        self.members(&mut report).await;
        self.machines(&mut report).await;
        map::stock(&report)
    }

    /// Asks each group for its members.
    async fn members(&self, report: &mut Report) {
        let (zonal, regional) =
            (service!(self, InstanceGroupManagers), service!(self, RegionInstanceGroupManagers));
        for (place, group) in &report.groups {
            let name = group.name.clone().expect("a name");
            let members: Vec<_> = if let Some(zone) = place.strip_prefix("zones/") {
                let asked = zonal.list_managed_instances().set_project(PROJECT).set_zone(zone);
                asked.set_instance_group_manager(&name).send().await.expect("members").managed_instances
            } else {
                let region = place.strip_prefix("regions/").expect("a place");
                let asked = regional.list_managed_instances().set_project(PROJECT).set_region(region);
                asked.set_instance_group_manager(&name).send().await.expect("members").managed_instances
            };
            for member in members {
                report.members.insert(member.instance.expect("an instance"), (place.clone(), name.clone()));
            }
        }
    }

    /// Asks what the machine types in use are made of; one that is gone has nothing to say.
    async fn machines(&self, report: &mut Report) {
        let client = service!(self, MachineTypes);
        let used: BTreeMap<_, _> = report
            .instances
            .iter()
            .map(|(place, one)| (map::last(one.machine_type.as_deref()), place))
            .collect();
        let known: BTreeSet<_> =
            used.into_iter().map(|(name, place)| (name.to_owned(), place.clone())).collect();
        for (name, place) in known {
            let zone = place.strip_prefix("zones/").expect("a zone");
            let asked = client.get().set_project(PROJECT).set_zone(zone).set_machine_type(&name);
            let answer = asked.send().await;
            let gone = answer.as_ref().is_err_and(|error| error.http_status_code() == Some(404));
            report.machines.insert(name, (!gone).then(|| answer.expect("a machine type")));
        }
    }
}
