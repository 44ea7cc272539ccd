//! `overrides` of a server: how far callers are trusted with tables of their own. A key of ours;
//! Linkerd trusts every caller.

use std::path::PathBuf;
use std::sync::Arc;

use dtab::Path;

use super::error::Code;
use super::keys::{Absent::*, Section, Type, key};
use super::reader::Field;
use super::value;

/// `overrides`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverridesConfig {
    /// `trust`; unless given, `trusted` for a server on a loopback address and `scoped` for others.
    pub trust: Option<Trust>,
    /// `prefixes`: what may stand on the left of an entry of a scoped override: one of these paths,
    /// or anything below; anything at all if absent.
    pub prefixes: Option<Vec<Path>>,
    /// `destinations`: what may stand on the right, and what a name may be bound to under an
    /// override: one of these paths, or anything below; anything if absent.
    pub destinations: Option<Vec<Path>>,
    /// `maxBytes` of the headers of one request; 4096 unless given.
    pub max_bytes: Option<u32>,
    /// `maxDentries` of one request; 32 unless given.
    pub max_dentries: Option<u32>,
    /// `maxDepth`: steps from a name to its end under an override; 100, Finagle's limit, unless given.
    pub max_depth: Option<u32>,
    /// `signing`: overrides must be signed.
    pub signing: Option<Arc<SigningConfig>>,
}

/// `overrides.trust`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Overrides are removed unread.
    Off,
    /// Any override, as in Linkerd.
    Trusted,
    /// Within limits.
    Scoped,
}

/// `overrides.signing`: an override counts only with a signature that is not too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningConfig {
    /// `keyPath`: a file with the shared secret.
    pub key: PathBuf,
}

/// `overrides`
pub(super) static OVERRIDES: Section = Section {
    noun: "`overrides`",
    keys: &[&[
        key(
            "trust",
            Type::Words(&["off", "trusted", "scoped"]),
            Means("trusted on a loopback address, else scoped"),
            "How far callers may change routing with dtabs of their own: not at all (their headers \
             are removed), as they like, or within the limits below.",
        )
        .ours(),
        key(
            "prefixes",
            Type::List(&Type::Path),
            Means("any"),
            "What a scoped override may change: these names and all below them.",
        )
        .ours(),
        key(
            "destinations",
            Type::List(&Type::Path),
            Means("any"),
            "Where a scoped override may lead: to these names and all below them.",
        )
        .ours(),
        key(
            "maxBytes",
            Type::Integer(1, value::MAX),
            Means("4096"),
            "Bytes that all override headers of one request may have together.",
        )
        .ours(),
        key(
            "maxDentries",
            Type::Integer(1, value::MAX),
            Means("32"),
            "Dentries that all overrides of one request may have together.",
        )
        .ours(),
        key(
            "maxDepth",
            Type::Integer(1, 100),
            Means("100"),
            "Steps that the resolution of a name may take under an override.",
        )
        .ours(),
        key(
            "signing",
            Type::Object(&SIGNING),
            Means("unsigned overrides count, too"),
            "Overrides count only if they are signed with a shared secret and have not expired.",
        )
        .ours(),
    ]],
};

static SIGNING: Section = Section {
    noun: "`signing`",
    keys: &[&[key(
        "keyPath",
        Type::File,
        Required,
        "The file that holds the secret with which overrides are signed.",
    )
    .ours()]],
};

pub(super) fn read(field: &Field<'_>) -> Option<OverridesConfig> {
    const TRUST: &[(&str, Trust)] =
        &[("off", Trust::Off), ("trusted", Trust::Trusted), ("scoped", Trust::Scoped)];
    let mut object = field.object(&OVERRIDES)?;
    let paths = |field: &Field<'_>| field.list("paths", value::path);
    let trust = object.optional("trust", value::word(TRUST));
    let mut scoped = |key| {
        let given = object.get(key)?;
        if matches!(trust, Some(Trust::Off | Trust::Trusted)) {
            let message = format!("`{key}` holds for scoped overrides only");
            given.error(Code::Conflict, message).help("remove it, or set `trust: scoped`");
        }
        paths(&given)
    };
    let (prefixes, destinations) = (scoped("prefixes"), scoped("destinations"));
    let max_bytes = object.optional("maxBytes", value::count);
    let max_dentries = object.optional("maxDentries", value::count);
    let max_depth = object.optional("maxDepth", value::integer(1..=100));
    let signing = object.optional("signing", read_signing).map(Arc::new);
    object.finish();
    Some(OverridesConfig {
        trust,
        prefixes,
        destinations,
        max_bytes,
        max_dentries,
        max_depth,
        signing,
    })
}

fn read_signing(field: &Field<'_>) -> Option<SigningConfig> {
    let mut object = field.object(&SIGNING)?;
    let key = object.required("keyPath", value::file);
    object.finish();
    Some(SigningConfig { key: key? })
}
