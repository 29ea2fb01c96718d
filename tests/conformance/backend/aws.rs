//! A bench over moto, which is reached through a wire that can be made to fail.
//!
//! Starting it takes seconds, so one test runs all cases on one server, one after the other.

use super::file::Nobody;
use async_trait::async_trait;
use netweave_adapters::Poller;
use netweave_adapters::layers::{self, Guard, Trip};
use netweave_aws::{Aws, Conf, Family, Pools};
use netweave_model::port::Backend;
use netweave_model::unit::Span;
use netweave_model::{Id, Kind, SourceName};
use netweave_tests::conformance::backend::{self as suite, Bench, Resources};
use netweave_tests::harness::clock::TestClock;
use netweave_tests::harness::moto::{ACCOUNT, REGION};
use netweave_tests::harness::{Fault, FaultProxy, Moto};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(super) const NAME: &str = "aws-1";
/// The mean pause between two looks.
const EVERY: Duration = Duration::from_millis(200);
/// More calls than a test makes.
const NEVER: usize = 100_000;
/// Instances that are started by one call when there are many; each such call is one entry of a page.
const TOGETHER: usize = 100;

/// Describes a backend at an address, which reads instances only.
pub(super) fn conf(address: &str, credentials: PathBuf) -> Conf {
    Conf {
        name: NAME.to_owned(),
        regions: vec![REGION.to_owned()],
        accounts: Vec::new(),
        credentials_file: Some(credentials),
        profile: None,
        resources: vec![Family::Instances],
        pools: Pools::Zones,
        poll: Span(EVERY),
        endpoint: Some(address.to_owned()),
        ca: None,
    }
}

/// The server, the wire and the backend at its end.
pub(super) struct AwsBench {
    moto: Moto,
    wire: FaultProxy,
    clock: Arc<TestClock>,
    poller: Arc<Poller>,
    image: String,
    /// The instance of each name, and its revision.
    instances: BTreeMap<String, (String, u32)>,
}

impl AwsBench {
    pub(super) async fn start() -> Option<Self> {
        let moto = Moto::start().await?;
        let wire = FaultProxy::to(moto.address()).await;
        let conf = conf(&wire.url(), moto.credentials());
        let clock = Arc::new(TestClock::new());
        let aws = Aws::connect(&conf, &Id::from("cloud"), clock.shared()).expect("a backend");
        // Its clock stands still between the cases, so the breaker must not open for what they do many times.
        let settings =
            Guard { trip: Trip { in_a_row: NEVER, window: NEVER, ..Trip::default() }, ..Guard::default() };
        let guarded = layers::guard(
            Arc::new(aws),
            &SourceName::from(NAME),
            Arc::new(Nobody),
            clock.shared(),
            &settings,
        );
        let poller = Arc::new(Poller::new(guarded, EVERY));
        let image = moto.ec2("DescribeImages", &[], "imageId").await.remove(0);
        Some(Self { moto, wire, clock, poller, image, instances: BTreeMap::new() })
    }

    /// Starts instances of one revision; few get a call each, so that each is an entry of a page.
    async fn run(&mut self, names: &[String], revision: u32) {
        let together = if names.len() > suite_page() + 1 { TOGETHER } else { 1 };
        for names in names.chunks(together) {
            let (count, revision_text) = (names.len().to_string(), revision.to_string());
            let params = [
                ("ImageId", self.image.as_str()),
                ("InstanceType", "m5.large"),
                ("MinCount", &count),
                ("MaxCount", &count),
                ("TagSpecification.1.ResourceType", "instance"),
                ("TagSpecification.1.Tag.1.Key", "revision"),
                ("TagSpecification.1.Tag.1.Value", &revision_text),
            ];
            let ids = self.moto.ec2("RunInstances", &params, "instanceId").await;
            assert_eq!(ids.len(), names.len());
            self.instances.extend(names.iter().cloned().zip(ids.into_iter().map(|id| (id, revision))));
        }
    }

    async fn terminate(&mut self, gone: &[String]) {
        let ids: Vec<String> =
            gone.iter().filter_map(|name| self.instances.remove(name)).map(|(id, _)| id).collect();
        for ids in ids.chunks(TOGETHER) {
            let names: Vec<String> = (1..=ids.len()).map(|number| format!("InstanceId.{number}")).collect();
            let params: Vec<(&str, &str)> =
                names.iter().zip(ids).map(|(name, id)| (name.as_str(), id.as_str())).collect();
            self.moto.ec2("TerminateInstances", &params, "instanceId").await;
        }
    }
}

/// Entries of one page.
fn suite_page() -> usize {
    500
}

#[async_trait]
impl Bench for AwsBench {
    fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.poller) as Arc<dyn Backend>
    }

    async fn set(&mut self, resources: &Resources) {
        let gone: Vec<String> =
            self.instances.keys().filter(|name| !resources.contains_key(*name)).cloned().collect();
        self.terminate(&gone).await;
        for (name, revision) in resources {
            let Some((id, now)) = self.instances.get_mut(name) else { continue };
            if now != revision {
                let text = revision.to_string();
                let params =
                    [("ResourceId.1", id.as_str()), ("Tag.1.Key", "revision"), ("Tag.1.Value", &text)];
                self.moto.ec2("CreateTags", &params, "return").await;
                *now = *revision;
            }
        }
        let mut missing: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for (name, revision) in resources.iter().filter(|(name, _)| !self.instances.contains_key(*name)) {
            missing.entry(*revision).or_default().push(name.clone());
        }
        for (revision, names) in missing {
            self.run(&names, revision).await;
        }
        self.poller.nudge();
    }

    fn id(&self, name: &str) -> Id {
        let (instance, _) = self.instances.get(name).expect("an instance of that name");
        let arn = format!("arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{instance}");
        Id::stable(&SourceName::from(NAME), Kind::Resource, &arn)
    }

    async fn cut(&mut self) {
        self.wire.all(Fault::Cut);
    }

    async fn mend(&mut self) {
        self.wire.pass();
        // A refusal opens the breaker, which tries again when its time is over.
        self.clock.advance(Trip::default().longest);
        self.poller.nudge();
    }

    fn page(&self) -> usize {
        suite_page()
    }

    fn large(&self) -> usize {
        1_100
    }

    fn wire(&self) -> Option<&FaultProxy> {
        Some(&self.wire)
    }

    fn odd(&self) -> Vec<(&'static str, String)> {
        let page = |set: &str| format!("<DescribeInstancesResponse>{set}</DescribeInstancesResponse>");
        let reservation =
            |inside: &str| page(&format!("<reservationSet><item>{inside}</item></reservationSet>"));
        let instance =
            |inside: &str| reservation(&format!("<instancesSet><item>{inside}</item></instancesSet>"));
        let named = |inside: &str| {
            instance(&format!("<instanceId>i-1</instanceId><instanceType>t</instanceType>{inside}"))
        };
        let many = "<item/>".repeat((30 << 20) / "<item/>".len());
        let instances = [
            page(""),
            page("<reservationSet>many</reservationSet>"),
            page("<reservationSet><member/></reservationSet>"),
            reservation("<ownerId>1</ownerId>"),
            reservation("<instancesSet>many</instancesSet>"),
            instance("<instanceType>t</instanceType>"),
            instance("<instanceId>i-1</instanceId>"),
            named("<cpuOptions><coreCount>many</coreCount></cpuOptions>"),
            named("<tagSet><item><value>no key</value></item></tagSet>"),
            page(&format!("<reservationSet>{many}</reservationSet>")),
            reservation(&format!("<instancesSet>{many}</instancesSet>")),
            named(&format!("<networkInterfaceSet>{many}</networkInterfaceSet>")),
        ];
        let zones = ["", "<item/>", "<item><zoneId>z</zoneId></item>"].map(|zones| {
            format!("<DescribeAvailabilityZonesResponse><availabilityZoneInfo>{zones}</availabilityZoneInfo></DescribeAvailabilityZonesResponse>")
        });
        let instances = instances.into_iter().map(|text| ("Action=DescribeInstances&", text));
        instances.chain(zones.into_iter().map(|text| ("Action=DescribeAvailabilityZones", text))).collect()
    }

    fn busy(&self) -> Vec<Fault> {
        let refused = |status, code| {
            let text = "<Response><Errors><Error><Code>CODE</Code><Message>slow down</Message></Error></Errors></Response>";
            Fault::answer(status, text.replace("CODE", code))
        };
        vec![refused(503, "RequestLimitExceeded"), refused(400, "Throttling")]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aws_holds_the_contract() {
    let Some(mut bench) = AwsBench::start().await else { return };
    suite::every_case("aws", &mut bench).await;
}
