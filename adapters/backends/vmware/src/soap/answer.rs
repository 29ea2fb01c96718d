//! The form of the answers: trees -> what was said of which object.

use super::xml::Node;
use super::{Family, Ref};
use netweave_model::{Error, Result};

/// What the server is, and where its services are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) about: About,
    pub(crate) root: String,
    pub(crate) collector: String,
    pub(crate) views: String,
    pub(crate) sessions: String,
}

/// What the server says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) build: String,
    /// `VirtualCenter` or `HostAgent`.
    pub(crate) api_type: String,
    pub(crate) api_version: String,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It is told for the first time, completely.
    Enter,
    /// Some properties differ.
    Modify,
    /// It is gone.
    Leave,
}

/// What is said of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) event: Event,
    pub(crate) object: Ref,
    /// The server's own name of the object's type.
    pub(crate) subtype: Box<str>,
    /// Properties by path; `None`: it has no value.
    pub(crate) changes: Vec<(Box<str>, Option<Node>)>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Update>,
    /// Names the next page, if there is one.
    pub(crate) token: Option<String>,
}

/// One answer to a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Updates {
    pub(crate) version: String,
    /// There is more of this version: ask again at once.
    pub(crate) truncated: bool,
    pub(crate) objects: Vec<Update>,
}

fn odd(why: &'static str) -> Error {
    Error::internal(why)
}

fn needed<'a>(node: &'a Node, name: &str) -> Result<&'a str> {
    node.text_of(name).ok_or_else(|| odd("an answer lacks an element").with_private(format!("no `{name}`")))
}

/// Returns the value that an answer brings.
pub(crate) fn value(answer: &Node) -> Result<&Node> {
    answer.kid("returnval").ok_or_else(|| odd("an answer lacks its value"))
}

/// Reads the answer to `RetrieveServiceContent`.
pub(crate) fn content(answer: &Node) -> Result<Content> {
    let value = value(answer)?;
    let about = value.kid("about").ok_or_else(|| odd("an answer does not say what the server is"))?;
    let said = |name: &str| about.text_of(name).unwrap_or_default().to_owned();
    Ok(Content {
        about: About {
            name: said("name"),
            version: said("version"),
            build: said("build"),
            api_type: said("apiType"),
            api_version: said("apiVersion"),
        },
        root: needed(value, "rootFolder")?.to_owned(),
        collector: needed(value, "propertyCollector")?.to_owned(),
        views: needed(value, "viewManager")?.to_owned(),
        sessions: needed(value, "sessionManager")?.to_owned(),
    })
}

/// Reads the answer to `CreateContainerView`, `CreatePropertyCollector` or `CreateFilter`: what was made.
pub(crate) fn made(answer: &Node) -> Result<String> {
    needed(answer, "returnval").map(str::to_owned)
}

/// Reads the answer to `RetrievePropertiesEx` or its continuation; one without a value is an empty list.
pub(crate) fn page(answer: &Node) -> Result<Page> {
    let Some(value) = answer.kid("returnval") else {
        return Ok(Page { objects: Vec::new(), token: None });
    };
    let mut objects = Vec::new();
    for object in value.all("objects") {
        let update = update(object, Event::Enter, ("propSet", "missingSet"))?;
        objects.extend(update);
    }
    Ok(Page { objects, token: value.text_of("token").map(str::to_owned) })
}

/// Reads the answer to `WaitForUpdatesEx`; `None`: nothing changed within the time.
pub(crate) fn updates(answer: &Node) -> Result<Option<Updates>> {
    let Some(value) = answer.kid("returnval") else { return Ok(None) };
    let mut objects = Vec::new();
    for object in value.all("filterSet").flat_map(|filter| filter.all("objectSet")) {
        let event = match needed(object, "kind")? {
            "enter" => Event::Enter,
            "modify" => Event::Modify,
            "leave" => Event::Leave,
            other => return Err(odd("an event is of an unknown kind").with_private(other.to_owned())),
        };
        objects.extend(update(object, event, ("changeSet", "missingSet"))?);
    }
    let truncated = match value.text_of("truncated") {
        None | Some("false" | "0") => false,
        Some("true" | "1") => true,
        Some(other) => return Err(odd("a truth value is neither").with_private(other.to_owned())),
    };
    Ok(Some(Updates { version: needed(value, "version")?.to_owned(), truncated, objects }))
}

/// Reads what is said of one object; `None` if it is of a type that nobody asked for.
fn update(node: &Node, event: Event, (set, missing): (&str, &str)) -> Result<Option<Update>> {
    let object = node.kid("obj").ok_or_else(|| odd("an event names no object"))?;
    let subtype = object.of.clone().ok_or_else(|| odd("an object has no type"))?;
    let value = object.text.trim();
    if value.is_empty() {
        return Err(odd("an object has no name"));
    }
    let Some(family) = Family::of(&subtype) else { return Ok(None) };
    let mut changes = Vec::new();
    for change in node.all(set) {
        let path = needed(change, "name")?.into();
        let value = match change.text_of("op") {
            None => Some(change.kid("val").ok_or_else(|| odd("a property has no value"))?.clone()),
            // One that was set to nothing has no value.
            Some("assign" | "add") => change.kid("val").cloned(),
            Some("remove" | "indirectRemove") => None,
            Some(other) => return Err(odd("a change is of an unknown kind").with_private(other.to_owned())),
        };
        changes.push((path, value));
    }
    // What the gateway may not read has no value for it.
    for absent in node.all(missing) {
        changes.push((needed(absent, "path")?.into(), None));
    }
    Ok(Some(Update { event, object: Ref { family, value: value.into() }, subtype, changes }))
}

#[cfg(test)]
mod tests;
