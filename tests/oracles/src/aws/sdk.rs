//! Amazon's SDK: its clients, and what they list.

use super::owner;
use super::places::Ground;
use super::resources::{Mapped, text, vpc};
use super::types::Types;
use crate::harness::moto::REGION;
use crate::table::Stock;
use aws_credential_types::Credentials;
use aws_sdk_ec2::config::{BehaviorVersion, Region};
use std::path::Path;

/// Clients of one address.
pub(crate) struct Sdk {
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) scaling: aws_sdk_autoscaling::Client,
}

impl Sdk {
    /// Makes clients with the keys of a file that `Moto::credentials` wrote.
    pub(crate) fn connect(url: &str, credentials: &Path) -> Self {
        let text = std::fs::read_to_string(credentials).expect("credentials");
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.trim().strip_prefix('=')).expect("a key").trim().to_owned()
        };
        let keys =
            Credentials::new(value("aws_access_key_id"), value("aws_secret_access_key"), None, None, "file");
        let http = aws_smithy_http_client::Builder::new().build_http();
        let ec2 = aws_sdk_ec2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(url)
            .credentials_provider(keys.clone())
            .http_client(http.clone());
        let scaling = aws_sdk_autoscaling::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(url)
            .credentials_provider(keys)
            .http_client(http);
        Self {
            ec2: aws_sdk_ec2::Client::from_conf(ec2.build()),
            scaling: aws_sdk_autoscaling::Client::from_conf(scaling.build()),
        }
    }

    /// Lists everything.
    pub(crate) async fn stock(&self, reservations: bool) -> Stock {
        let mut stock = Stock::new();
        let mut ground = Ground::default();
        self.zones(&mut ground, &mut stock).await;
        self.groups(&mut ground, &mut stock).await;
        let mut types = Types::default();
        let mut put = |object, (native, value, kind): Mapped| {
            types.note(&kind);
            stock.insert((object, native), value);
        };
        let mut pages = self.ec2.describe_instances().into_paginator().items().send();
        while let Some(all) = pages.next().await {
            let all = all.expect("instances");
            for one in all.instances() {
                if text(one.state().and_then(|state| state.name()).map(|name| name.as_str())) != "terminated"
                {
                    put("instance", ground.instance(owner(all.owner_id()), one));
                }
            }
        }
        let mut pages = self.ec2.describe_hosts().into_paginator().items().send();
        while let Some(one) = pages.next().await {
            let one = one.expect("hosts");
            let state = text(one.state().map(|state| state.as_str()));
            if !["released", "released-permanent-failure"].contains(&state) {
                put("host", ground.host(&one));
            }
        }
        let mut pages = self.ec2.describe_capacity_reservations().into_paginator().items().send();
        while reservations && let Some(one) = pages.next().await {
            let one = one.expect("reservations");
            let state = text(one.state().map(|state| state.as_str()));
            if !["expired", "cancelled", "failed"].contains(&state) {
                put("reservation", ground.reservation(&one));
            }
        }
        let mut pages = self.ec2.describe_vpcs().into_paginator().items().send();
        while let Some(one) = pages.next().await {
            put("vpc", vpc(&one.expect("VPCs")));
        }
        let mut pages = self.ec2.describe_subnets().into_paginator().items().send();
        while let Some(one) = pages.next().await {
            put("subnet", ground.subnet(&one.expect("subnets")));
        }
        let mut pages = self.ec2.describe_volumes().into_paginator().items().send();
        while let Some(one) = pages.next().await {
            let one = one.expect("volumes");
            if !["deleting", "deleted"].contains(&text(one.state().map(|state| state.as_str()))) {
                put("volume", ground.volume(&one));
            }
        }
        types.put(&self.ec2, &mut stock).await;
        stock
    }
}
