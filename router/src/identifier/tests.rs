use super::*;

fn parts(target: &str, headers: &[(&'static str, &'static str)]) -> Parts {
    let mut request = http::Request::get(target);
    for &(name, value) in headers {
        request = request.header(name, value);
    }
    request.body(()).unwrap().into_parts().0
}

fn identify(
    identifier: &dyn Identifier,
    target: &str,
    headers: &[(&'static str, &'static str)],
) -> Result<String, IdentifyError> {
    let parts = parts(target, headers);
    identifier.identify(&RequestHead::from(&parts)).map(|found| found.name.to_string())
}

/// The same by several.
fn identify_by(
    chain: &IdentifierChain,
    target: &str,
    headers: &[(&'static str, &'static str)],
) -> Result<(String, &'static str), IdentifyError> {
    let parts = parts(target, headers);
    let found = chain.identify_by(&RequestHead::from(&parts))?;
    Ok((found.0.name.to_string(), found.1.kind()))
}

fn prefix() -> Path {
    Path::parse("/svc").unwrap()
}

#[test]
fn a_chain_reports_the_last_reason() {
    let chain = IdentifierChain::new(vec![
        Box::new(HeaderIdentifier::new(prefix(), "l5d-name").unwrap()),
        Box::new(PathIdentifier::new(prefix(), 1)),
    ]);
    let found = identify_by(&chain, "/a", &[]).unwrap();
    assert_eq!(found, ("/svc/a".to_owned(), "io.l5d.path"));
    let error = identify_by(&chain, "/", &[]).unwrap_err();
    assert_eq!(error.to_string(), "not enough segments in path");
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
}

#[test]
fn an_error_ends_a_chain() {
    let chain = IdentifierChain::new(vec![
        Box::new(HeaderIdentifier::new(prefix(), "l5d-name").unwrap()),
        Box::new(StaticIdentifier::new(&prefix(), &prefix())),
    ]);
    let error = identify_by(&chain, "/", &[("l5d-name", "web")]).unwrap_err();
    assert_eq!(error.to_string(), "'/' expected but 'w' found at '[w]eb'");
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
}

#[test]
fn an_empty_chain_identifies_nothing() {
    let error = identify_by(&IdentifierChain::new(Vec::new()), "/", &[]).unwrap_err();
    assert_eq!(error.to_string(), "empty identifier list");
}

#[test]
fn a_target_that_is_no_name_is_a_bad_gateway() {
    let identifier = MethodAndHostIdentifier::new(prefix()).uri_in_name(true);
    let error = identify(&identifier, "/a/", &[("host", "h")]).unwrap_err();
    assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(identify(&identifier, "/a?b", &[("host", "H")]).unwrap(), "/svc/1.1/GET/h/a");
}

#[test]
fn consuming_keeps_the_trailing_slash_and_the_query() {
    let identifier = PathIdentifier::new(prefix(), 2).consume(true);
    for (target, rest) in
        [("/a/b/c/?q=1", "/c/?q=1"), ("/a/b", "/"), ("/a/b//", "/"), ("/a/b/c//?/", "/c/?/")]
    {
        let parts = parts(target, &[]);
        let found = identifier.identify(&RequestHead::from(&parts)).unwrap();
        assert_eq!(found.target.as_deref(), Some(rest), "{target}");
        assert_eq!(found.name.to_string(), "/svc/a/b");
    }
}

#[test]
fn a_host_beyond_ascii_is_lowered_as_text() {
    let identifier = MethodAndHostIdentifier::new(prefix());
    let mut parts = parts("/", &[]);
    parts.headers.insert("host", "CAFÉ".as_bytes().try_into().unwrap());
    let found = identifier.identify(&RequestHead::from(&parts)).unwrap();
    assert_eq!(found.name.iter().last(), Some("café".as_bytes()));
}

proptest::proptest! {
    /// Whatever stands in a target, taking segments answers; and what is taken and what is left are
    /// together all segments.
    #[test]
    fn taken_and_left_segments_are_all_segments(
        segments in proptest::collection::vec("[a-z0-9.%~]{1,4}", 0..6),
        take in 0_usize..6,
        slash in proptest::bool::ANY,
        query in "(\\?[a-z/?=]{0,5})?",
    ) {
        let path: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
        let end = if slash || path.is_empty() { "/" } else { "" };
        let target = format!("{path}{end}{query}");
        let request = RequestHead {
            method: &Method::GET,
            target: &target,
            version: Version::HTTP_11,
            headers: &HeaderMap::new(),
            authority: None,
            scheme: None,
        };
        let identifier = PathIdentifier::new(Path::root(), take).consume(true);
        match identifier.identify(&request) {
            Err(error) => {
                proptest::prop_assert!(segments.len() < take);
                proptest::prop_assert_eq!(error.to_string(), "not enough segments in path");
            }
            Ok(found) => {
                let expected = Path::from_segments(&segments[..take]);
                proptest::prop_assert_eq!(found.name, expected);
                let left: String =
                    segments[take..].iter().flat_map(|segment| ["/", segment]).collect();
                let end = if slash || left.is_empty() { "/" } else { "" };
                let rest = found.target.unwrap_or_else(|| target.clone());
                proptest::prop_assert_eq!(rest, format!("{left}{end}{query}"));
            }
        }
    }

    #[test]
    fn no_target_and_no_header_panics(
        target in "[/a?#%:*é ]{0,12}",
        value in proptest::collection::vec(0x20_u8..0x7f, 0..12),
        segments in 0_usize..4,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("host", http::HeaderValue::from_bytes(&value).unwrap());
        let request = RequestHead {
            method: &Method::GET,
            target: &target,
            version: Version::HTTP_11,
            headers: &headers,
            authority: None,
            scheme: None,
        };
        let identifiers: [&dyn Identifier; 4] = [
            &PathIdentifier::new(prefix(), segments).consume(true),
            &MethodAndHostIdentifier::new(prefix()).uri_in_name(true),
            &HeaderIdentifier::new(prefix(), "host").unwrap(),
            &HeaderTokenIdentifier::new(prefix(), "host").unwrap(),
        ];
        for identifier in identifiers {
            if let Ok(found) = identifier.identify(&request) {
                proptest::prop_assert!(found.name.starts_with(&prefix()));
            }
        }
        let _ = crate::http::proxy_uri::direct(&target);
    }
}
