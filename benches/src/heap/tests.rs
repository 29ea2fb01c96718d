use super::*;

/// As `netweave profile --heap` prints it: the outermost function first.
const RECORDED: &str = "clone3;std::sys::thread::start;tokio::runtime::run;netweave::inventory::load;\
    <alloc::vec::Vec<T> as core::clone::Clone>::clone;alloc::raw_vec::RawVecInner<A>::with_capacity_in 6291456\n\
    clone3;std::sys::thread::start;netweave::inventory::load;serde_json::value::to_value;alloc::raw_vec::finish_grow 2097152\n\
    main;<netweave::cache::Cache as core::default::Default>::default;hashbrown::raw::RawTable<T>::new 1048576\n\
    clone3;std::sys::thread::start;tokio::runtime::new;alloc::boxed::Box<T>::new 1048576\n";

#[test]
fn holders_are_our_functions_with_what_libraries_took_for_them() {
    let profile = Profile::of("list-10000", RECORDED).unwrap();
    let held: Vec<_> = profile.holders.iter().map(|one| (one.function.as_str(), one.bytes >> 20)).collect();
    let cache = "<netweave::cache::Cache as core::default::Default>::default";
    assert_eq!(held, [("netweave::inventory::load", 8), (cache, 1), ("tokio::runtime::new", 1)]);
    assert_eq!((profile.bytes >> 20, profile.title().as_str()), (10, "list-10000: 10.0 MiB"));
    assert_eq!(profile.holders[0].cells(profile.bytes), ["netweave::inventory::load", "8.0", "80.0 %"]);
}

#[test]
fn a_drawing_begins_with_our_functions_and_says_bytes() {
    let flame = Profile::of("x", RECORDED).unwrap().flame;
    assert!(flame.contains("<title>netweave::inventory::load: 80.0 %, 8.0 MiB</title>"), "{flame}");
    assert!(
        flame.contains("&lt;alloc::vec::Vec&lt;T&gt; as core::clone::Clone&gt;::clone: 60.0 %"),
        "{flame}"
    );
    assert_eq!(
        flame.matches("clone3").count(),
        2,
        "where no function is ours all of them are shown: {flame}"
    );
}

#[test]
fn tables_name_the_largest_ten() {
    let many: Vec<String> = (0..30).map(|n| format!("netweave::f{n} {}", n + 1)).collect();
    let profile = Profile::of("x", &many.join("\n")).unwrap();
    assert_eq!((profile.holders.len(), profile.holders[9].bytes), (10, 21));
    let document = profile.document();
    assert_eq!(document["holders"][0], json!({ "function": "netweave::f29", "bytes": 30, "share": 0.065 }));
    let markdown = profile.markdown().unwrap();
    assert!(markdown.contains("| `netweave::f29` | 0.0 | 6.5 % |\n"), "{markdown}");
}

#[test]
fn a_profile_without_a_sample_is_none() {
    assert!(Profile::of("x", "").is_err() && Profile::of("x", "no number\n").is_err());
}
