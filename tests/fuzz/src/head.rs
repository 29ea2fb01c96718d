//! Any bytes as the head of an HTTP/1 request: read in pieces like as a whole, refused with a reason, and what is taken is
//! read by other parsers in the same way, up to the query of the collection that it names.

use netweave::filters::{negotiate, target};
use netweave::listen::head::{Bounds, Scan};
use netweave::problem::Problem;
use netweave::routes::{Operation, table};
use netweave_model::ErrorKind;
use netweave_model::query::{Query, Target};
use netweave_model::subscription::Major;

const BOUNDS: Bounds = Bounds { head: 2048, target: 512 };
const MAX_FIELDS: usize = 100;
/// Longest body of a refusal.
const MAX_PROBLEM: usize = 1024;

/// Runs one input.
///
/// # Panics
/// Two readings differ, or a refusal is no fault of the client.
pub fn run(bytes: &[u8]) {
    let whole = Scan::default().next(bytes, BOUNDS);
    let cut = usize::from(bytes.last().copied().unwrap_or_default()) * bytes.len() / 256;
    let mut scan = Scan::default();
    let pieces = match scan.next(bytes.get(..cut).unwrap_or_default(), BOUNDS) {
        Ok(None) => scan.next(bytes, BOUNDS),
        early => early,
    };
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert_eq!(whole, pieces, "in pieces it is another head");
            if let Some(size) = whole {
                taken(bytes.get(..size).expect("a head is no longer than what came"));
            }
        }
        (Err(whole), Err(pieces)) => {
            refused(&whole);
            refused(&pieces);
        }
        (whole, pieces) => panic!("in pieces it is read otherwise: {whole:?}, {pieces:?}"),
    }
}

fn refused(problem: &Problem) {
    assert!(problem.status().is_client_error(), "{problem:?}");
    let body = problem.reply("id").body;
    assert!(body.len() <= MAX_PROBLEM, "{} bytes", body.len());
    serde_json::from_slice::<serde_json::Value>(&body).expect("a problem document is JSON");
}

/// What is taken here is what every later parser reads.
fn taken(head: &[u8]) {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut other = httparse::Request::new(&mut fields);
    let end = other.parse(head).expect("it is a head for others, too");
    assert_eq!(end, httparse::Status::Complete(head.len()), "it ends elsewhere for others");
    let (method, path) = (other.method.expect("a method"), other.path.expect("a path"));
    let mut request = http::Request::builder().method(method).uri(path);
    for field in other.headers.iter() {
        request = request.header(field.name, field.value);
    }
    let (parts, ()) = request.body(()).expect("its parts are those of a request").into_parts();
    if let Err(problem) = target::check(&parts, BOUNDS.target) {
        return refused(&problem);
    }
    let Some(route) = table::resolve(parts.uri.path(), &[Major::V1, Major::V2]) else { return };
    if let Err(problem) = negotiate::check(&parts, &route, &parts.method) {
        return refused(&problem);
    }
    if let Operation::List(kind, _) = route.operation {
        let query = parts.uri.query().unwrap_or_default();
        if let Err(error) = Query::parse(Target::Inventory(kind), kind.collection(), query, 8) {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
        }
    }
}
