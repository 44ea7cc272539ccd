//! `l5d-dtab-signature`: who vouches for the overrides of a request, and until when.
//!
//! ```text
//! l5d-dtab-signature: v1;exp=1767225600;key=5c0e9a1f;mac=<base64url, 43 characters>
//! ```
//!
//! The `mac` is the HMAC-SHA256 of the version, the expiry in seconds since 1970, and the override
//! as routers show it ([`Dtab`](dtab::Dtab)'s `Display`), a line feed between them. Routers hand an
//! override on in that form, so the same signature holds at every hop, as long as nobody adds to the
//! override on the way. `key` tells keys apart while they are exchanged, and keeps no secret.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The least bytes of a secret: 128 bits.
pub const MIN_SECRET: usize = 16;

const MAC_BYTES: usize = 32;

/// A shared secret that overrides are signed with.
#[derive(Clone, Debug)]
pub struct SigningKey {
    key: hmac::Key,
    id: [u8; 4],
}

/// A secret has fewer than [`MIN_SECRET`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret has {0} bytes; it needs at least 16 (`openssl rand -hex 32` makes one)")]
pub struct ShortSecret(pub usize);

/// The value of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// In seconds since 1970; from then on the override does not count.
    pub expires: u64,
    key: [u8; 4],
    mac: [u8; MAC_BYTES],
}

/// Why an override is not taken as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error(
        "this server takes signed overrides only: send the l5d-dtab-signature that \
         `fingerpost sign-override` makes"
    )]
    Missing,
    /// There are several.
    #[error("more than one l5d-dtab-signature: join the overrides and sign them as one")]
    Several,
    /// It has another form.
    #[error(
        "the l5d-dtab-signature cannot be read: `v1;exp=<seconds since 1970>;key=<id>;mac=<base64url>` \
         is expected"
    )]
    Malformed,
    /// It is of another key.
    #[error(
        "the override is signed with the key {theirs}, this server has {ours}: sign it with that"
    )]
    OtherKey {
        /// The key that it names.
        theirs: KeyId,
        /// The key of the server.
        ours: KeyId,
    },
    /// It is of another override.
    #[error(
        "the l5d-dtab-signature is not that of this override: send both as they were made, and add \
         no entries on the way"
    )]
    Wrong,
    /// It was good.
    #[error("the signature of the override expired {ago} s ago: sign it anew")]
    Expired {
        /// For how many seconds it has not been good.
        ago: u64,
    },
}

/// What tells keys apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; 4]);

impl SigningKey {
    /// The key of a secret; line ends behind it do not belong to it.
    pub fn new(secret: &[u8]) -> Result<Self, ShortSecret> {
        let end =
            secret.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
        if end < MIN_SECRET {
            return Err(ShortSecret(end));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret[..end]);
        let digest = hmac::sign(&key, b"l5d-dtab-signature key");
        let mut id = [0; 4];
        id.copy_from_slice(&digest.as_ref()[..4]);
        Ok(SigningKey { key, id })
    }

    /// Signs an override, in the form in which routers show it, until `expires`.
    pub fn sign(&self, shown: &str, expires: u64) -> Signature {
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(hmac::sign(&self.key, &message(shown, expires)).as_ref());
        Signature { expires, key: self.id, mac }
    }

    /// Whether the signature is that of this override, in constant time, and still good at `now`.
    pub fn verify(&self, sent: &Signature, shown: &str, now: u64) -> Result<(), SignatureError> {
        if sent.key != self.id {
            return Err(SignatureError::OtherKey { theirs: KeyId(sent.key), ours: KeyId(self.id) });
        }
        hmac::verify(&self.key, &message(shown, sent.expires), &sent.mac)
            .map_err(|_| SignatureError::Wrong)?;
        if sent.expires <= now {
            return Err(SignatureError::Expired { ago: now - sent.expires });
        }
        Ok(())
    }
}

fn message(shown: &str, expires: u64) -> Vec<u8> {
    format!("v1\n{expires}\n{shown}").into_bytes()
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, mac) = (KeyId(self.key), URL_SAFE_NO_PAD.encode(self.mac));
        write!(f, "v1;exp={};key={key};mac={mac}", self.expires)
    }
}

impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        read(text).ok_or(SignatureError::Malformed)
    }
}

fn read(text: &str) -> Option<Signature> {
    let mut fields = text.split(';').map(str::trim);
    if fields.next() != Some("v1") {
        return None;
    }
    let mut field = |name: &str| fields.next()?.strip_prefix(name)?.strip_prefix('=');
    let expires = field("exp")?.parse().ok()?;
    let key = field("key").filter(|key| key.len() == 8 && key.is_ascii())?;
    let key = u32::from_str_radix(key, 16).ok()?.to_be_bytes();
    let mac = URL_SAFE_NO_PAD.decode(field("mac")?).ok()?.try_into().ok()?;
    fields.next().is_none().then_some(Signature { expires, key, mac })
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DTAB: &str = "/svc/web=>/svc/web-v2";

    fn key(secret: &str) -> SigningKey {
        SigningKey::new(secret.as_bytes()).expect("long enough")
    }

    #[test]
    fn a_signature_reads_back_and_holds_until_it_expires() {
        let key = key("0123456789abcdef");
        let signature = key.sign(DTAB, 1_000);
        let sent: Signature = signature.to_string().parse().expect("it is well formed");
        assert_eq!(sent, signature);
        assert_eq!(key.verify(&sent, DTAB, 999), Ok(()));
        assert_eq!(key.verify(&sent, DTAB, 1_000), Err(SignatureError::Expired { ago: 0 }));
    }

    #[test]
    fn it_is_of_one_key_one_override_and_one_expiry() {
        let key = key("0123456789abcdef");
        let sent = key.sign(DTAB, 1_000);
        assert_eq!(key.verify(&sent, "/svc/web=>/svc/evil", 0), Err(SignatureError::Wrong));
        let later = Signature { expires: 2_000, ..sent.clone() };
        assert_eq!(key.verify(&later, DTAB, 0), Err(SignatureError::Wrong));
        let other = super::SigningKey::new(b"fedcba9876543210").expect("long enough");
        assert!(matches!(other.verify(&sent, DTAB, 0), Err(SignatureError::OtherKey { .. })));
        let forged = Signature { key: other.id, ..sent };
        assert_eq!(other.verify(&forged, DTAB, 0), Err(SignatureError::Wrong));
    }

    #[test]
    fn a_line_end_is_not_part_of_the_secret_and_a_short_one_is_refused() {
        assert_eq!(key("0123456789abcdef\r\n").id, key("0123456789abcdef").id);
        assert_eq!(SigningKey::new(b"0123456789abcde\n").unwrap_err(), ShortSecret(15));
        assert_eq!(SigningKey::new(b"").unwrap_err(), ShortSecret(0));
    }

    #[test]
    fn another_form_is_no_signature() {
        let good = key("0123456789abcdef").sign(DTAB, 1).to_string();
        assert!(good.parse::<Signature>().is_ok());
        let truncated = &good[..good.len() - 1];
        let added = format!("{good};x=1");
        let padded = format!("{good}=");
        for bad in ["", "v1", "v2;exp=1", truncated, &added, &padded, &good.replace("exp", "ex")] {
            assert_eq!(bad.parse::<Signature>(), Err(SignatureError::Malformed), "{bad}");
        }
    }
}
