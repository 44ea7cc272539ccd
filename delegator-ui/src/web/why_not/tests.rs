use serde_json::json;

use super::*;

const EVIL: &str = "</textarea><script>alert(1)</script>\"'&\u{1b}";

fn answer() -> Value {
    json!({
        "path": "/svc/web",
        "destination": "/#/io.l5d.fs/web",
        "reaches": false,
        "probability": 0.0,
        "answer": "/svc/web does not reach /#/io.l5d.fs/web: it is bound to /#/io.l5d.fs/web-v2, 1 address.",
        "reasons": [
            {
                "path": "/svc/web",
                "kind": "shadowed",
                "sentence": "/svc => /#/io.l5d.fs would lead there, but a later entry wins",
                "dentry": {
                    "table": "override", "index": 1, "of": 2, "prefix": "/svc/web",
                    "dst": "/#/io.l5d.fs/web-v2",
                },
            },
            { "path": "/svc/web", "kind": "never-named", "sentence": "…", "dentry": null },
        ],
        "would": [{ "dtab": "/svc/web => /#/io.l5d.fs/web", "sentence": "With it, it does." }],
    })
}

fn page(answer: Result<Value, String>) -> Page {
    let asked = Asked {
        router: "http".to_owned(),
        path: "/svc/web".to_owned(),
        destination: "/#/io.l5d.fs/web".to_owned(),
        ..Asked::default()
    };
    Page { asked, answer: Some(answer), ..Page::default() }
}

#[test]
fn reasons_and_ways_there_are_readable_without_scripts() {
    insta::assert_snapshot!(page(Ok(answer())).html());
}

#[test]
fn no_text_becomes_markup() {
    let mut evil = answer();
    for pointer in [
        "/answer",
        "/reasons/0/path",
        "/reasons/0/kind",
        "/reasons/0/sentence",
        "/reasons/0/dentry/dst",
        "/would/0/dtab",
        "/would/0/sentence",
    ] {
        *evil.pointer_mut(pointer).unwrap() = EVIL.into();
    }
    evil["reasons"][1]["dentry"] = json!({ "place": { "file": EVIL, "line": 1, "column": 2 } });
    let own = || EVIL.to_owned();
    for answer in [Ok(evil), Err(own()), Err(format!("{EVIL}\n{EVIL}"))] {
        let page = Page {
            asked: Asked {
                router: own(),
                path: own(),
                destination: own(),
                dtab: own(),
                base: own(),
            },
            routers: vec![own()],
            words: json!({ "names": [EVIL], "bound": [EVIL] }),
            ..page(answer)
        };
        let html = page.html();
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("</textarea>").count(), 2, "{html}");
    }
}

#[test]
fn every_kind_of_reason_has_words() {
    for (_, name) in dtab::why_not::ReasonKind::ALL {
        assert!(!kind(name).1.contains('-'), "{name}");
    }
}

#[test]
fn what_is_typed_with_line_ends_of_browsers_is_the_same() {
    let params = [("path", " /svc/web "), ("dtab", "/a => /b ;\r\n/c => /d")];
    let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let asked = Asked::read(&params);
    assert_eq!((asked.path.as_str(), asked.dtab.as_str()), ("/svc/web", "/a => /b ;\n/c => /d"));
}
