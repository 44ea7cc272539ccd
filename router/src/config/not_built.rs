//! The keys of Linkerd 1.7.5 whose feature this version does not have.
//!
//! One table, which shrinks as features are built. A key in it is refused by name, never ignored,
//! unless its value asks for nothing ([`Neutral`]). The kinds that are not built are in
//! [`kinds`](super::kinds).

/// The object that a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Server,
}

/// A value that asks for what happens anyway, so that it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Neutral {
    EmptyList,
}

/// One refused key.
#[derive(Debug)]
pub(crate) struct NotBuilt {
    pub(crate) section: Section,
    pub(crate) key: &'static str,
    pub(crate) neutral: Option<Neutral>,
    /// What to do instead.
    pub(crate) instead: &'static str,
}

const fn unless(
    section: Section,
    key: &'static str,
    neutral: Neutral,
    instead: &'static str,
) -> NotBuilt {
    NotBuilt { section, key, neutral: Some(neutral), instead }
}

/// Every refused key.
pub(crate) static NOT_BUILT: &[NotBuilt] =
    &[unless(Section::Server, "announce", Neutral::EmptyList, "remove it; nothing is announced")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_of_a_section_is_there_once() {
        for (index, row) in NOT_BUILT.iter().enumerate() {
            let again = NOT_BUILT
                .iter()
                .skip(index + 1)
                .find(|other| other.section == row.section && other.key == row.key);
            assert!(again.is_none(), "{again:?}");
        }
    }
}
