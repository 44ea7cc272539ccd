//! What several workers share for as long as any of them has it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Shared values by key. A value lives as long as somebody holds it. Asked when a name, client or
/// endpoint is new to a worker, not for requests.
#[derive(Debug)]
pub(crate) struct WeakTable<K, V> {
    known: Mutex<HashMap<K, Weak<V>>>,
}

impl<K, V> Default for WeakTable<K, V> {
    fn default() -> Self {
        WeakTable { known: Mutex::default() }
    }
}

impl<K: Hash + Eq, V> WeakTable<K, V> {
    /// The value of this key, made if nobody has it.
    pub(crate) fn get_or(&self, key: K, make: impl FnOnce() -> Arc<V>) -> Arc<V> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.get(&key).and_then(Weak::upgrade) {
            return value;
        }
        known.retain(|_, value| value.strong_count() > 0);
        let value = make();
        known.insert(key, Arc::downgrade(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lives_as_long_as_somebody_holds_it() {
        let table = WeakTable::default();
        let one = table.get_or("a", || Arc::new(1));
        assert!(Arc::ptr_eq(&one, &table.get_or("a", || Arc::new(2))));
        drop(one);
        assert_eq!(*table.get_or("a", || Arc::new(3)), 3);
        assert_eq!(table.known.lock().unwrap().len(), 1);
    }
}
