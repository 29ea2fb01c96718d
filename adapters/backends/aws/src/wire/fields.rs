//! Every name that is read exists in the services' own model, where and how it is read.
//!
//! The names come from the types themselves: a deserialiser without input notes what each type asks for. The model is
//! the one that botocore ships; it comes with the peer, see `tests/peers/moto.sh`.

use super::capacity::{CapacityReservations, Hosts};
use super::group::Groups;
use super::identity::{Assumed, Caller};
use super::instance::{InstanceTypes, Instances};
use super::network::{Subnets, Vpcs};
use super::place::{Regions, Zones};
use super::volume::Volumes;
use super::{Answer, Page};
use serde::de::value::{BorrowedStrDeserializer, Error};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Notes the path of every field that a type asks for, and what it takes it for.
#[derive(Clone)]
struct Tracer<'a> {
    path: String,
    found: &'a RefCell<BTreeSet<String>>,
}

impl Tracer<'_> {
    fn note(&self, form: &str) {
        self.found.borrow_mut().insert(format!("{} {form}", self.path));
    }
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        panic!("{}: a type that is not traced: {}", self.path, std::any::type_name_of_val(&visitor));
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("string");
        visitor.visit_str("x")
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("boolean");
        visitor.visit_bool(true)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("integer");
        visitor.visit_u64(1)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.note("double");
        visitor.visit_f64(1.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Once(Some(self)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields { tracer: self, fields: fields.iter(), current: "" })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 char str bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct map enum identifier ignored_any
    }
}

struct Fields<'a> {
    tracer: Tracer<'a>,
    fields: std::slice::Iter<'static, &'static str>,
    current: &'static str,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some(field) = self.fields.next() else { return Ok(None) };
        self.current = field;
        seed.deserialize(BorrowedStrDeserializer::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let path = format!("{}.{}", self.tracer.path, self.current);
        seed.deserialize(Tracer { path, found: self.tracer.found })
    }
}

struct Once<'a>(Option<Tracer<'a>>);

impl<'de> SeqAccess<'de> for Once<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.take().map(|tracer| seed.deserialize(tracer)).transpose()
    }
}

fn trace<T: Answer>(found: &RefCell<BTreeSet<String>>) {
    let path = format!("{} {} ", T::SERVICE.name(), T::ACTION);
    assert!(T::deserialize(Tracer { path, found }).is_ok(), "{}", T::ACTION);
}

fn trace_page<T: Page>(found: &RefCell<BTreeSet<String>>) {
    trace::<T>(found);
    let (name, most) = T::MOST.unwrap_or(("", 0));
    found.borrow_mut().insert(format!("{} {} ?{name} {most}", T::SERVICE.name(), T::ACTION));
}

/// Returns the interpreter that has botocore; `None` if it is not there and not asked for.
fn python() -> Option<PathBuf> {
    let peers = std::env::var_os("PEERS_DIR").map(PathBuf::from);
    let beside = || Some(std::env::current_exe().ok()?.ancestors().nth(3)?.join("peers"));
    let python = peers.or_else(beside)?.join("share/moto/bin/python");
    if python.exists() {
        return Some(python);
    }
    assert!(std::env::var_os("NETWEAVE_REQUIRE_PEERS").is_none(), "no {python:?}: run tests/peers/moto.sh");
    None
}

#[test]
fn every_name_that_is_read_is_in_the_services_model() {
    let found = RefCell::new(BTreeSet::new());
    trace_page::<Regions>(&found);
    trace_page::<Zones>(&found);
    trace_page::<Instances>(&found);
    trace_page::<InstanceTypes>(&found);
    trace_page::<Hosts>(&found);
    trace_page::<CapacityReservations>(&found);
    trace_page::<Vpcs>(&found);
    trace_page::<Subnets>(&found);
    trace_page::<Volumes>(&found);
    trace_page::<Groups>(&found);
    trace::<Caller>(&found);
    trace::<Assumed>(&found);
    let lines: Vec<String> = found.into_inner().into_iter().collect();
    assert!(lines.len() > 150, "{lines:#?}");
    let Some(python) = python() else {
        std::io::stderr().write_all(b"SKIPPED: there is no botocore; run tests/peers/moto.sh\n").unwrap();
        return;
    };
    let mut child = Command::new(python)
        .arg("-c")
        .arg(include_str!("fields.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.trim(), format!("{} names", lines.len()));
}
