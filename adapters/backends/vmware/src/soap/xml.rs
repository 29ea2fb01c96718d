//! Text -> a small tree, within bounds. Nothing is expanded: document types are refused, and of entities only the five
//! that XML itself knows and references to characters are read.

use netweave_model::{Error, ErrorKind, Result};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Deepest nesting; answers have about 15 levels.
const MAX_DEPTH: usize = 40;
/// Most elements of one answer: a page of 500 hosts with 2,000 elements each.
const MAX_NODES: usize = 1_000_000;
/// Most attributes of one element; answers have up to four.
const MAX_ATTRIBUTES: usize = 16;

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its name without a prefix.
    pub(crate) name: Box<str>,
    /// The attribute `type`: what kind of object a reference names.
    pub(crate) of: Option<Box<str>>,
    /// The attribute `type` of another namespace (`xsi:type`): what the value is.
    pub(crate) form: Option<Box<str>>,
    /// Its own text.
    pub(crate) text: String,
    /// Its elements.
    pub(crate) kids: Vec<Node>,
}

impl Node {
    /// Returns the first element of a name.
    pub(crate) fn kid(&self, name: &str) -> Option<&Self> {
        self.kids.iter().find(|kid| &*kid.name == name)
    }

    /// Returns all elements of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.kids.iter().filter(move |kid| &*kid.name == name)
    }

    /// Returns the text of the first element of a name, if it has one.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.kid(name).map(|kid| kid.text.trim()).filter(|text| !text.is_empty())
    }
}

/// Reads a document and returns its outermost element.
///
/// # Errors
/// `Internal`: it is no XML, or uses what answers do not use. `TooLarge`: it is deeper or wider than its bound.
pub(crate) fn parse(text: &str) -> Result<Node> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open = vec![Node::default()];
    let mut nodes = 0;
    loop {
        match reader.read_event().map_err(|error| odd("it does not parse").with_source(error))? {
            Event::Start(start) => {
                nodes += 1;
                if open.len() > MAX_DEPTH || nodes > MAX_NODES {
                    return Err(Error::new(ErrorKind::TooLarge, "the vCenter's answer exceeds its bound"));
                }
                open.push(begin(&start)?);
            }
            Event::End(_) => close(&mut open)?,
            Event::Text(text) => add(&mut open, &text.xml10_content()),
            Event::CData(text) => add(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => add(&mut open, character(&reference)?.encode_utf8(&mut [0; 4])),
            Event::DocType(_) => return Err(odd("it has a document type")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Empty(_) => {}
            Event::Eof => break,
        }
    }
    let mut root = open.pop().filter(|_| open.is_empty()).ok_or_else(|| odd("it is cut off"))?;
    match (root.kids.pop(), root.kids.is_empty()) {
        (Some(node), true) => Ok(node),
        (None | Some(_), _) => Err(odd("it is not one element")),
    }
}

fn odd(why: &'static str) -> Error {
    Error::internal(why)
}

fn begin(start: &BytesStart<'_>) -> Result<Node> {
    let mut node = Node { name: start.local_name().as_ref().into(), ..Node::default() };
    for (index, attribute) in start.attributes().with_checks(false).enumerate() {
        let attribute = attribute.map_err(|error| odd("an attribute does not parse").with_source(error))?;
        if index >= MAX_ATTRIBUTES {
            return Err(Error::new(ErrorKind::TooLarge, "the vCenter's answer exceeds its bound"));
        }
        if attribute.key.local_name().as_ref() == "type" {
            let place = if attribute.key.prefix().is_some() { &mut node.form } else { &mut node.of };
            *place = Some(attribute.value.as_ref().into());
        }
    }
    Ok(node)
}

fn close(open: &mut Vec<Node>) -> Result<()> {
    let mut node = open.pop().ok_or_else(|| odd("it ends too often"))?;
    node.kids.shrink_to_fit();
    node.text.shrink_to_fit();
    // What stands between elements is layout.
    if !node.kids.is_empty() {
        node.text = String::new();
    }
    open.last_mut().ok_or_else(|| odd("it ends too often"))?.kids.push(node);
    Ok(())
}

fn add(open: &mut [Node], text: &str) {
    if let Some(node) = open.last_mut() {
        node.text.push_str(text);
    }
}

fn character(reference: &BytesRef<'_>) -> Result<char> {
    let resolved =
        reference.resolve_char_ref().map_err(|error| odd("a character does not parse").with_source(error))?;
    if let Some(character) = resolved {
        return Ok(character);
    }
    match reference.xml10_content().as_ref() {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(odd("it refers to an entity")),
    }
}

#[cfg(test)]
mod tests;
