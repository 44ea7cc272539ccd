use router::http::headers::signature::{Signature, SigningKey};

use crate::assert_run;
use crate::shell::Shell;

const SECRET: &str = "a secret of a good length";
const OVERRIDE: &str = "/svc/web => 0.9 * /svc/web-v1 & 0.1 * /svc/web-v2";
const SHOWN: &str = "/svc/web=>0.90*/svc/web-v1 & 0.10*/svc/web-v2";

fn shell() -> Shell {
    Shell::with(&[("secret", &format!("{SECRET}\n")), ("short", "short\n")])
}

/// Whether a signature is that of [`OVERRIDE`], and holds for about this many seconds.
fn assert_signed(signature: &str, seconds: u64) {
    let signature: Signature = signature.parse().expect("a signature");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs();
    let key = SigningKey::new(SECRET.as_bytes()).expect("it is long enough");
    assert_eq!(key.verify(&signature, SHOWN, now), Ok(()));
    assert!((now + seconds - 60..=now + seconds).contains(&signature.expires), "{signature}");
}

#[test]
fn the_headers_are_printed_as_a_request_has_them() {
    let ran = shell().run(&["sign-override", "--key", "secret", OVERRIDE]);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines[0], format!("l5d-dtab: {SHOWN}"));
    assert_signed(lines[1].strip_prefix("l5d-dtab-signature: ").expect("a header"), 900);
    assert_eq!(lines.len(), 2);
}

#[test]
fn they_can_be_had_for_curl_and_as_json() {
    let shell = shell().stdin(OVERRIDE);
    let args = ["sign-override", "--key", "secret", "--expires", "2h", "--format"];
    let curl = shell.run(&[&args[..], &["curl", "-"]].concat()).stdout;
    let begin = format!("-H 'l5d-dtab: {SHOWN}' -H 'l5d-dtab-signature: ");
    let rest = curl.strip_prefix(&begin).and_then(|rest| rest.strip_suffix("'\n"));
    assert_signed(rest.unwrap_or_else(|| panic!("{curl}")), 7_200);
    let json = shell.run(&[&args[..], &["json", "-"]].concat()).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(json["headers"]["l5d-dtab"], SHOWN);
    assert_signed(json["headers"]["l5d-dtab-signature"].as_str().expect("a text"), 7_200);
    assert!(json["expires"].is_u64(), "{json}");
}

#[test]
fn what_cannot_be_signed_is_said() {
    assert_run!(shell(), &["sign-override", "--key", "secret", "/svc/web = /svc/web-v2"]);
    assert_run!(shell(), &["sign-override", "--key", "short", OVERRIDE]);
    assert_run!(shell(), &["sign-override", "--key", "none", OVERRIDE]);
    assert_run!(shell(), &["sign-override", "--key", "secret", "# nothing"]);
    let wrong = ["sign-override", "--key", "secret", "--expires", "soon", OVERRIDE];
    assert_run!(shell(), &wrong);
}
