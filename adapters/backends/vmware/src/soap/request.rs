//! The envelopes of the ten operations.

use super::Family;
use crate::entity;
use bytes::Bytes;
use quick_xml::escape::escape;

/// Objects in one page of a list, and in one answer to a wait; a vCenter may send fewer.
const PAGE: usize = 500;

const HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/" "#,
    r#"xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Body>"#
);
/// Leads from a view to what it shows.
const SHOWN: &str = concat!(
    r#"</obj><skip>true</skip><selectSet xsi:type="TraversalSpec"><name>shown</name><type>ContainerView</type>"#,
    "<path>view</path><skip>false</skip></selectSet></objectSet>"
);
const TAIL: &str = "</Body></Envelope>";

/// One call: its operation, and its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) operation: &'static str,
    pub(crate) envelope: Bytes,
}

/// Puts a call on an object into its envelope; `arguments` is XML.
fn call(operation: &'static str, (of, object): (&str, &str), arguments: &str) -> Request {
    let object = escape(object);
    let envelope = format!(
        r#"{HEAD}<{operation} xmlns="urn:vim25"><_this type="{of}">{object}</_this>{arguments}</{operation}>{TAIL}"#
    );
    Request { operation, envelope: envelope.into() }
}

/// Asks what the server is and where its services are; needs no session.
pub(crate) fn content() -> Request {
    call("RetrieveServiceContent", ("ServiceInstance", "ServiceInstance"), "")
}

pub(crate) fn login(manager: &str, user: &str, password: &str) -> Request {
    let arguments = format!("<userName>{}</userName><password>{}</password>", escape(user), escape(password));
    call("Login", ("SessionManager", manager), &arguments)
}

pub(crate) fn logout(manager: &str) -> Request {
    call("Logout", ("SessionManager", manager), "")
}

/// Makes a view of everything below a folder that is looked at.
pub(crate) fn view(manager: &str, root: &str) -> Request {
    let mut arguments = format!(r#"<container type="Folder">{}</container>"#, escape(root));
    for family in Family::ALL {
        arguments.push_str("<type>");
        arguments.push_str(family.asked());
        arguments.push_str("</type>");
    }
    arguments.push_str("<recursive>true</recursive>");
    call("CreateContainerView", ("ViewManager", manager), &arguments)
}

/// Asks for the first page of what a view shows.
pub(crate) fn retrieve(collector: &str, view: &str) -> Request {
    let arguments =
        format!("<specSet>{}</specSet><options><maxObjects>{PAGE}</maxObjects></options>", spec(view));
    call("RetrievePropertiesEx", ("PropertyCollector", collector), &arguments)
}

/// Asks for the name of the root folder: the smallest question that needs a session.
pub(crate) fn root(collector: &str, root: &str) -> Request {
    let arguments = format!(
        concat!(
            "<specSet><propSet><type>Folder</type><pathSet>name</pathSet></propSet>",
            r#"<objectSet><obj type="Folder">{}</obj></objectSet></specSet><options/>"#
        ),
        escape(root)
    );
    call("RetrievePropertiesEx", ("PropertyCollector", collector), &arguments)
}

/// Asks for the page after the one that named this token.
pub(crate) fn next(collector: &str, token: &str) -> Request {
    let arguments = format!("<token>{}</token>", escape(token));
    call("ContinueRetrievePropertiesEx", ("PropertyCollector", collector), &arguments)
}

/// Makes a collector of one's own: the one that everybody has serves a single user at a time on some servers.
pub(crate) fn collector(collector: &str) -> Request {
    call("CreatePropertyCollector", ("PropertyCollector", collector), "")
}

/// Has a collector follow what a view shows; a change of a part is told as the whole property.
pub(crate) fn filter(collector: &str, view: &str) -> Request {
    let arguments = format!("<spec>{}</spec><partialUpdates>false</partialUpdates>", spec(view));
    call("CreateFilter", ("PropertyCollector", collector), &arguments)
}

pub(crate) fn destroy_filter(filter: &str) -> Request {
    call("DestroyPropertyFilter", ("PropertyFilter", filter), "")
}

/// Waits for changes after a version; an empty one asks for the full state.
pub(crate) fn wait(collector: &str, version: &str, seconds: u64) -> Request {
    let arguments = format!(
        concat!(
            "<version>{}</version><options><maxWaitSeconds>{}</maxWaitSeconds>",
            "<maxObjectUpdates>{}</maxObjectUpdates></options>"
        ),
        escape(version),
        seconds,
        PAGE
    );
    call("WaitForUpdatesEx", ("PropertyCollector", collector), &arguments)
}

pub(crate) fn cancel_wait(collector: &str) -> Request {
    call("CancelWaitForUpdates", ("PropertyCollector", collector), "")
}

/// Says which properties of which objects are wanted: those of the tables in [`entity`], of what the view shows.
fn spec(view: &str) -> String {
    let mut spec = String::new();
    for family in Family::ALL {
        spec.push_str("<propSet><type>");
        spec.push_str(family.asked());
        spec.push_str("</type>");
        for path in entity::paths(family) {
            spec.push_str("<pathSet>");
            spec.push_str(path);
            spec.push_str("</pathSet>");
        }
        spec.push_str("</propSet>");
    }
    spec.push_str(r#"<objectSet><obj type="ContainerView">"#);
    spec.push_str(&escape(view));
    spec.push_str(SHOWN);
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soap::xml;

    fn parsed(request: &Request) -> xml::Node {
        let text = std::str::from_utf8(&request.envelope).unwrap();
        let envelope = xml::parse(text).unwrap();
        envelope.kid("Body").and_then(|body| body.kid(request.operation)).unwrap().clone()
    }

    #[test]
    fn what_comes_from_outside_stays_text() {
        let hostile = "</version><x>&\"'";
        for request in [
            login("m", hostile, hostile),
            wait(hostile, hostile, 1),
            next(hostile, hostile),
            view(hostile, hostile),
            filter(hostile, hostile),
            destroy_filter(hostile),
        ] {
            let call = parsed(&request);
            assert!(call.kid("x").is_none(), "{request:?}");
            assert_eq!(call.text_of("_this").unwrap_or("m").len().min(1), 1);
        }
        assert_eq!(parsed(&login("m", "u", hostile)).text_of("password"), Some(hostile));
        assert_eq!(parsed(&wait("c", hostile, 1)).text_of("version"), Some(hostile));
    }

    #[test]
    fn a_filter_asks_for_nothing_that_changes_by_itself() {
        let text = String::from_utf8(filter("c", "v").envelope.to_vec()).unwrap();
        for volatile in
            ["quickStats", "freeSpace", "overallCpuUsage", "guestHeartbeat", "uptime", "lastModified"]
        {
            assert!(!text.contains(volatile), "{volatile}");
        }
        for path in ["runtime.powerState", "summary.hardware", "summary.capacity"] {
            assert!(text.contains(path), "{path}");
        }
    }
}
