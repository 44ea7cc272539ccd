//! The latest requests, as they are asked for.

use std::time::Duration;

use super::*;
use crate::interpreter::Interpreter;
use crate::telemetry::recent_requests::{Ended, Sampling};

/// Records a request for `/svc/web`, as a worker of this router would.
async fn record(interpreter: &Arc<Interpreter>, sampling: &Sampling, status: u16) {
    let path: Path = "/svc/web".parse().unwrap();
    let mut handle = interpreter.bind(&Dtab::empty(), &path);
    let binding = handle.settled(Duration::from_secs(5)).await;
    let client: Path = "/#/io.l5d.fs/web".parse().unwrap();
    sampling.local("http").record(&Ended {
        caller: "10.1.2.3:40000".parse().unwrap(),
        server: "127.0.0.1:4140".parse().unwrap(),
        service: Some(&path),
        client: Some(&client),
        endpoint: "127.0.0.1:8081".parse().ok(),
        method: &http::Method::GET,
        uri: &"/x?y=1".parse().unwrap(),
        status: StatusCode::from_u16(status).unwrap(),
        took: Duration::from_micros(1500),
        retries: 1,
        overrides: Some("/svc => /#/io.l5d.fs".to_owned()),
        error: (status >= 500).then_some("nobody is there"),
        trace: None,
        failed: status >= 500,
        binding: Some(&binding),
    });
}

#[tokio::test]
async fn requests_are_listed_shown_with_their_delegation_and_told() {
    let admin = admin();
    let context = admin.context.load_full();
    let sampling = Sampling::new(context.requests.recent.clone(), None);
    let interpreter = context.routers[0].interpreter.clone();
    assert_eq!(admin.json("/requests.json").await, json!([]));
    record(&interpreter, &sampling, 200).await;
    let request = Request::get("/requests/events").header("host", "localhost").body(Body::empty());
    let mut stream = admin.app.clone().oneshot(request.unwrap()).await.unwrap().into_body();
    record(&interpreter, &sampling, 502).await;

    let all = admin.json("/requests.json").await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    let failed = admin.json("/requests.json?failed=true&router=http&limit=5").await;
    assert_eq!(failed, json!([all[0]]));
    assert_eq!(failed[0]["status"], 502);
    assert_eq!(admin.json("/requests.json?router=other").await, json!([]));
    assert_eq!(admin.json("/requests.json?limit=1").await, failed);
    assert_eq!(admin.get("/requests.json?limit=x").await.0, 400);

    context.requests.tell();
    let told = frame(&mut stream).await;
    assert_eq!(told, format!("event: requests\ndata: {failed}\n\n"));

    let id = failed[0]["id"].as_str().unwrap();
    let mut one = admin.json(&format!("/requests/{id}.json")).await;
    (one["id"], one["time"]) = (json!("id"), json!("time"));
    insta::assert_json_snapshot!("request", one);
    assert_eq!(admin.get("/requests/0.json").await.0, 404);
}
