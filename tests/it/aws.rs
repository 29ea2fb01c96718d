//! The whole gateway before a stand-in for Amazon Web Services: an SMO lists what is there and is told what changes.

use netweave_tests::harness::client::V2;
use netweave_tests::harness::moto::REGION;
use netweave_tests::harness::{
    Callbacks, Delays, Dice, Ec2Pages, Fault, FaultProxy, Gateway, Moto, Setup, delay, until,
};
use serde_json::{Value, json};
use std::time::Duration;

/// The pause between two looks.
const POLL: Duration = Duration::from_secs(1);
/// A look takes a moment itself, twice as a look may just have begun; a Python program on a busy machine.
const LOOKS: Duration = Duration::from_secs(20);

async fn scene() -> Option<(Moto, Gateway, Callbacks)> {
    let moto = Moto::start().await?;
    let backend = json!({
        "kind": "aws", "name": "aws-1", "regions": [REGION], "credentialsFile": moto.credentials(),
        "endpoint": format!("http://{}", moto.address()), "poll": format!("{}s", POLL.as_secs()),
        // moto does not know capacity reservations.
        "resources": ["instances", "hosts", "networks", "volumes"], "pools": "autoScalingGroups",
    });
    let gateway = Setup::memory().backend(backend).start().await;
    Some((moto, gateway, Callbacks::start().await))
}

async fn run_instance(moto: &Moto) -> String {
    let image = moto.ec2("DescribeImages", &[], "imageId").await.remove(0);
    let params =
        [("ImageId", image.as_str()), ("InstanceType", "m5.large"), ("MinCount", "1"), ("MaxCount", "1")];
    moto.ec2("RunInstances", &params, "instanceId").await.remove(0)
}

/// Returns the notification about an instance, once it is there.
async fn told(callbacks: &Callbacks, instance: &str, kind: u64) -> Value {
    let find = async || {
        callbacks.received("/smo").into_iter().find(|body| {
            let state = if kind == 2 { &body["priorObjectState"] } else { &body["postObjectState"] };
            state["extensions"]["instanceId"] == instance && body["notificationEventType"] == kind
        })
    };
    until(LOOKS, "the notification", find).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_smo_lists_a_cloud_and_is_told_of_its_changes() {
    let Some((moto, gateway, callbacks)) = scene().await else { return };
    let smo = gateway.client("smo");
    let (pools, _) = until(LOOKS, "the pools", async || {
        let pools = smo.all(&format!("{V2}/resourcePools")).await;
        (!pools.is_empty()).then_some(pools)
    })
    .await;
    assert!(pools.iter().any(|pool| pool["extensions"]["zoneId"] == "use1-az6"), "{pools:?}");
    let locations = smo.all(&format!("{V2}/locations")).await;
    assert_eq!(locations[0]["address"], "Northern Virginia, United States");
    let body = json!({ "callback": callbacks.url("/smo"), "filter": "(neq,objectType,ResourceInfo)" });
    smo.post(&format!("{V2}/subscriptions"), &body).await.expect(201);

    let instance = run_instance(&moto).await;
    let created = told(&callbacks, &instance, 0).await;
    let path = created["objectRef"].as_str().expect("a reference");
    let path = path.find("/O2ims").or(path.find("/o2ims")).map_or(path, |start| &path[start..]);
    let resource = smo.get(path).await.expect(200).json();
    assert_eq!(
        (&resource["extensions"]["instanceId"], &resource["extensions"]["state"]),
        (&json!(instance), &json!("running"))
    );
    let types = smo.all(&format!("{V2}/resourceTypes")).await;
    let of_instance =
        types.iter().find(|one| one["resourceTypeId"] == resource["resourceTypeId"]).expect("its type");
    assert_eq!((&of_instance["model"], &of_instance["extensions"]["vcpus"]), (&json!("m5.large"), &json!(2)));

    moto.ec2("StopInstances", &[("InstanceId.1", &instance)], "instanceId").await;
    let stopped = told(&callbacks, &instance, 1).await;
    assert_eq!(stopped["priorObjectState"]["extensions"]["state"], "running");
    assert_eq!(stopped["postObjectState"]["extensions"]["state"], "stopped");

    moto.ec2("TerminateInstances", &[("InstanceId.1", &instance)], "instanceId").await;
    told(&callbacks, &instance, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_region_fails_the_others_are_told_and_its_objects_stay() {
    let Some(moto) = Moto::start().await else { return };
    let wire = FaultProxy::to(moto.address()).await;
    let backend = json!({
        "kind": "aws", "name": "aws-1", "regions": [REGION, "eu-west-1"], "credentialsFile": moto.credentials(),
        "endpoint": wire.url(), "poll": "1s", "resources": ["instances"],
    });
    let gateway = Setup::memory().backend(backend).start().await;
    let (smo, callbacks) = (gateway.client("smo"), Callbacks::start().await);
    let source = async || smo.get("/netweave/v1/sources").await.expect(200).json()[0].clone();
    let pools = async || smo.all(&format!("{V2}/resourcePools")).await.len();
    let well = async || source().await["failure"].is_null().then_some(());
    until(LOOKS, "the pools", async || (pools().await > 2).then_some(())).await;
    until(LOOKS, "a source that is well", well).await;
    let before = pools().await;
    smo.post(&format!("{V2}/subscriptions"), &json!({ "callback": callbacks.url("/smo") })).await.expect(201);

    let denied = "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>";
    wire.calls_with("/eu-west-1/ec2/", Fault::answer(403, denied));
    let (failing, _) = until(LOOKS, "the failure", async || {
        Some(source().await).filter(|source| !source["failure"].is_null())
    })
    .await;
    assert_eq!(failing["name"], "aws-1");
    let instance = run_instance(&moto).await;
    told(&callbacks, &instance, 0).await;
    moto.ec2("TerminateInstances", &[("InstanceId.1", &instance)], "instanceId").await;
    told(&callbacks, &instance, 2).await;
    assert_eq!(pools().await, before);
    assert!(!source().await["failure"].is_null(), "it fails all the time");
    let gone = |body: &&Value| body["notificationEventType"] == 2 && body["objectType"] == "ResourcePoolInfo";
    assert_eq!(callbacks.received("/smo").iter().find(gone), None, "no pool was told to be gone");
    wire.pass();
    until(LOOKS * 3, "a source that is well again", well).await;
    assert_eq!(pools().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_within_the_pause_and_a_second() {
    let Some((moto, gateway, _callbacks)) = scene().await else { return };
    let instance = run_instance(&moto).await;
    let mut delays = Delays::subscribe(&gateway.client("smo")).await;
    let mut dice = Dice(1);
    for revision in 0..delay::changes() {
        dice.pause(POLL).await;
        let revision = revision.to_string();
        let tag =
            [("ResourceId.1", instance.as_str()), ("Tag.1.Key", "revision"), ("Tag.1.Value", &revision)];
        let change = async { drop(moto.ec2("CreateTags", &tag, "return").await) };
        let is_it = |post: &Value| {
            let of = &post["extensions"];
            of["instanceId"] == instance && of["tags"]["revision"] == revision
        };
        delays.measure(change, is_it).await;
    }
    delays.hold("aws", delay::polled(POLL));
}

/// A gateway that is given no keys and looks for them where the environment says; its calls go over a wire to a stand-in
/// that has two instances and checks no signature.
async fn looking(variables: &[(&str, String)], wire: &FaultProxy) -> Gateway {
    let backend = json!({
        "kind": "aws", "name": "aws-1", "regions": [REGION], "endpoint": wire.url(), "resources": ["instances"],
    });
    let nowhere = "/nonexistent";
    let setup = Setup::memory().backend(backend);
    let setup = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]
        .into_iter()
        .fold(setup, |setup, name| setup.variable(name, nowhere));
    variables.iter().fold(setup, |setup, (name, value)| setup.variable(name, value.clone())).start().await
}

/// Waits until the gateway has listed both instances, and sees whose session signed the calls.
async fn lists_as(gateway: &Gateway, wire: &FaultProxy, session: &str) {
    let smo = gateway.client("smo");
    until(LOOKS, "the pools", async || {
        let pools = smo.all(&format!("{V2}/resourcePools")).await;
        (pools.len() == 2).then_some(())
    })
    .await;
    let calls = wire.calls();
    let signed = calls.iter().filter(|call| call.text.contains("Action=DescribeInstances&"));
    assert!(signed.clone().count() > 0, "nothing was asked for");
    assert!(signed.into_iter().all(|call| call.text.contains(session)), "another session signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_from_a_web_identity() {
    let pages = Ec2Pages::start(2, 500).await;
    let wire = FaultProxy::to(pages.address()).await;
    let answer = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult>\
        <Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>web-session</SessionToken>\
        <Expiration>2126-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
    wire.calls_with("token-of-the-pod", Fault::answer(200, answer));
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, "token-of-the-pod").expect("a token");
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.display().to_string()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod".to_owned()),
        ("AWS_ENDPOINT_URL_STS", wire.url()),
    ];
    let gateway = looking(&variables, &wire).await;
    lists_as(&gateway, &wire, "web-session").await;
    assert!(
        !gateway.log().contains("web-session") && !gateway.log().contains("token-of-the-pod"),
        "a secret is in the log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_from_the_metadata_of_the_instance() {
    let pages = Ec2Pages::start(2, 500).await;
    let wire = FaultProxy::to(pages.address()).await;
    let ttl = vec![("x-aws-ec2-metadata-token-ttl-seconds", "21600".to_owned())];
    wire.calls_with(
        "PUT /latest/api/token",
        Fault::Answer { status: 200, headers: ttl, body: "v2-token".to_owned() },
    );
    let keys = json!({
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z", "Expiration": "2126-01-01T00:00:00Z",
        "AccessKeyId": "ASIA2", "SecretAccessKey": "s", "Token": "instance-session",
    });
    let path = "GET /latest/meta-data/iam/security-credentials/";
    wire.calls_with(&format!("{path}the-role"), Fault::answer(200, keys.to_string()));
    wire.calls_with(&format!("{path}\n"), Fault::answer(200, "the-role"));
    let gateway = looking(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", wire.url())], &wire).await;
    lists_as(&gateway, &wire, "instance-session").await;
    assert!(wire.count("v2-token") > 0, "version 2 of the service is used");
}
