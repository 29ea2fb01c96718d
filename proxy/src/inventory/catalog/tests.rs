use super::*;
use crate::inventory::fakes::{object, pool};
use netweave_model::query::{Filter, Target};
use std::sync::LazyLock;

fn put(views: &mut Views, source: &str, kind: Kind, parent: Option<&str>, id: &str, at: u64) {
    let json = object(kind, parent, id, source).json;
    let indexed = Arc::new(Indexed::new(json, &Paths::new()).unwrap());
    let view = views.view_mut(&SourceName::from(source), kind).unwrap();
    view.changed = Position { generation: 1, sequence: at };
    view.insert(parent.map(Id::from), Id::from(id), indexed);
}

fn two_sources() -> Views {
    let mut views = Views::new([SourceName::from("b"), SourceName::from("a")]);
    for (at, (source, id)) in
        [("a", "1"), ("b", "2"), ("a", "3"), ("b", "3"), ("b", "5")].into_iter().enumerate()
    {
        put(&mut views, source, Kind::ResourcePool, None, id, at as u64);
    }
    views
}

fn all(kind: Kind) -> Selection<'static> {
    static SCOPE: LazyLock<Scope> = LazyLock::new(Scope::default);
    Selection { kind, parent: None, after: None, scope: &SCOPE, filter: None, skip: 0, limit: 1000 }
}

fn ids(page: &Page<'_>) -> Vec<String> {
    let text = |held: &&Held| String::from_utf8(held.object.json().to_vec()).unwrap();
    page.objects.iter().map(text).map(|json| json.split('"').nth(3).unwrap().to_owned()).collect()
}

#[test]
fn sources_are_merged_in_id_order_and_an_id_comes_once() {
    let views = two_sources();
    let page = views.list(all(Kind::ResourcePool));
    assert_eq!(ids(&page), ["1", "2", "3", "5"]);
    assert!(!page.more);
}

#[test]
fn a_page_starts_after_its_key_and_says_whether_more_follow() {
    let views = two_sources();
    let page = views.list(Selection { after: Some("1"), limit: 2, ..all(Kind::ResourcePool) });
    assert_eq!(ids(&page), ["2", "3"]);
    assert_eq!((page.last.unwrap().as_str(), page.more), ("3", true));
    let page = views.list(Selection { after: Some("3"), limit: 1, ..all(Kind::ResourcePool) });
    assert_eq!((ids(&page), page.more), (vec!["5".to_owned()], false));
    let page = views.list(Selection { skip: 3, ..all(Kind::ResourcePool) });
    assert_eq!(ids(&page), ["5"]);
}

#[test]
fn a_filter_is_asked_before_pages_are_counted() {
    let paths = Paths::new();
    let mut views = Views::new([SourceName::from("a")]);
    for id in 0..20 {
        let name = if id % 5 == 0 { "fifth" } else { "other" };
        let json = object(Kind::ResourcePool, None, &format!("{id:02}"), name).json;
        let indexed = Arc::new(Indexed::new(json, &paths).unwrap());
        let view = views.view_mut(&SourceName::from("a"), Kind::ResourcePool).unwrap();
        view.insert(None, Id::from(format!("{id:02}")), indexed);
    }
    let target = Target::Inventory(Kind::ResourcePool);
    let bound = Filter::parse(target, ["(eq,name,fifth)"], 8).unwrap().unwrap().bind(&paths);
    let page = views.list(Selection { filter: Some(&bound), skip: 1, limit: 2, ..all(Kind::ResourcePool) });
    assert_eq!((ids(&page), page.more), (vec!["05".to_owned(), "10".to_owned()], true));
}

#[test]
fn the_version_of_a_part_is_that_of_what_is_in_it() {
    let mut views = two_sources();
    let one = |id| Part::Object(Kind::ResourcePool, KeyRef { parent: None, id });
    let parts = [Part::Kinds(&[Kind::ResourcePool]), Part::Pool("1"), Part::Pool("2"), one("1"), one("2")];
    let versions = |views: &Views| parts.map(|part| views.version(&part).unwrap());
    let before = versions(&views);
    put(&mut views, "a", Kind::ResourceType, None, "t", 9);
    assert_eq!(versions(&views), before);
    put(&mut views, "b", Kind::Resource, Some("2"), "r", 10);
    let after = versions(&views);
    let changed: Vec<_> = before.iter().zip(&after).map(|(before, after)| before != after).collect();
    assert_eq!(changed, [false, false, true, false, false]);
    assert_eq!([Part::Pool("9"), one("9")].map(|part| views.version(&part)), [None, None]);
    assert_ne!(views.version(&Part::Kinds(&[Kind::ResourceType])), views.version(&Part::Kinds(&[])));
}

#[test]
fn which_source_has_an_object_counts_only_where_it_is_shown() {
    let of = |first: &[(&str, &str)]| {
        let mut views = Views::new([SourceName::from("a"), SourceName::from("b"), SourceName::from("c")]);
        for (source, name) in first {
            let view = views.view_mut(&SourceName::from(*source), Kind::ResourcePool).unwrap();
            let json = object(Kind::ResourcePool, None, "1", name).json;
            view.insert(None, Id::from("1"), Arc::new(Indexed::new(json, &Paths::new()).unwrap()));
        }
        views.version(&Part::Kinds(&[Kind::ResourcePool])).unwrap()
    };
    assert_ne!(of(&[("a", "x"), ("b", "y")]), of(&[("a", "y"), ("b", "x")]), "the first source is shown");
    assert_eq!(of(&[("a", "x"), ("b", "y")]), of(&[("a", "x"), ("c", "y")]));
}

#[tokio::test]
async fn a_read_waits_for_what_is_in_the_log_and_not_for_ever() {
    let world =
        crate::inventory::fakes::World::new(&[("a", &crate::inventory::fakes::FakeBackend::new(&[]))]);
    let catalog = &world.desk.catalog;
    catalog.publish(Views { loaded: true, ..Views::new([SourceName::from("a")]) });
    world.commit(0, Kind::ResourcePool, vec![pool("p")]).await;
    assert!(catalog.is_behind(), "the log holds what no follower has read");
    catalog.catch_up(&*world.desk.log).await;
    assert!(catalog.is_behind(), "nobody follows, and the wait has ended");
    let world = world.run();
    world.desk.catalog.until(|views| views.loaded && views.position.sequence > 0).await;
    assert!(!world.desk.catalog.is_behind());
}
