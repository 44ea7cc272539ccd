//! `tls` of servers, of the admin server and of clients.

use std::path::PathBuf;

use dtab::Place;

use super::error::Code;
use super::keys::{Absent::*, Key, Section, Type, key};
use super::reader::{Field, Object};
use super::value;

/// A certificate with its key, each a PEM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityConfig {
    /// `certPath`: the certificate, and the chain behind it.
    pub cert: PathBuf,
    /// `keyPath`: the private key.
    pub key: PathBuf,
    /// `intermediateCertsPath`: more of the chain.
    pub intermediates: Option<PathBuf>,
}

/// `tls` of a server or of the admin server.
#[derive(Debug, Clone)]
pub struct ServerTlsConfig {
    /// Who we are.
    pub identity: IdentityConfig,
    /// `caCertPath`: who signs the certificates of callers; the system's authorities unless given.
    pub ca_cert: Option<PathBuf>,
    /// `requireClientAuth`: callers must have a certificate; they are asked for none unless given.
    pub require_client_auth: bool,
    /// `ciphers`, by their OpenSSL names; all that are safe unless given.
    pub ciphers: Option<Vec<String>>,
    /// `protocols`, such as `TLSv1.2`; 1.2 and 1.3 unless given.
    pub protocols: Option<Vec<String>>,
    /// Where it stands in the file.
    pub place: Place,
}

impl ServerTlsConfig {
    /// All of it but its place: what connections are made under.
    pub(crate) fn terms(&self) -> impl PartialEq + use<> {
        let ServerTlsConfig {
            identity,
            ca_cert,
            require_client_auth,
            ciphers,
            protocols,
            place: _,
        } = self.clone();
        (identity, ca_cert, require_client_auth, ciphers, protocols)
    }
}

/// `tls` of a client.
#[derive(Debug, Clone)]
pub struct ClientTlsConfig {
    /// Whether TLS is spoken; true when the section is there. False undoes an earlier entry.
    pub enabled: bool,
    /// Any certificate will do; not unless given.
    pub disable_validation: bool,
    /// The name that the certificate must have, `{captures}` of the entry's prefix replaced.
    pub common_name: Option<String>,
    /// PEM files of the authorities that are trusted; the system's if there are none.
    pub trust: Vec<PathBuf>,
    /// Who we are.
    pub client_auth: Option<IdentityConfig>,
    /// `protocols`, such as `TLSv1.2`; 1.2 and 1.3 unless given.
    pub protocols: Option<Vec<String>>,
    /// Where it stands in the file.
    pub place: Place,
}

static IDENTITY_KEYS: &[Key] = &[
    key(
        "certPath",
        Type::File,
        Required,
        "The certificate that is shown to the peer, with the chain behind it (PEM).",
    ),
    key("keyPath", Type::File, Required, "The private key of that certificate (PEM)."),
    key(
        "intermediateCertsPath",
        Type::File,
        Means("none"),
        "Further certificates of the chain (PEM), put behind those of certPath.",
    ),
];

static PROTOCOLS_KEY: &[Key] = &[key(
    "protocols",
    Type::List(&Type::Text),
    Means("TLSv1.2 and TLSv1.3"),
    "The versions of TLS that are spoken: TLSv1.2, TLSv1.3.",
)];

/// `tls` of a server or of the admin server
pub(super) static SERVER_TLS: Section = Section {
    noun: "the `tls` of a server",
    keys: &[
        IDENTITY_KEYS,
        &[
            key(
                "caCertPath",
                Type::File,
                Means("the authorities of the system"),
                "The authorities (PEM) whose signature the certificates of callers must have.",
            ),
            key(
                "requireClientAuth",
                Type::Boolean,
                Is("false"),
                "Whether callers must show a certificate; otherwise they are asked for none.",
            ),
            key(
                "ciphers",
                Type::List(&Type::Text),
                Means("all that are safe"),
                "The cipher suites that are allowed, by their OpenSSL names.",
            ),
        ],
        PROTOCOLS_KEY,
    ],
};

/// `tls` of a client
pub(super) static CLIENT_TLS: Section = Section {
    noun: "the `tls` of a client",
    keys: &[
        &[
            key(
                "enabled",
                Type::Boolean,
                Is("true"),
                "False speaks plain text, and so undoes the `tls` of an earlier entry of `configs`.",
            ),
            key(
                "disableValidation",
                Type::Boolean,
                Is("false"),
                "True takes any certificate, so that anybody on the way can read and change \
                 everything. For trials only.",
            ),
            key(
                "commonName",
                Type::Text,
                Means("required unless disableValidation"),
                "The name that the endpoint's certificate must have, also sent as SNI. `{names}` \
                 captured by the entry's prefix are replaced.",
            ),
            key(
                "trustCertsBundle",
                Type::File,
                Means("the authorities of the system"),
                "The authorities (PEM) whose signature the endpoint's certificate must have.",
            ),
            key(
                "trustCerts",
                Type::List(&Type::File),
                Means("none"),
                "As trustCertsBundle, but in several files. Linkerd deprecated it; the two cannot \
                 be given together.",
            ),
            key(
                "clientAuth",
                Type::Object(&CLIENT_AUTH),
                Means("no certificate is shown"),
                "The certificate that we show to endpoints which ask for one. Cannot be given with \
                 disableValidation.",
            ),
        ],
        PROTOCOLS_KEY,
    ],
};

static CLIENT_AUTH: Section = Section { noun: "`clientAuth`", keys: &[IDENTITY_KEYS] };

fn read_identity(object: &mut Object<'_>) -> Option<IdentityConfig> {
    let cert = object.required("certPath", value::file);
    let key = object.required("keyPath", value::file);
    let intermediates = object.optional("intermediateCertsPath", value::file);
    Some(IdentityConfig { cert: cert?, key: key?, intermediates })
}

/// `tls` of a server or of the admin server.
pub(super) fn read_server(field: &Field<'_>) -> Option<ServerTlsConfig> {
    let mut object = field.object(&SERVER_TLS)?;
    let identity = read_identity(&mut object);
    let ca_cert = object.optional("caCertPath", value::file);
    let require_client_auth = object.optional("requireClientAuth", value::boolean);
    let ciphers = object.optional("ciphers", value::texts);
    let protocols = object.optional("protocols", value::texts);
    object.finish();
    Some(ServerTlsConfig {
        identity: identity?,
        ca_cert,
        require_client_auth: require_client_auth.unwrap_or(false),
        ciphers,
        protocols,
        place: field.place(),
    })
}

/// `tls` of a client. What Linkerd finds out at the first request is found out here.
pub(super) fn read_client(field: &Field<'_>) -> Option<ClientTlsConfig> {
    let mut object = field.object(&CLIENT_TLS)?;
    let enabled = object.optional("enabled", value::boolean).unwrap_or(true);
    let disable_validation = object.optional("disableValidation", value::boolean).unwrap_or(false);
    let common_name = object.optional("commonName", value::text);
    let bundle = object.get("trustCertsBundle");
    let certs = object.get("trustCerts");
    let client_auth_field = object.get("clientAuth");
    let protocols = object.optional("protocols", value::texts);
    object.finish();

    let mut trust = Vec::new();
    trust.extend(bundle.as_ref().and_then(value::file));
    trust.extend(
        certs.as_ref().and_then(|certs| certs.list("files", value::file)).unwrap_or_default(),
    );
    if let (Some(bundle), Some(certs)) = (&bundle, &certs) {
        let message =
            "Both trustCerts and trustCertsBundle have been set. Please use only trustCertsBundle.";
        let reported = certs.error(Code::Conflict, message);
        reported.related(bundle.node.span.clone(), "the bundle is here");
    }
    let client_auth = client_auth_field.as_ref().and_then(|field| {
        let mut object = field.object(&CLIENT_AUTH)?;
        let identity = read_identity(&mut object);
        object.finish();
        identity
    });
    if enabled
        && disable_validation
        && let Some(auth) = &client_auth_field
    {
        let message = "disableValidation: true is incompatible with clientAuth";
        auth.error(Code::Conflict, message).help("remove one of them");
    }
    if enabled && !disable_validation && common_name.is_none() {
        let message = "tls is configured with validation but `commonName` is not set";
        field.error(Code::Missing, message).help(
            "give the name that the certificate must have; Linkerd would fail at the first request",
        );
    }
    Some(ClientTlsConfig {
        enabled,
        disable_validation,
        common_name,
        trust,
        client_auth,
        protocols,
        place: field.place(),
    })
}
