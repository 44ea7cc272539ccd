//! `fingerpost lsp` as an editor uses it: the built binary over standard input and output.

mod client;

use client::Editor;
use serde_json::{Value, json};

const DTAB: &str = "file:///srv/routes.dtab";
const YAML: &str = "file:///srv/linkerd.yaml";

/// The changes of a `WorkspaceEdit` of one document.
fn changes(edit: &Value, uri: &str) -> Vec<Value> {
    let changes = edit["changes"].as_object().expect("changes");
    assert_eq!(changes.keys().collect::<Vec<_>>(), [uri]);
    changes[uri].as_array().expect("a list").clone()
}

fn actions(editor: &mut Editor, uri: &str, range: &Value, only: Option<&str>) -> Vec<Value> {
    let context = json!({ "diagnostics": [], "only": only.map(|only| [only]) });
    let params = json!({ "textDocument": { "uri": uri }, "range": range, "context": context });
    editor.ask("textDocument/codeAction", &params).as_array().expect("a list").clone()
}

fn codes(found: &[Value]) -> Vec<&str> {
    found.iter().map(|finding| finding["code"].as_str().expect("a code")).collect()
}

fn labels(completion: &Value) -> Vec<&str> {
    let items = completion["items"].as_array().expect("items");
    items.iter().map(|item| item["label"].as_str().expect("a label")).collect()
}

#[test]
fn a_table_is_mended_looked_into_renamed_and_laid_out() {
    let mut editor = Editor::with(&[], &Value::Null);
    let found = editor.open(
        DTAB,
        "dtab",
        "\
# who serves what
/v    => /$/inet/127.1 ;
/host = /v/8081 ;
/svc  => 9 * /host & /host/canary | ! ;
",
    );
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(finding["code"], "single-equals");
    assert_eq!((&finding["severity"], &finding["source"]), (&1.into(), &"fingerpost".into()));
    assert_eq!(finding["message"], "`=` instead of `=>`\nthe arrow is `=>`\nwrite `=>`");
    assert_eq!(finding["range"]["start"], json!({ "line": 2, "character": 6 }));
    assert_eq!(editor.slice(DTAB, &finding["range"]), "=");

    let fixes = actions(&mut editor, DTAB, &finding["range"], Some("quickfix"));
    let [fix] = fixes.as_slice() else { panic!("{fixes:?}") };
    assert_eq!((&fix["title"], &fix["isPreferred"]), (&"Replace `=` by `=>`".into(), &true.into()));
    assert_eq!(fix["diagnostics"][0]["code"], "single-equals");
    // Once it can be read, there is something to be said about what it means.
    let left = editor.edit(DTAB, &changes(&fix["edit"], DTAB));
    assert_eq!((codes(&left), &left[0]["severity"]), (vec!["unused-fallback"], &2.into()));
    assert!(editor.text(DTAB).contains("/host => /v/8081 ;"), "{}", editor.text(DTAB));

    insta::assert_snapshot!("hover_path", editor.hover(DTAB, "/host/canary", 2));
    assert_eq!(editor.hover(DTAB, "=> 9", 0), editor.hover(DTAB, "/svc", 0), "the entry");
    assert!(editor.hover(DTAB, "| !", 2).contains("the name is refused"));
    assert!(editor.hover(DTAB, "9 *", 0).contains("weight"));
    let nothing = editor.at(DTAB, "who", 0);
    assert_eq!(editor.ask("textDocument/hover", &nothing), Value::Null);

    let params = editor.at(DTAB, "/host/canary", 2);
    let definition = editor.ask("textDocument/definition", &params);
    assert_eq!(editor.places(&definition), ["3: /host"]);
    let references = editor.ask("textDocument/references", &{
        let mut params = editor.at(DTAB, "/host", 1);
        params["context"] = json!({ "includeDeclaration": true });
        params
    });
    assert_eq!(editor.places(&references), ["3: /host", "4: /host", "4: /host"]);

    let mut params = editor.at(DTAB, "/host/canary", 1);
    let prepared = editor.ask("textDocument/prepareRename", &params);
    assert_eq!(prepared["placeholder"], "/host");
    params["newName"] = "/srv/web".into();
    let renamed = editor.ask("textDocument/rename", &params);
    assert_eq!(codes(&editor.edit(DTAB, &changes(&renamed, DTAB))), ["unused-fallback"]);
    assert!(
        editor.text(DTAB).contains("/svc  => 9 * /srv/web & /srv/web/canary | ! ;"),
        "{}",
        editor.text(DTAB)
    );
    let mut params = editor.at(DTAB, "/srv/web", 1);
    params["newName"] = "srv".into();
    let (code, why) = editor.ask_in_vain("textDocument/rename", &params);
    assert_eq!((code, why.starts_with("\"srv\" is no path: ")), (-32602, true), "{why}");

    let line = json!({ "line": 4, "character": 0 });
    let typed = json!({ "range": { "start": line, "end": line }, "newText": "/api => /srv/" });
    let found = editor.edit(DTAB, &[typed]);
    assert_eq!(found[0]["code"], "trailing-slash");
    let params = editor.at(DTAB, "=> /srv/", 8);
    assert_eq!(labels(&editor.ask("textDocument/completion", &params)), ["web"]);
    let end = params["position"].clone();
    let typed = json!({ "range": { "start": end, "end": end }, "newText": "web ;" });
    assert_eq!(codes(&editor.edit(DTAB, &[typed])), ["unused-fallback"]);

    let options = json!({ "tabSize": 4, "insertSpaces": true });
    let params = json!({ "textDocument": { "uri": DTAB }, "options": options });
    let edits = editor.ask("textDocument/formatting", &params);
    let found = editor.edit(DTAB, edits.as_array().expect("a list"));
    assert_eq!(codes(&found), ["unused-fallback"]);
    insta::assert_snapshot!("formatted", editor.text(DTAB));
    assert_eq!(editor.ask("textDocument/formatting", &params), Value::Null, "nothing to change");

    let symbols =
        editor.ask("textDocument/documentSymbol", &json!({ "textDocument": { "uri": DTAB } }));
    let outline: Vec<_> = symbols
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| format!("{} {}", it["name"], it["detail"]).replace('"', ""))
        .collect();
    assert_eq!(outline[2], "/svc => 9.00*/srv/web & /srv/web/canary | !");

    editor.close(DTAB);
    assert_eq!(editor.found(DTAB), [Value::Null; 0], "what is closed has no findings");
    let (code, why) = editor.ask_in_vain("textDocument/hover", &params_of_closed());
    assert_eq!((code, why.as_str()), (-32602, "file:///srv/routes.dtab is not open"));
    assert_eq!(editor.shut_down(), Some(0));
}

fn params_of_closed() -> Value {
    json!({ "textDocument": { "uri": DTAB }, "position": { "line": 0, "character": 0 } })
}

#[test]
fn all_that_can_be_mended_is_mended_at_once() {
    let mut editor = Editor::with(&[], &Value::Null);
    let found = editor.open(DTAB, "dtab", "/a = /b/ ;\n/c -> d ;;\n/e => (/f ;\n/g => /h i ;\n");
    assert!(found.len() > 4, "{found:?}");
    let nowhere =
        json!({ "start": { "line": 9, "character": 0 }, "end": { "line": 9, "character": 0 } });
    let all = actions(&mut editor, DTAB, &nowhere, Some("source.fixAll"));
    let [all] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(all["kind"], "source.fixAll");
    let left = editor.edit(DTAB, &changes(&all["edit"], DTAB));
    assert!(editor.text(DTAB).starts_with("/a => /b ;\n/c => /d ;\n/e => (/f ;\n"));
    assert_eq!(codes(&left), ["unclosed-parenthesis", "space-in-path"]);
}

#[test]
fn while_a_table_is_broken_the_last_right_one_is_shown() {
    let mut editor = Editor::with(&[], &Value::Null);
    editor.open(DTAB, "dtab", "/host => /$/inet/127.1/80 ;\n/svc => /host ;\n");
    let found = editor.replace(DTAB, "/host => ;\n/svc => /host ;\n");
    assert_eq!(found[0]["code"], "missing-destination");
    insta::assert_snapshot!("hover_stale", editor.hover(DTAB, "/svc", 1));
}

#[test]
fn a_prefix_leads_to_the_entries_that_take_the_same_names() {
    let mut editor = Editor::with(&[], &Value::Null);
    let text = "/svc => /a ;\n/svc/web => /svc/api/x ;\n/*/api => /b ;\n/host => /none | /svc ;\n";
    editor.open(DTAB, "dtab", text);
    let mut definition = |word, into| {
        let params = editor.at(DTAB, word, into);
        let found = editor.ask("textDocument/definition", &params);
        editor.places(&found)
    };
    assert_eq!(definition("/svc", 1), ["1: /svc", "3: /*/api", "2: /svc/web"]);
    assert_eq!(definition("/svc/web", 1), ["2: /svc/web", "1: /svc"]);
    assert_eq!(definition("/svc/api", 1), ["3: /*/api", "1: /svc"], "last first");
    assert_eq!(definition("/none", 1), ["3: /*/api"], "for /none/api");
    assert_eq!(definition("/svc ;\n", 1), ["1: /svc"]);
}

const CONFIG: &str = "\
# née linkerd 🦀
namers: []
routers:
- protocol: http
  label: web
  dtab: |
    # 🦀 is no path
    /host => /$/inet/127.1/8080 ;
    /svc = /host ;
  servers:
  - port: 4140
";

#[test]
fn a_configuration_is_checked_and_its_tables_are_looked_into() {
    let mut editor = Editor::with(&[], &Value::Null);
    let found = editor.open(YAML, "yaml", CONFIG);
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(finding["code"], "single-equals");
    assert!(
        finding["message"].as_str().expect("words").starts_with("routers[0].dtab: `=` instead"),
        "{finding}"
    );
    assert_eq!(finding["range"]["start"], json!({ "line": 8, "character": 9 }));
    let fixes = actions(&mut editor, YAML, &finding["range"], Some("quickfix"));
    assert_eq!(editor.edit(YAML, &changes(&fixes[0]["edit"], YAML)), [Value::Null; 0]);

    insta::assert_snapshot!("hover_yaml", editor.hover(YAML, "/svc =>", 1));
    let params = editor.at(YAML, "/host ;", 1);
    let definition = editor.ask("textDocument/definition", &params);
    assert_eq!(editor.places(&definition), ["8: /host"]);
    let mut params = editor.at(YAML, "/host", 1);
    params["newName"] = "/srv".into();
    let renamed = editor.ask("textDocument/rename", &params);
    assert_eq!(editor.edit(YAML, &changes(&renamed, YAML)), [Value::Null; 0]);
    assert!(editor.text(YAML).contains("/svc => /srv ;"), "{}", editor.text(YAML));
    let params = json!({ "textDocument": { "uri": YAML }, "options": {} });
    let (code, _) = editor.ask_in_vain("textDocument/formatting", &params);
    assert_eq!(code, -32602, "options need the size of a tab");
    let options = json!({ "tabSize": 2, "insertSpaces": true });
    let params = json!({ "textDocument": { "uri": YAML }, "options": options });
    assert_eq!(editor.ask("textDocument/formatting", &params), Value::Null, "YAML stays as it is");

    // A mistake elsewhere says nothing of the tables.
    let end = json!({ "line": 3, "character": 0 });
    let key =
        json!({ "range": { "start": end, "end": end }, "newText": "- labl: x\n  protocol: h2\n" });
    let found = editor.edit(YAML, &[key]);
    assert!(found.iter().any(|finding| finding["code"] == "unknown-key"), "{found:?}");
    assert!(editor.hover(YAML, "/svc =>", 1).contains("127.0.0.1:8080"));
    let other = editor.open("file:///srv/compose.yaml", "yaml", "services: {web: {}}\n");
    assert_eq!(other, [Value::Null; 0], "what is no configuration is left alone");
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn columns_are_what_was_agreed_upon() {
    let text = "/a => /b ; /é => /b ; # 🦀\n";
    let mut editor = Editor::with(&[], &Value::Null);
    assert_eq!(editor.capabilities["positionEncoding"], "utf-16");
    let found = editor.open(DTAB, "dtab", text);
    assert_eq!(found[0]["range"]["start"]["character"], 12);
    let behind = editor.open("untitled:Untitled-1", "dtab", "# 🦀é\n/a = /b # 🦀");
    assert_eq!(behind[0]["range"]["start"], json!({ "line": 1, "character": 3 }));
    // Behind the crab, which is two units.
    let end = json!({ "line": 0, "character": 5 });
    let typed = json!({ "range": { "start": end, "end": end }, "newText": "\n/x = /y ;" });
    let found = editor.edit("untitled:Untitled-1", &[typed]);
    let lines: Vec<_> = found.iter().map(|it| &it["range"]["start"]["line"]).collect();
    assert_eq!(lines, [1, 2]);

    let mut editor = Editor::start(&[]);
    editor.initialize(&json!({
        "processId": null,
        "capabilities": { "general": { "positionEncodings": ["utf-16", "utf-8"] } },
    }));
    assert_eq!(editor.capabilities["positionEncoding"], "utf-8");
    let found = editor.open(DTAB, "dtab", "/é/a = /b");
    let arrow = found.iter().find(|it| it["code"] == "single-equals").expect("it is found");
    assert_eq!(arrow["range"]["start"]["character"], 6, "é is two bytes");
}

#[test]
fn with_discovery_names_end_at_addresses() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("disco")).expect("a directory");
    std::fs::write(dir.path().join("disco/web"), "127.0.0.1 8081\n").expect("a file");
    let disco = dir.path().join("disco").display().to_string();
    let text = "/svc => /#/io.l5d.fs ;\n/api => /svc/web ;\n";

    let mut editor = Editor::with(&["--disco", &disco], &Value::Null);
    editor.open(DTAB, "dtab", text);
    insta::assert_snapshot!("hover_discovery", editor.hover(DTAB, "/svc/web", 1));
    let typed = "/svc => /#/io.l5d.fs/ ;\n";
    editor.replace(DTAB, typed);
    let params = editor.at(DTAB, "fs/ ", 3);
    assert_eq!(labels(&editor.ask("textDocument/completion", &params)), ["web"]);
    assert_eq!(editor.shut_down(), Some(0));

    let mut alone = Editor::with(&["--stdio"], &Value::Null);
    alone.open(DTAB, "dtab", text);
    insta::assert_snapshot!("hover_table_alone", alone.hover(DTAB, "/svc/web", 1));
    assert_eq!(alone.shut_down(), Some(0));
}

#[test]
fn names_end_where_they_ended_when_it_was_recorded() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("world.json");
    let recorded = json!({
        "version": 1,
        "taken": "2026-01-01T00:00:00Z",
        "source": "routes.dtab",
        "router": "",
        "dtab": [],
        "transformers": [],
        "namers": [{
            "prefix": "/#/io.l5d.fs",
            "transformers": [],
            "names": { "/#/io.l5d.fs/web": [{ "ip": "127.0.0.1", "port": 8081 }] },
        }],
        "hosts": {},
        "left_out": [],
    });
    std::fs::write(&file, recorded.to_string()).expect("a file");
    let mut editor = Editor::with(&["--snapshot", &file.display().to_string()], &Value::Null);
    editor.open(DTAB, "dtab", "/svc => /#/io.l5d.fs ;\n/api => /svc/web ;\n");
    assert!(editor.hover(DTAB, "/svc/web", 1).contains("127.0.0.1:8081"));
    let mut editor = Editor::with(&[], &json!({ "snapshot": file, "disco": "disco" }));
    let wrong = "initializationOptions: config, disco or snapshot, just one";
    assert_eq!(editor.shown(), wrong);
}

#[test]
fn a_configuration_brings_its_table_and_is_read_again_when_it_is_saved() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("linkerd.yaml");
    std::fs::write(&file, CONFIG).expect("a file");
    let options = json!({ "config": file });
    let mut editor = Editor::with(&[], &options);
    let shown = editor.shown();
    assert!(shown.contains("`=` instead of `=>`") && !shown.contains('\x1b'), "{shown}");

    let uri = format!("file://{}", file.display());
    editor.open(&uri, "yaml", CONFIG);
    editor.open(DTAB, "dtab", "/api => /svc ;\n");
    assert!(editor.hover(DTAB, "/api", 1).contains("no dentry matches /svc"));
    let mended = CONFIG.replace("/svc =", "/svc =>");
    std::fs::write(&file, &mended).expect("a file");
    editor.replace(&uri, &mended);
    editor.tell("textDocument/didSave", &json!({ "textDocument": { "uri": uri } }));
    assert!(editor.hover(DTAB, "/api", 1).contains("127.0.0.1:8080"));

    let mut editor = Editor::with(&["--disco", "/none/at/all"], &Value::Null);
    assert_eq!(editor.shown(), "--disco /none/at/all: not a directory");
    let mut editor = Editor::with(&[], &json!({ "config": 7 }));
    assert_eq!(editor.shown(), "initializationOptions.config: 7 is no text");
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn nothing_that_is_sent_ends_the_session() {
    let mut editor = Editor::start(&[]);
    let (code, _) = editor.ask_in_vain("textDocument/hover", &json!({}));
    assert_eq!(code, -32002, "before `initialize`");
    editor.initialize(&json!({ "capabilities": {} }));
    let (code, _) = editor.ask_in_vain("initialize", &json!({ "capabilities": {} }));
    assert_eq!(code, -32600, "a second time");

    editor.send_raw(b"Content-Length: 5\r\n\r\n{oops");
    assert_eq!(editor.answer(&Value::Null)["error"]["code"], -32700);
    editor.send_raw(b"X: y\r\n\r\nContent-Length: 14\r\n\r\n[\"not\",\"a\",7]");
    assert_eq!(editor.answer(&Value::Null)["error"]["code"], -32700, "no length");
    editor.send_raw(b" ");
    assert_eq!(editor.answer(&Value::Null)["error"]["code"], -32600, "a list");
    editor.send_raw(b"Content-Length: 19\r\n\r\n{\"id\":99,\"method\":}");
    assert_eq!(editor.answer(&Value::Null)["error"]["code"], -32700);
    editor.send_raw(b"Content-Length: 20\r\n\r\n{\"id\":99,\"method\":8}");
    assert_eq!(editor.answer(&99.into())["error"]["code"], -32600);

    assert_eq!(editor.ask_in_vain("dtab/everything", &json!({})).0, -32601);
    assert_eq!(editor.ask_in_vain("textDocument/hover", &json!([1, 2])).0, -32602);
    assert_eq!(editor.ask_in_vain("textDocument/hover", &Value::Null).0, -32602);
    editor.tell("textDocument/didOpen", &json!({ "textDocument": 7 }));
    editor.tell("textDocument/didClose", &json!({ "textDocument": { "uri": "not open" } }));
    editor.tell("$/cancelRequest", &json!({ "id": 12345 }));
    editor.tell("$/whatever", &json!(null));

    editor.open("untitled:x", "dtab", "/a => /b ;");
    let far = json!({ "line": 4_294_967_295_u32, "character": 4_294_967_295_u32 });
    let backwards = json!({ "start": far, "end": { "line": 0, "character": 0 } });
    let version = json!({ "uri": "untitled:x", "version": 2 });
    let change = json!([{ "range": backwards, "text": " # é" }]);
    let params = json!({ "textDocument": version, "contentChanges": change });
    editor.tell("textDocument/didChange", &params);
    for method in ["hover", "definition", "references", "completion", "prepareRename", "rename"] {
        let params = json!({
            "textDocument": { "uri": "untitled:x" },
            "position": far,
            "context": { "includeDeclaration": true, "triggerKind": 1 },
            "newName": "/x",
        });
        let id = editor.request(&format!("textDocument/{method}"), &params);
        editor.answer(&id.into());
    }
    assert_eq!(editor.shut_down(), Some(0));
}

#[test]
fn who_leaves_without_a_word_gets_status_1() {
    assert_eq!(Editor::with(&[], &Value::Null).hang_up(), Some(1));
    let mut editor = Editor::with(&[], &Value::Null);
    editor.tell("exit", &Value::Null);
    assert_eq!(editor.status(), Some(1));
    let mut editor = Editor::with(&[], &Value::Null);
    editor.ask("shutdown", &Value::Null);
    assert_eq!(editor.ask_in_vain("textDocument/hover", &json!({})).0, -32600);
    assert_eq!(editor.hang_up(), Some(0));
}
