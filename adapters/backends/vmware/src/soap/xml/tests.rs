use super::*;
use netweave_model::Retry;
use proptest::prelude::*;

#[test]
fn names_forms_and_texts_are_read() {
    let text = r#"<?xml version="1.0"?>
        <s:Envelope xmlns:s="x" xmlns:xsi="y"><val type="Folder" xsi:type="ManagedObjectReference">group-1</val>
        <empty/><text>a &lt;b&gt; &amp; &#x41;<![CDATA[<c>]]></text></s:Envelope>"#;
    let root = parse(text).unwrap();
    assert_eq!(&*root.name, "Envelope");
    assert_eq!(root.text, "", "layout between elements is nothing");
    let val = root.kid("val").unwrap();
    assert_eq!((val.of.as_deref(), val.form.as_deref()), (Some("Folder"), Some("ManagedObjectReference")));
    assert_eq!(root.text_of("val"), Some("group-1"));
    assert_eq!(root.text_of("empty"), None);
    assert_eq!(root.text_of("text"), Some("a <b> & A<c>"));
}

#[test]
fn what_is_no_document_is_refused() {
    for text in [
        "",
        "text",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a>&",
        "<a b=></a>",
        "<a>&#xD800;</a>",
        "<a",
        "\u{0}",
    ] {
        let error = parse(text).map(drop).unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Internal, Retry::Never), "{text:?}");
    }
}

#[test]
fn entities_are_not_expanded() {
    for text in [
        r#"<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>"#,
        r#"<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>"#,
        "<a>&unknown;</a>",
    ] {
        assert_eq!(parse(text).unwrap_err().kind(), ErrorKind::Internal, "{text}");
    }
    let bomb: String = (1..30).fold(r#"<!DOCTYPE a [<!ENTITY x0 "ha">"#.to_owned(), |text, n| {
        format!(r#"{text}<!ENTITY x{n} "&x{};&x{};">"#, n - 1, n - 1)
    });
    assert!(parse(&format!("{bomb}]><a>&x29;</a>")).is_err());
}

#[test]
fn depth_width_and_attributes_are_bounded() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    let attributes = " a='1'".repeat(MAX_ATTRIBUTES + 1);
    for text in [
        nested(MAX_DEPTH + 1),
        nested(1_000_000),
        format!("<a>{}</a>", "<b/>".repeat(MAX_NODES)),
        format!("<a{attributes}/>"),
    ] {
        assert_eq!(parse(&text).unwrap_err().kind(), ErrorKind::TooLarge);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        drop(parse(&text));
    }

    #[test]
    fn anything_that_looks_like_markup_is_read_or_refused(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "<a>", "</a>", "<a/>", "<b type='x'>", "</b>", "&lt;", "&x;", "&#1;", "<!--", "-->", "<![CDATA[", "]]>",
                "<?", "?>", "<!DOCTYPE", ">", "x", " ", "'", "\"", "=",
            ]),
            0..40,
        )
    ) {
        drop(parse(&parts.concat()));
    }
}
