//! Interpreters: who binds the logical paths of a router.

use super::transformer::{self, TransformerConfig};
use crate::config::reader::Object;

/// Who binds the logical paths of a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterpreterConfig {
    /// The kind.
    pub kind: InterpreterKind,
    /// Applied to every bound tree, in order.
    pub transformers: Vec<TransformerConfig>,
}

/// The kinds of interpreters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterpreterKind {
    /// `default`: the router's dtab over this process's namers.
    Default,
}

impl Default for InterpreterConfig {
    fn default() -> Self {
        Self { kind: InterpreterKind::Default, transformers: Vec::new() }
    }
}

pub(super) fn read_default(object: &mut Object<'_>) -> Option<InterpreterConfig> {
    let transformers = transformer::read_all(object);
    Some(InterpreterConfig { kind: InterpreterKind::Default, transformers })
}
