//! Cipher suites and protocol versions, by the names of a configuration.

use rustls::crypto::aws_lc_rs::cipher_suite as suite;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};

use super::Fault;

/// Every suite there is, by its name in OpenSSL and in the registry of IANA.
static SUITES: [(&str, &str, SupportedCipherSuite); 9] = [
    ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", suite::TLS13_AES_128_GCM_SHA256),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        suite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// The suites of these names, in this order. A list may also be one string with colons, as OpenSSL
/// writes it.
pub(super) fn suites(names: &[String]) -> Result<Vec<SupportedCipherSuite>, Fault> {
    let names = names.iter().flat_map(|name| name.split(':'));
    let mut suites = Vec::new();
    for name in names {
        let known = SUITES.iter().find(|(openssl, iana, _)| name == *openssl || name == *iana);
        let Some((_, _, suite)) = known else {
            let known: Vec<_> = SUITES.iter().map(|(openssl, _, _)| *openssl).collect();
            return Err(Fault::new(
                format!("`{name}` in `ciphers` is no cipher suite that is safe and known"),
                format!("known are {}", known.join(", ")),
            ));
        };
        suites.push(*suite);
    }
    if suites.is_empty() {
        return Err(Fault::new("`ciphers` is empty", "remove it to allow all that are safe"));
    }
    Ok(suites)
}

static BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];

/// The versions of these names; 1.2 and 1.3 if none are given.
pub(super) fn versions(
    names: Option<&[String]>,
) -> Result<Vec<&'static SupportedProtocolVersion>, Fault> {
    let Some(names) = names else { return Ok(BOTH.to_vec()) };
    let version = |name: &String| match name.as_str() {
        "TLSv1.3" => Ok(&version::TLS13),
        "TLSv1.2" => Ok(&version::TLS12),
        "TLSv1.1" | "TLSv1" | "TLSv1.0" | "SSLv3" | "SSLv2" | "SSLv2Hello" => Err(Fault::new(
            format!("`{name}` in `protocols` is not spoken: it is broken (RFC 8996, RFC 7568)"),
            "use TLSv1.2 or TLSv1.3",
        )),
        _ => Err(Fault::new(
            format!("`{name}` in `protocols` is no version of TLS"),
            "use TLSv1.2 or TLSv1.3",
        )),
    };
    let versions = names.iter().map(version).collect::<Result<Vec<_>, _>>()?;
    if versions.is_empty() {
        return Err(Fault::new("`protocols` is empty", "remove it to allow TLSv1.2 and TLSv1.3"));
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Result<Vec<SupportedCipherSuite>, String> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        suites(&names).map_err(|fault| fault.to_string())
    }

    #[test]
    fn every_suite_of_the_provider_has_a_name() {
        for known in &crate::tls::provider().cipher_suites {
            assert!(SUITES.iter().any(|(_, _, suite)| suite == known), "{known:?}");
        }
    }

    #[test]
    fn suites_are_named_as_openssl_or_iana_does() {
        let one = [suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
        assert_eq!(named(&["ECDHE-RSA-AES128-GCM-SHA256"]).unwrap(), one);
        assert_eq!(named(&["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]).unwrap(), one);
        let two = named(&["TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-GCM-SHA256"]).unwrap();
        assert_eq!(two, [suite::TLS13_AES_128_GCM_SHA256, one[0]]);
    }

    #[test]
    fn unsafe_and_unknown_suites_are_refused_with_those_that_are_known() {
        insta::assert_snapshot!(named(&["AES128-SHA"]).unwrap_err());
    }

    #[test]
    fn old_versions_are_refused_with_the_reason() {
        let versions = |name: &str| versions(Some(&[name.to_owned()]));
        assert_eq!(versions("TLSv1.2").unwrap(), [&version::TLS12]);
        let refused = ["TLSv1.1", "SSLv3", "TLS1.2"]
            .map(|name| versions(name).unwrap_err().to_string())
            .join("\n");
        insta::assert_snapshot!(refused);
    }
}
