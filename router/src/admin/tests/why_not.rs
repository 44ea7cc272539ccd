use super::*;

#[tokio::test]
async fn what_keeps_a_name_from_a_destination_is_told() {
    let admin = admin();
    let there = "path=/svc/web&destination=/%23/io.l5d.fs/web";
    let reached = admin.json(&format!("/why-not.json?{there}")).await;
    assert_eq!(reached["reaches"], true, "{reached:#}");
    let shadowed = format!("/why-not.json?{there}&dtab=/svc/web=%3E/$/inet/127.1/9");
    insta::assert_json_snapshot!(admin.json(&shadowed).await);
    // A request, by its identifier; and a table of its own, in a form.
    let request = "/why-not.json?url=http://web/&destination=127.0.0.1:8081";
    let request = admin.json(request).await;
    assert_eq!(request["reaches"], true, "{request:#}");
    assert_eq!(request["request"]["name"], "/svc/web");
    let form = format!("{there}&base=/svc=>!");
    let (status, answer) = admin.ask(Request::post("/why-not.json"), form).await;
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["base"], "/svc=>!");
    assert_eq!(answer["reasons"][1]["kind"], "refused", "{answer:#}");
    assert_eq!(answer["would"][0]["dtab"], "/svc/web => /#/io.l5d.fs/web");
}

#[tokio::test]
async fn overrides_that_would_lead_there_do() {
    let admin = admin();
    let there = "path=/svc/wbe&destination=/%23/io.l5d.fs/web";
    let answer = admin.json(&format!("/why-not.json?{there}")).await;
    let would = answer["would"].as_array().unwrap();
    assert!(!would.is_empty(), "{answer:#}");
    for would in would {
        let dtab = would["dtab"].as_str().unwrap();
        let form = format!("{there}&dtab={dtab}");
        let (_, answer) = admin.ask(Request::post("/why-not.json"), form).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["reaches"], true, "{answer:#}");
    }
}

#[tokio::test]
async fn unclear_questions_are_refused_in_words() {
    let admin = admin();
    for (query, status, why) in [
        ("path=/svc/web", 400, "Invalid destination: none is given"),
        ("path=/svc/web&destination=/svc", 400, "Invalid destination: /svc is not a bound name"),
        ("path=svc&destination=1.2.3.4:5", 400, "Invalid path"),
        ("destination=1.2.3.4:5", 400, "Invalid path"),
        ("path=/a&destination=1.2.3.4:5&router=x", 404, "Unknown router"),
        ("path=/a&destination=1.2.3.4:5&base=nonsense", 400, "error"),
    ] {
        let (got, text) = admin.get(&format!("/why-not.json?{query}")).await;
        assert!(got == status && text.contains(why), "{query}: {got} {text}");
    }
}

/// A table that fans out without end, and names that stay pending, are given up.
#[tokio::test(start_paused = true)]
async fn hostile_tables_are_answered() {
    let admin = admin();
    for base in ["/x => /x/a | /x/b", "/x => /#/io.l5d.fs/wait", "/ => /x & /x"] {
        let form = format!("path=/x&destination=/%23/io.l5d.fs/web&base={base}")
            .replace(" & ", "%20%26%20");
        let (status, answer) = admin.ask(Request::post("/why-not.json"), form).await;
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["reaches"], false, "{answer:#}");
    }
}
