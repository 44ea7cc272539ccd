//! Fingerpost for people.
