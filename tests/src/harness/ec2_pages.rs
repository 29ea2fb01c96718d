//! A stand-in for EC2 that has any number of instances and answers page by page, which moto is too slow for.
//!
//! Its answers have the form of those of moto 5.2.5, with all elements of an instance. It checks no signature.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// An instance but for its id.
const INSTANCE: &str = "<architecture>x86_64</architecture><blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs>\
<attachTime>2026-11-28T07:10:46.000Z</attachTime><deleteOnTermination>true</deleteOnTermination><status>attached</status>\
<volumeId>vol-e0700e0534e55efab</volumeId></ebs></item></blockDeviceMapping><ebsOptimized>false</ebsOptimized>\
<hypervisor>xen</hypervisor><networkInterfaceSet><item><association/><attachment><attachTime>2026-11-28T07:10:46.000Z</attachTime>\
<attachmentId>eni-attach-146d1889d2f14f80e</attachmentId><deviceIndex>0</deviceIndex><status>attached</status></attachment>\
<description>Primary network interface</description><groupSet><item><groupId>sg-886b2f39b7c3a9aa6</groupId>\
<groupName>default</groupName></item></groupSet><ipv6AddressesSet/><macAddress>02:00:00:69:6b:51</macAddress>\
<networkInterfaceId>eni-45bb242a15176915b</networkInterfaceId><ownerId>123456789012</ownerId>\
<privateIpAddress>10.1.0.4</privateIpAddress><status>in-use</status><subnetId>subnet-2354d0c4646e9404e</subnetId>\
<vpcId>vpc-21744c0715494e0a1</vpcId><interfaceType>interface</interfaceType></item></networkInterfaceSet>\
<rootDeviceName>/dev/sda1</rootDeviceName><rootDeviceType>ebs</rootDeviceType><stateReason><code/><message/></stateReason>\
<tagSet><item><key>Name</key><value>worker</value></item><item><key>team</key><value>edge</value></item></tagSet>\
<virtualizationType>hvm</virtualizationType><metadataOptions><state>applied</state><httpTokens>optional</httpTokens></metadataOptions>\
<imageId>ami-03cf127a</imageId><instanceState><code>16</code><name>running</name></instanceState>\
<privateDnsName>ip-10-1-0-4.ec2.internal</privateDnsName><instanceType>m5.large</instanceType>\
<launchTime>2026-11-28T07:10:46.000Z</launchTime><placement><groupName/><tenancy>default</tenancy>\
<availabilityZone>us-east-1a</availabilityZone></placement><monitoring><state>disabled</state></monitoring>\
<subnetId>subnet-2354d0c4646e9404e</subnetId><vpcId>vpc-21744c0715494e0a1</vpcId><privateIpAddress>10.1.0.4</privateIpAddress>";

/// The stand-in; it ends when this is dropped.
pub struct Ec2Pages {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Ec2Pages {
    /// Starts with so many instances, of which a page has some.
    pub async fn start(count: usize, page: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = service_fn(move |request| answer(request, count, page));
                let connection = hyper::server::conn::http1::Builder::new();
                connections.spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, server }
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Ec2Pages {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    request: Request<Incoming>,
    count: usize,
    page: usize,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let form = request.into_body().collect().await.expect("a whole form").to_bytes();
    let form = String::from_utf8_lossy(&form);
    let parameter = |name: &str| form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let action = parameter("Action").unwrap_or_default();
    let inner = match action {
        "GetCallerIdentity" => {
            "<GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult>".to_owned()
        }
        "DescribeAvailabilityZones" => "<availabilityZoneInfo><item><regionName>us-east-1</regionName><zoneName>us-east-1a</zoneName><zoneId>use1-az6</zoneId><zoneType>availability-zone</zoneType></item></availabilityZoneInfo>".to_owned(),
        "DescribeInstanceTypes" => "<instanceTypeSet/>".to_owned(),
        "DescribeInstances" => instances(parameter("NextToken").and_then(|text| text.parse().ok()).unwrap_or(0), count, page),
        other => panic!("{other} is not known here"),
    };
    Ok(Response::new(Full::new(format!("<{action}Response>{inner}</{action}Response>").into())))
}

fn instances(from: usize, count: usize, page: usize) -> String {
    let end = count.min(from + page);
    let mut text = String::from("<reservationSet>");
    for number in from..end {
        write!(text, "<item><ownerId>123456789012</ownerId><instancesSet><item><instanceId>i-{number:017x}</instanceId>{INSTANCE}</item></instancesSet></item>").expect("text takes text");
    }
    text += "</reservationSet>";
    if end < count {
        write!(text, "<nextToken>{end}</nextToken>").expect("text takes text");
    }
    text
}
