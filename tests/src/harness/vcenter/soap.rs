//! The operations, as text.

use super::session::{Session, Told};
use super::{Shared, State, USER};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

const XMLNS: &str = r#"xmlns="urn:vim25" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#;

/// What goes out.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) text: String,
    /// A new session.
    pub(super) session: Option<String>,
}

/// Answers a call.
pub(super) async fn call(state: &Shared, cookie: Option<String>, body: &str) -> Reply {
    let operation = inside(body, "<Body><", " ").unwrap_or_default().to_owned();
    *state.lock().calls.entry(operation.clone()).or_default() += 1;
    let cookie = cookie.unwrap_or_default();
    let outcome = match operation.as_str() {
        "WaitForUpdatesEx" => wait(state, &cookie, body).await,
        _ => at_once(state, &operation, &cookie, body),
    };
    if let Some(text) = instead(state, &operation) {
        return Reply { status: 200, text, session: None };
    }
    match outcome {
        Ok(reply) => reply,
        Err(fault) => refusal(fault),
    }
}

/// A text that was asked for in the place of an answer to an operation.
fn instead(state: &Shared, operation: &str) -> Option<String> {
    let mut state = state.lock();
    let index = state.instead.iter().position(|(of, _)| of == operation)?;
    Some(state.instead.remove(index).1)
}

fn refusal(fault: &str) -> Reply {
    let text = format!(
        r#"<Envelope><Body><Fault><faultcode>ServerFaultCode</faultcode><faultstring></faultstring><detail><{fault}Fault {XMLNS} xsi:type="{fault}"/></detail></Fault></Body></Envelope>"#
    );
    Reply { status: 500, text, session: None }
}

fn reply(operation: &str, inside: &str) -> Reply {
    let text = format!(
        "<Envelope><Body><{operation}Response {XMLNS}>{inside}</{operation}Response></Body></Envelope>"
    );
    Reply { status: 200, text, session: None }
}

fn at_once(state: &Shared, operation: &str, cookie: &str, body: &str) -> Result<Reply, &'static str> {
    let mut guard = state.lock();
    let state = &mut *guard;
    if operation == "RetrieveServiceContent" {
        return Ok(reply(operation, CONTENT));
    }
    if operation == "Login" {
        return login(state, body);
    }
    if operation == "Logout" {
        return state.sessions.remove(cookie).map(|_| reply(operation, "")).ok_or("NotAuthenticated");
    }
    let number = state.next;
    state.next += 1;
    let session = state.sessions.get_mut(cookie).ok_or("NotAuthenticated")?;
    match operation {
        "CreateContainerView" => {
            Ok(reply(operation, r#"<returnval type="ContainerView">view-1</returnval>"#))
        }
        "CreatePropertyCollector" => Ok(reply(
            operation,
            &format!(r#"<returnval type="PropertyCollector">collector-{number}</returnval>"#),
        )),
        "CreateFilter" => {
            if session.filter.is_some() {
                state.broken.push("a second filter in one session".to_owned());
            }
            session.follow(number);
            Ok(reply(operation, &format!(r#"<returnval type="PropertyFilter">filter-{number}</returnval>"#)))
        }
        "DestroyPropertyFilter" => {
            session.filter = None;
            Ok(reply(operation, ""))
        }
        "CancelWaitForUpdates" => {
            session.waits = false;
            Ok(reply(operation, ""))
        }
        "RetrievePropertiesEx" if body.contains("<obj type=\"Folder\">") => {
            Ok(reply(operation, "<returnval/>"))
        }
        "RetrievePropertiesEx" => {
            let all =
                std::iter::once(pool()).chain(state.machines.iter().map(|(name, cpus)| machine(name, *cpus)));
            let mut all: VecDeque<String> =
                all.map(|(of, set)| format!("<objects>{of}{set}</objects>")).collect();
            // The pool, and so many machines: the borders of pages are those of machines.
            Ok(page(operation, session, &mut all, (state.page + 1, number)))
        }
        "ContinueRetrievePropertiesEx" => {
            let (token, mut rest) = session.pages.take().ok_or("InvalidArgument")?;
            if inside(body, "<token>", "</") != Some(token.as_str()) {
                return Err("InvalidArgument");
            }
            Ok(page(operation, session, &mut rest, (state.page, number)))
        }
        _ => Err("MethodNotFound"),
    }
}

fn login(state: &mut State, body: &str) -> Result<Reply, &'static str> {
    let right = inside(body, "<userName>", "</").is_some_and(|user| user == USER)
        && inside(body, "<password>", "</").is_some_and(|password| password == state.password);
    if !right {
        return Err("InvalidLogin");
    }
    let session = format!("session-{}", state.next);
    state.next += 1;
    state.sessions.insert(session.clone(), Session::default());
    Ok(Reply { session: Some(session), ..reply("Login", "<returnval/>") })
}

fn page(
    operation: &str,
    session: &mut Session,
    rest: &mut VecDeque<String>,
    (size, number): (usize, u64),
) -> Reply {
    let objects: String = rest.drain(..size.min(rest.len())).collect();
    let mut token = String::new();
    if !rest.is_empty() {
        session.pages = Some((format!("token-{number}"), std::mem::take(rest)));
        token = format!("<token>token-{number}</token>");
    }
    reply(operation, &format!("<returnval>{token}{objects}</returnval>"))
}

/// Waits until there is something to tell, or the time is over.
async fn wait(state: &Shared, cookie: &str, body: &str) -> Result<Reply, &'static str> {
    let version = inside(body, "<version>", "</version>").unwrap_or_default().to_owned();
    let seconds = inside(body, "<maxWaitSeconds>", "</").and_then(|text| text.parse().ok()).unwrap_or(1);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut changed = state.changed.subscribe();
    begin_wait(state, cookie, &version)?;
    loop {
        changed.mark_unchanged();
        if let Some(reply) = news(state, cookie)? {
            return Ok(reply);
        }
        let called = state.lock().instead.iter().any(|(of, _)| of == "WaitForUpdatesEx");
        if called || tokio::time::timeout_at(end, changed.changed()).await.is_err() {
            if let Some(session) = state.lock().sessions.get_mut(cookie) {
                session.waits = false;
            }
            return Ok(reply("WaitForUpdatesEx", ""));
        }
    }
}

fn begin_wait(state: &Shared, cookie: &str, version: &str) -> Result<(), &'static str> {
    let mut guard = state.lock();
    let state = &mut *guard;
    let session = state.sessions.get_mut(cookie).ok_or("NotAuthenticated")?;
    if session.waits {
        state.broken.push("two waits at once in one session".to_owned());
    }
    if session.filter.is_none() {
        state.broken.push("a wait without a filter".to_owned());
    }
    if !session.knows(version) {
        return Err("InvalidCollectorVersion");
    }
    session.waits = true;
    Ok(())
}

fn news(state: &Shared, cookie: &str) -> Result<Option<Reply>, &'static str> {
    let mut guard = state.lock();
    let state = &mut *guard;
    let session = state.sessions.get_mut(cookie).ok_or("NotAuthenticated")?;
    if session.is_forgotten() {
        session.waits = false;
        return Err("InvalidCollectorVersion");
    }
    let Some((version, news, more)) = session.next(&state.machines, state.page) else { return Ok(None) };
    session.waits = false;
    let mut set = String::new();
    if version == 1 {
        set.push_str(&change("enter", pool()));
    }
    for told in news {
        set.push_str(&match told {
            Told::Is { name, cpus, is_new } => {
                change(if is_new { "enter" } else { "modify" }, machine(&name, cpus))
            }
            Told::Gone(name) => change("leave", (reference(&name), String::new())),
        });
    }
    let truncated = if more { "<truncated>true</truncated>" } else { "" };
    let value =
        format!("<returnval><version>{version}</version><filterSet>{set}</filterSet>{truncated}</returnval>");
    Ok(Some(reply("WaitForUpdatesEx", &value)))
}

/// An object's reference and its properties.
type Object = (String, String);

fn change(kind: &str, (of, set): Object) -> String {
    let set = set.replace("propSet>", "changeSet>").replace("</name><val", "</name><op>assign</op><val");
    format!("<objectSet><kind>{kind}</kind>{of}{set}</objectSet>")
}

fn property(path: &str, value: &str) -> String {
    format!("<propSet><name>{path}</name><val{value}</val></propSet>")
}

fn pool() -> Object {
    (r#"<obj type="ResourcePool">resgroup-1</obj>"#.to_owned(), property("name", ">Pool"))
}

fn reference(name: &str) -> String {
    format!(r#"<obj type="VirtualMachine">vm-{name}</obj>"#)
}

fn machine(name: &str, cpus: u32) -> Object {
    let set = property("name", &format!(">{name}"))
        + &property("resourcePool", r#" type="ResourcePool">resgroup-1"#)
        + &property("runtime.powerState", ">poweredOn")
        + &property("config.hardware.numCPU", &format!(">{cpus}"))
        + &property("config.hardware.memoryMB", ">1024");
    (reference(name), set)
}

const CONTENT: &str = concat!(
    r#"<returnval><rootFolder type="Folder">group-d1</rootFolder>"#,
    r#"<propertyCollector type="PropertyCollector">propertyCollector</propertyCollector>"#,
    r#"<viewManager type="ViewManager">ViewManager</viewManager>"#,
    "<about><name>VMware vCenter Server</name><version>8.0.3</version><build>1</build>",
    "<apiType>VirtualCenter</apiType><apiVersion>8.0.3.0</apiVersion></about>",
    r#"<sessionManager type="SessionManager">SessionManager</sessionManager></returnval>"#,
);

fn inside<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(inside, _)| inside)
}
