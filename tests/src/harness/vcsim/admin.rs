//! Someone who changes things in a vCenter: a client of the same API that shares no code with the gateway's.

use super::USER;
use futures::StreamExt;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many requests set the stage at the same time.
const PARALLEL: usize = 8;
/// How long a task of the server may take.
const TASK: Duration = Duration::from_mins(1);
/// How often it is looked at.
const STEP: Duration = Duration::from_millis(5);

/// A logged-in administrator.
pub struct Admin {
    client: reqwest::Client,
    url: String,
    cookie: String,
    /// Shows all virtual machines.
    view: String,
}

/// A virtual machine as the administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The server's name of it, such as `vm-7`.
    pub reference: String,
    /// Whether it is on.
    pub is_on: bool,
}

impl Admin {
    pub(super) async fn login(url: &str, ca: Option<&Path>, password: &str) -> Self {
        let mut builder = reqwest::Client::builder().no_proxy();
        if let Some(path) = ca {
            let pem = std::fs::read(path).expect("the authority");
            let ca = reqwest::Certificate::from_pem(&pem).expect("a certificate");
            builder = builder.tls_certs_only([ca]);
        }
        let client = builder.build().expect("a client");
        let mut admin =
            Self { client, url: format!("{url}/sdk"), cookie: String::new(), view: String::new() };
        let password = password.replace('&', "&amp;").replace('<', "&lt;");
        let credentials = format!("<userName>{USER}</userName><password>{password}</password>");
        let (_, cookie) = admin.send("Login", ("SessionManager", "SessionManager"), &credentials).await;
        admin.cookie = cookie.expect("a session");
        let arguments = r#"<container type="Folder">group-d1</container><type>VirtualMachine</type><recursive>true</recursive>"#;
        let made = admin.call("CreateContainerView", ("ViewManager", "ViewManager"), arguments).await;
        between(&made, VIEW, "</returnval>").next().expect("a view").clone_into(&mut admin.view);
        admin
    }

    /// Calls an operation on an object and returns the answer's text.
    pub async fn call(&self, operation: &str, object: (&str, &str), arguments: &str) -> String {
        self.send(operation, object, arguments).await.0
    }

    async fn send(
        &self,
        operation: &str,
        (of, name): (&str, &str),
        arguments: &str,
    ) -> (String, Option<String>) {
        let body = format!(
            r#"<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Body><{operation} xmlns="urn:vim25"><_this type="{of}">{name}</_this>{arguments}</{operation}></Body></Envelope>"#
        );
        let request =
            self.client.post(&self.url).header("cookie", &self.cookie).header("soapaction", "urn:vim25/6.5");
        let answer = request.body(body).send().await.expect("the server answers");
        let cookie =
            answer.headers().get("set-cookie").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = answer.status();
        let text = answer.text().await.expect("the answer's text");
        assert_eq!(status, 200, "{operation} {of} {name}: {text}");
        (text, cookie.and_then(|cookie| cookie.split(';').next().map(str::to_owned)))
    }

    /// Starts a task and waits until it has succeeded.
    pub async fn task(&self, operation: &str, object: (&str, &str), arguments: &str) {
        let answer = self.call(operation, object, arguments).await;
        let task =
            between(&answer, r#"<returnval type="Task">"#, "</returnval>").next().expect("a task").to_owned();
        let spec = format!(
            r#"<specSet><propSet><type>Task</type><pathSet>info.state</pathSet></propSet><objectSet><obj type="Task">{task}</obj></objectSet></specSet><options/>"#
        );
        let start = Instant::now();
        loop {
            let state = self.call("RetrievePropertiesEx", COLLECTOR, &spec).await;
            assert!(!state.contains(">error<"), "{operation} {object:?} failed");
            if state.contains(">success<") {
                return;
            }
            assert!(start.elapsed() < TASK, "{operation} {object:?} takes too long");
            tokio::time::sleep(STEP).await;
        }
    }

    /// Returns all virtual machines by name.
    pub async fn machines(&self) -> BTreeMap<String, Machine> {
        let spec = format!(
            r#"<specSet><propSet><type>VirtualMachine</type><pathSet>name</pathSet><pathSet>runtime.powerState</pathSet></propSet><objectSet><obj type="ContainerView">{}</obj><skip>true</skip><selectSet xsi:type="TraversalSpec"><type>ContainerView</type><path>view</path><skip>false</skip></selectSet></objectSet></specSet><options/>"#,
            self.view
        );
        let answer = self.call("RetrievePropertiesEx", COLLECTOR, &spec).await;
        let mut machines = BTreeMap::new();
        for object in between(&answer, r#"<objects><obj type="VirtualMachine">"#, "</objects>") {
            let (reference, values) = object.split_once("</obj>").expect("an object");
            let mut values = between(values, "<val ", "</val>")
                .map(|value| value.split_once('>').map_or("", |(_, text)| text));
            let name = values.next().expect("a name").to_owned();
            let is_on = values.next().expect("a state") == "poweredOn";
            machines.insert(name, Machine { reference: reference.to_owned(), is_on });
        }
        machines
    }

    /// Finds the one object of a type and name, such as `("ResourcePool", "Resources")`.
    pub async fn find(&self, of: &str, name: &str) -> String {
        let arguments = format!(
            r#"<container type="Folder">group-d1</container><type>{of}</type><recursive>true</recursive>"#
        );
        let made = self.call("CreateContainerView", ("ViewManager", "ViewManager"), &arguments).await;
        let view = between(&made, VIEW, "</returnval>").next().expect("a view").to_owned();
        let spec = format!(
            r#"<specSet><propSet><type>{of}</type><pathSet>name</pathSet></propSet><objectSet><obj type="ContainerView">{view}</obj><skip>true</skip><selectSet xsi:type="TraversalSpec"><type>ContainerView</type><path>view</path><skip>false</skip></selectSet></objectSet></specSet><options/>"#
        );
        let answer = self.call("RetrievePropertiesEx", COLLECTOR, &spec).await;
        let mut objects = between(&answer, "<objects><obj ", "</objects>");
        let named = objects
            .find(|object| object.contains(&format!(">{name}</val>")))
            .expect("an object of that name");
        between(named, ">", "</obj").next().expect("a reference").to_owned()
    }

    /// Creates virtual machines of these names, several at a time; each is off.
    pub async fn create(&self, names: Vec<String>) {
        let (folder, pool) =
            (&self.find("Folder", "vm").await, &self.find("ResourcePool", "Resources").await);
        futures::stream::iter(names)
            .for_each_concurrent(PARALLEL, |name| async move {
                let arguments = format!(
                    r#"<config><name>{name}</name><guestId>otherGuest</guestId><files><vmPathName>[LocalDS_0]</vmPathName></files><numCPUs>1</numCPUs><memoryMB>64</memoryMB></config><pool type="ResourcePool">{pool}</pool>"#
                );
                self.task("CreateVM_Task", ("Folder", folder), &arguments).await;
            })
            .await;
    }

    /// Removes virtual machines that are off, several at a time.
    pub async fn destroy(&self, references: Vec<String>) {
        futures::stream::iter(references)
            .for_each_concurrent(PARALLEL, |reference| async move {
                self.task("Destroy_Task", ("VirtualMachine", &reference), "").await;
            })
            .await;
    }

    /// Switches a virtual machine on or off.
    pub async fn power(&self, reference: &str, on: bool) {
        let operation = if on { "PowerOnVM_Task" } else { "PowerOffVM_Task" };
        self.task(operation, ("VirtualMachine", reference), "").await;
    }
}

/// What stands before the name of a new view.
const VIEW: &str = r#"<returnval type="ContainerView">"#;
const COLLECTOR: (&str, &str) = ("PropertyCollector", "propertyCollector");

/// Returns the texts between two marks, in order.
fn between<'a>(text: &'a str, from: &'a str, to: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(from).skip(1).filter_map(move |rest| rest.split_once(to).map(|(inside, _)| inside))
}
