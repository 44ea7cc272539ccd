use serde_json::{Value, json};

use super::{Ask, Page};

/// The markup with each element on a line of its own.
fn shown(html: &str) -> String {
    html.replace("><", ">\n<")
}

fn step(depth: usize, path: &str, kind: &str, share: f64, more: &Value) -> Value {
    let mut step = json!({
        "depth": depth,
        "path": path,
        "kind": kind,
        "taken": share > 0.0,
        "probability": share,
        "reason": format!("why {path} is {kind}"),
    });
    for (key, value) in more.as_object().unwrap() {
        step[key] = value.clone();
    }
    step
}

fn dentry(table: &str, prefix: &str, dst: &str) -> Value {
    let place = json!({ "file": "routes.dtab", "line": 4, "column": 1 });
    json!({ "table": table, "index": 0, "of": 3, "prefix": prefix, "dst": dst, "place": place })
}

fn leaf(id: &str, addresses: &[&str]) -> Value {
    let addrs: Vec<_> = addresses
        .iter()
        .map(|ip| json!({ "ip": ip, "port": 8080, "meta": { "endpoint_addr_weight": 0.5 } }))
        .collect();
    json!({ "id": id, "residual": "/rest", "addr": { "type": "bound", "addrs": addrs, "meta": {} } })
}

fn answer() -> Value {
    json!({
        "router": "http",
        "path": "/svc/web",
        "override": "/svc/web=>/a | /b",
        "state": "bound",
        "summary": "bound, 90 % to /#/io.l5d.fs/web, 10 % to /#/io.l5d.fs/web-v2",
        "request": { "method": "GET", "url": "/", "headers": [], "name": "/svc/web", "identifier": "io.l5d.header.token" },
        "steps": [
            step(0, "/svc/web", "alt", 1.0, &json!({})),
            step(1, "/a", "neg", 0.0, &json!({ "dentry": dentry("override", "/svc/web", "/a | /b") })),
            step(1, "/b", "union", 1.0, &json!({ "dentry": dentry("override", "/svc/web", "/a | /b") })),
            step(2, "/#/io.l5d.fs/web", "leaf", 0.9, &json!({
                "weight": 0.9,
                "residual": "/web",
                "dentry": dentry("base", "/b", "0.9 * /x & 0.1 * /y"),
                "bound": leaf("/#/io.l5d.fs/web", &["127.0.0.1", "::1"]),
            })),
            step(2, "/#/io.l5d.fs/web-v2", "transformation", 0.1, &json!({
                "weight": 0.1, "bound": leaf("/#/io.l5d.fs/web-v2", &[]),
            })),
            step(3, "/$/port", "leaf", 0.1, &json!({ "bound": leaf("/$/port", &[]) })),
            step(1, "/c", "unreached", 0.0, &json!({})),
        ],
        "clients": { "/#/io.l5d.fs/web": { "state": "bound", "endpoints": [
            { "address": "127.0.0.1:8080", "weight": 0.5, "state": "open", "load": 3, "failures": 0, "peak_ewma_ms": 1.25 },
            { "address": "[::1]:8080", "weight": 0.5, "state": "dead", "load": 0, "failures": 5, "probe_in_ms": 5000, "success_rate": 0.75 },
        ] } },
    })
}

fn page(query: &[(&str, &str)]) -> Page {
    let owned = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Page {
        ask: Ask::read(&owned.collect::<Vec<_>>()),
        routers: vec!["http".to_owned(), "internal".to_owned()],
        ..Page::default()
    }
}

#[test]
fn where_nothing_is_asked_names_in_use_are_offered() {
    let page = Page { names: vec!["/svc/web".to_owned(), "/svc/a&b".to_owned()], ..page(&[]) };
    insta::assert_snapshot!(shown(&page.html()));
}

#[test]
fn an_answer_is_whole_without_scripts() {
    let without = json!({ "state": "neg", "summary": "/svc/web: nothing is there" });
    let page = Page {
        answer: Some(Ok(answer())),
        others: vec![("Without the override", without), ("With the router’s own table", answer())],
        ages: super::ages(
            &json!({ "/#/io.l5d.fs": [{ "name": "/#/io.l5d.fs/web", "age": 61.0 }], "hosts": 3 }),
        ),
        ..page(&[("router", "internal"), ("path", "/svc/web"), ("dtab", "/svc/web => /a | /b")])
    };
    insta::assert_snapshot!(shown(&page.html()));
}

#[test]
fn what_cannot_be_asked_is_said_with_its_columns() {
    let wrong = "error: `=` instead of `=>`\n  |\n1 | /a = /b\n  |    ^\n";
    let page = Page {
        answer: Some(Err(wrong.to_owned())),
        ..page(&[("path", "/a"), ("dtab", "/a = /b")])
    };
    let html = page.html();
    assert!(html.contains("<pre class=\"code\">error: `=` instead of `=&gt;`\n  |\n1 | /a = /b\n"));
}

#[test]
fn steps_that_are_none_leave_the_sentence() {
    for steps in [json!(null), json!([]), json!([{ "depth": 3 }]), json!("x")] {
        let mut answer = answer();
        answer["steps"] = steps;
        let page = Page { answer: Some(Ok(answer)), ..page(&[("path", "/svc/web")]) };
        let html = page.html();
        assert!(html.contains("verdict-sentence") && !html.contains("class=\"tree"));
    }
}

#[test]
fn a_request_without_a_name_says_so() {
    let mut answer = answer();
    answer["request"] = json!({ "error": "no Host header" });
    let page = Page { answer: Some(Ok(answer)), ..page(&[("url", "/")]) };
    assert!(page.html().contains("No identifier names this request: no Host header"));
}

#[test]
fn no_text_from_outside_becomes_markup() {
    const EVIL: &str = "</textarea><script>alert(1)</script><img src=x onerror='a'>\"\u{1b}[31m&";
    let query = ["router", "path", "method", "url", "header", "dtab", "base", "ask"];
    let mut answer = answer();
    for key in ["router", "path", "override", "state", "summary"] {
        answer[key] = json!(EVIL);
    }
    for key in ["name", "identifier"] {
        answer["request"][key] = json!(EVIL);
    }
    for at in 0..6 {
        answer["steps"][at]["reason"] = json!(EVIL);
    }
    for key in ["prefix", "dst"] {
        answer["steps"][3]["dentry"][key] = json!(EVIL);
    }
    answer["steps"][3]["dentry"]["place"]["file"] = json!(EVIL);
    answer["steps"][5]["bound"]["addr"] = json!({ "type": "failed", "cause": EVIL });
    answer["clients"]["/#/io.l5d.fs/web"]["endpoints"][0]["state"] = json!(EVIL);
    let page = |answer| Page {
        routers: vec![EVIL.to_owned()],
        names: vec![EVIL.to_owned()],
        others: vec![("Without the override", json!({ "summary": EVIL }))],
        answer,
        ..page(&query.map(|name| (name, EVIL)))
    };
    for answer in
        [None, Some(Ok(answer)), Some(Err(EVIL.to_owned())), Some(Err(format!("{EVIL}\n")))]
    {
        let html = page(answer).html();
        for markup in ["<script", "<img", "onerror='"] {
            assert!(!html.contains(markup), "{markup} in {html}");
        }
        assert_eq!(html.matches("<textarea").count(), html.matches("</textarea>").count());
    }
}
