use super::instance::Instances;
use super::place::Zones;
use super::*;
use netweave_model::ErrorKind;

/// The answer to `DescribeInstances` of moto 5.2.5, shortened, with elements that are not read and an unknown one.
const INSTANCES: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15"><nextToken>r-2</nextToken><reservationSet>
<item><reservationId>r-1</reservationId><ownerId>123456789012</ownerId><groupSet/><instancesSet><item>
<instanceId>i-1</instanceId><instanceType>m5.large</instanceType><instanceState><code>16</code><name>running</name></instanceState>
<placement><groupName/><tenancy>default</tenancy><availabilityZone>us-east-1a</availabilityZone></placement>
<stateReason><code/><message/></stateReason><somethingNew><item><deep>x</deep></item></somethingNew>
<tagSet><item><key>Name</key><value>n0</value></item><item><key>empty</key><value/></item></tagSet>
</item></instancesSet></item>
<item><reservationId>r-2</reservationId><instancesSet/></item>
</reservationSet><requestId>r</requestId></DescribeInstancesResponse>"#;

fn kind_of<T: Answer>(text: &str) -> ErrorKind {
    read::<T>(text).err().expect("an error").kind()
}

#[test]
fn a_page_is_read_with_what_is_unknown_or_empty_in_it() {
    let (items, next) = read::<Instances>(INSTANCES).unwrap().into_parts();
    assert_eq!((items.len(), next.as_deref()), (1, Some("r-2")));
    let instance = &items[0];
    assert_eq!(
        (instance.owner_id.as_str(), instance.instance_state.name.as_str()),
        ("123456789012", "running")
    );
    assert_eq!(tags(&instance.tag_set), BTreeMap::from([("Name", "n0"), ("empty", "")]));
}

#[test]
fn an_empty_list_is_a_list() {
    let text = "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>";
    let (items, next) = read::<Instances>(text).unwrap().into_parts();
    assert!(items.is_empty() && next.is_none());
}

#[test]
fn what_is_not_the_answer_is_never_an_empty_list() {
    for text in [
        "",
        "   ",
        "<html><body>Sign in</body></html>",
        "<DescribeInstancesResponse></DescribeInstancesResponse>",
        "<DescribeInstancesResponse><reservationSet>",
        "<DescribeInstancesResponse><reservationSet><item></reservationSet></DescribeInstancesResponse>",
        "<DescribeVpcsResponse><reservationSet/></DescribeVpcsResponse>",
        "{\"reservationSet\": []}",
        "####",
        INSTANCES.split_at(INSTANCES.len() / 2).0,
    ] {
        assert_eq!(kind_of::<Instances>(text), ErrorKind::Unavailable, "{text}");
    }
    for set in ["x", "<member/>", "<item/><else/>"] {
        let text = format!(
            "<DescribeInstancesResponse><reservationSet>{set}</reservationSet></DescribeInstancesResponse>"
        );
        assert_eq!(kind_of::<Instances>(&text), ErrorKind::Unavailable, "{text}");
        let typed = INSTANCES
            .replace("<tagSet>", &format!("<networkInterfaceSet>{set}</networkInterfaceSet><tagSet>"));
        assert_eq!(kind_of::<Instances>(&typed), ErrorKind::Unavailable, "{set}");
    }
}

#[test]
fn a_wrong_type_is_an_error() {
    let text = "<DescribeVolumesResponse><volumeSet><item><volumeId>v</volumeId><size>large</size></item></volumeSet></DescribeVolumesResponse>";
    assert_eq!(kind_of::<volume::Volumes>(text), ErrorKind::Unavailable);
}

#[test]
fn a_bomb_is_refused() {
    let text = "<?xml version=\"1.0\"?><!DOCTYPE z [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><DescribeAvailabilityZonesResponse><availabilityZoneInfo><item><zoneId>&b;</zoneId></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>";
    assert_eq!(kind_of::<Zones>(text), ErrorKind::Unavailable);
    let named = "<DescribeAvailabilityZonesResponse><availabilityZoneInfo><item><zoneId>&b;</zoneId></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>";
    assert_eq!(kind_of::<Zones>(named), ErrorKind::Unavailable);
}

#[test]
fn lists_and_answers_are_bounded() {
    let of = |instances: &str, items: usize| {
        let items = instances.repeat(items);
        format!(
            "<DescribeInstancesResponse><reservationSet><item><instancesSet>{items}</instancesSet></item></reservationSet></DescribeInstancesResponse>"
        )
    };
    assert!(read::<Instances>(&of("<item/>", MAX_LIST)).is_ok());
    let long = read::<Instances>(&of("<item/>", MAX_LIST + 1)).unwrap_err();
    assert!(long.to_string().contains("longer than is read"), "{long}");
    let interfaces =
        format!("<item><networkInterfaceSet>{}</networkInterfaceSet></item>", "<item/>".repeat(100));
    let wide = read::<Instances>(&of(&interfaces, MAX_LIST)).unwrap_err();
    assert!(wide.to_string().contains("more elements"), "{wide}");
}

#[test]
fn depth_alone_does_no_harm() {
    let deep = 100_000;
    let text = format!(
        "<DescribeAvailabilityZonesResponse><x>{}{}</x><availabilityZoneInfo/></DescribeAvailabilityZonesResponse>",
        "<y>".repeat(deep),
        "</y>".repeat(deep)
    );
    assert!(read::<Zones>(&text).is_ok());
}
