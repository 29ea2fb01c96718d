//! What answers are that say something else than they should: refused as a whole, or read without loss.

use super::capacity::{CapacityReservations, Hosts};
use super::instance::Instances;
use super::network::{Subnets, Vpcs};
use super::place::Zones as ZoneList;
use super::volume::Volumes;
use super::{Page, read};
use crate::map::place::Zones;
use crate::map::{Here, Member, Scope, capacity, instance, network, volume};
use netweave_model::{Id, Result, SourceName};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What stands in for the inside of an element.
const STAND_INS: [&str; 8] =
    ["", "-1", "1.5e300", "true", "DREAMING", "../../\u{202e}\n", "<name><name/></name>", "&bomb;"];
/// What names an object: another value is another object.
const NAMES: [&str; 7] =
    ["instanceId", "hostId", "capacityReservationId", "vpcId", "subnetId", "volumeId", "ownerId"];
const ZONES: &str = "<item><regionName>us-west-2</regionName><zoneName>us-west-2a</zoneName><zoneId>usw2-az1</zoneId><zoneType>availability-zone</zoneType></item>";

/// An element: its name, where it is with its marks, and what is between them.
struct Element<'a> {
    name: &'a str,
    whole: Range<usize>,
    inside: Range<usize>,
}

/// Finds all elements of a text without attributes.
fn elements(text: &str) -> Vec<Element<'_>> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    for (start, _) in text.match_indices('<') {
        let end = start + text.get(start..).unwrap().find('>').unwrap() + 1;
        match text.get(start + 1..end - 1).unwrap().strip_prefix('/') {
            None => open.push((start, end)),
            Some(name) => {
                let (first, inside) = open.pop().unwrap();
                found.push(Element { name, whole: first..end, inside: inside..start });
            }
        }
    }
    found
}

/// Returns the ids of all objects that a page names, or why it is refused.
fn ids<T: Page>(text: &str, map: impl Fn(&Here<'_>, &T::Item) -> Result<Member>) -> Result<BTreeSet<Id>> {
    let zones = format!(
        "<DescribeAvailabilityZonesResponse><availabilityZoneInfo>{ZONES}</availabilityZoneInfo></DescribeAvailabilityZonesResponse>"
    );
    let zones = Zones::new(read::<ZoneList>(&zones)?.into_parts().0)?;
    let scope = Scope { source: SourceName::from("aws-1"), o_cloud_id: Id::from("cloud") };
    let here = Here {
        scope: &scope,
        account: "123456789012",
        region: "us-west-2",
        zones: &zones,
        groups: &BTreeMap::new(),
    };
    let (items, _) = read::<T>(text)?.into_parts();
    items.iter().map(|item| Ok(map(&here, item)?.object.key.id)).collect()
}

/// Tries every page that differs in one place: an element is left out, or something else is in it.
fn tried<T: Page>(inside: &str, map: impl Fn(&Here<'_>, &T::Item) -> Result<Member>) {
    let text = format!("<{0}Response>{inside}</{0}Response>", T::ACTION);
    let whole = ids::<T>(&text, &map).unwrap();
    assert!(!whole.is_empty(), "the page itself is read");
    let (mut read, mut all) = (0, 0);
    for element in elements(&text) {
        let lists = text.get(element.inside.clone()).unwrap().starts_with("<item>");
        let left_out = std::iter::once((element.whole.clone(), ""));
        for (place, stand_in) in left_out.chain(STAND_INS.map(|stand_in| (element.inside.clone(), stand_in)))
        {
            // One object fewer, or another one, is what the source says; so is a list without any.
            let other = element.name == "item" || NAMES.contains(&element.name);
            let empty = lists && stand_in.is_empty() && place == element.inside;
            let mut variant = text.clone();
            variant.replace_range(place, stand_in);
            let outcome = ids::<T>(&variant, &map);
            all += 1;
            read += usize::from(outcome.is_ok());
            if let Ok(found) = outcome.as_ref()
                && !other
                && !empty
            {
                assert_eq!(*found, whole, "{variant}");
            }
        }
    }
    assert!(all > 50 && (1..all).contains(&read), "{read} of {all} variants are read");
}

#[test]
fn every_variant_of_a_page_is_refused_or_says_the_same() {
    let place =
        "<availabilityZone>us-west-2a</availabilityZone><availabilityZoneId>usw2-az1</availabilityZoneId>";
    let tags = "<tagSet><item><key>Name</key><value>n</value></item></tagSet>";
    tried::<Instances>(
        &format!("<reservationSet><item><ownerId>1</ownerId><instancesSet><item><instanceId>i-1</instanceId><instanceType>m5.large</instanceType>
<instanceState><code>16</code><name>running</name></instanceState><placement>{place}<tenancy>default</tenancy></placement>
<cpuOptions><coreCount>2</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>
<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><macAddress>m</macAddress></item></networkInterfaceSet>
<blockDeviceMapping><item><deviceName>d</deviceName><ebs><volumeId>vol-1</volumeId></ebs></item></blockDeviceMapping>{tags}</item></instancesSet></item></reservationSet>"),
        instance::instance,
    );
    tried::<Hosts>(
        &format!("<hostSet><item><hostId>h-1</hostId><ownerId>1</ownerId><state>available</state>{place}
<hostProperties><cores>2</cores><sockets>1</sockets><totalVCpus>4</totalVCpus><instanceFamily>m5</instanceFamily></hostProperties>
<instances><item><instanceId>i-1</instanceId></item></instances>{tags}</item></hostSet>"),
        capacity::host,
    );
    tried::<CapacityReservations>(
        &format!("<capacityReservationSet><item><capacityReservationId>cr-1</capacityReservationId><ownerId>1</ownerId><state>active</state>
<instanceType>m5.large</instanceType><totalInstanceCount>4</totalInstanceCount>{place}{tags}</item></capacityReservationSet>"),
        capacity::reservation,
    );
    tried::<Vpcs>(
        &format!("<vpcSet><item><vpcId>vpc-1</vpcId><ownerId>1</ownerId><state>available</state><cidrBlock>10.0.0.0/8</cidrBlock><isDefault>true</isDefault>
<cidrBlockAssociationSet><item><cidrBlock>10.0.0.0/8</cidrBlock></item></cidrBlockAssociationSet>{tags}</item></vpcSet>"),
        network::vpc,
    );
    tried::<Subnets>(
        &format!("<subnetSet><item><subnetId>s-1</subnetId><ownerId>1</ownerId><state>available</state><vpcId>v</vpcId>{place}<ipv6Native>false</ipv6Native>
<defaultForAz>true</defaultForAz><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch>{tags}</item></subnetSet>"),
        network::subnet,
    );
    tried::<Volumes>(
        &format!("<volumeSet><item><volumeId>vol-1</volumeId><volumeType>gp3</volumeType><status>in-use</status><size>9</size><iops>3000</iops><encrypted>true</encrypted>
{place}<attachmentSet><item><instanceId>i-1</instanceId><device>d</device></item></attachmentSet>{tags}</item></volumeSet>"),
        volume::volume,
    );
}

#[test]
fn zones_are_named_or_refused() {
    let page = |inside: &str| {
        format!(
            "<DescribeAvailabilityZonesResponse><availabilityZoneInfo>{inside}</availabilityZoneInfo></DescribeAvailabilityZonesResponse>"
        )
    };
    let zones = |text: &str| Zones::new(read::<ZoneList>(text)?.into_parts().0);
    assert!(zones(&page(ZONES)).is_ok());
    for bad in ["", "<item/>", "many"] {
        assert!(zones(&page(bad)).is_err(), "{bad}");
    }
    for name in ["zoneId", "regionName"] {
        let text = page(ZONES);
        let element = elements(&text).into_iter().find(|element| element.name == name).unwrap();
        let mut without = text.clone();
        without.replace_range(element.whole, "");
        assert!(zones(&without).is_err(), "{without}");
    }
}
