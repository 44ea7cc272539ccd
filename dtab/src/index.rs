//! The compiled form of a dtab: a trie over prefix elements.

use ahash::RandomState;
use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::dentry::{Dentry, Element};
use crate::path::{self, Path};

/// A trie over the elements of the prefixes, wildcards being edges of their own.
///
/// All edges lie in one hash table keyed by (node, label), so that a table of 200,000 dentries
/// costs tens of bytes an entry. A look-up walks the path once; it visits more than one node per
/// element only where a label and a wildcard both lead on.
#[derive(Debug)]
pub(crate) struct Index {
    nodes: Vec<Node>,
    edges: HashTable<Edge>,
    /// The labels of all edges, one after the other.
    labels: Vec<u8>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Node {
    /// Where `*` leads; 0, the root, stands for nowhere.
    any: u32,
    /// The entries whose prefix ends here, in table order.
    entries: SmallVec<[u32; 2]>,
}

#[derive(Debug)]
struct Edge {
    from: u32,
    to: u32,
    label: (u32, u32),
}

impl Index {
    pub(crate) fn new(dentries: &[Dentry]) -> Self {
        let mut index = Index {
            nodes: vec![Node::default()],
            edges: HashTable::with_capacity(dentries.len()),
            labels: Vec::new(),
            hasher: RandomState::new(),
        };
        for (at, dentry) in dentries.iter().enumerate() {
            let mut node = 0;
            for element in dentry.prefix.iter() {
                node = index.step_or_add(node, element);
            }
            index.nodes[node as usize].entries.push(at as u32);
        }
        index.labels.shrink_to_fit();
        index.nodes.shrink_to_fit();
        index
    }

    fn step_or_add(&mut self, from: u32, element: Element<'_>) -> u32 {
        let next = self.nodes.len() as u32;
        match element {
            Element::Any => {
                let any = &mut self.nodes[from as usize].any;
                if *any != 0 {
                    return *any;
                }
                *any = next;
            }
            Element::Label(label) => {
                if let Some(to) = self.step(from, label) {
                    return to;
                }
                let start = self.labels.len() as u32;
                self.labels.extend_from_slice(label);
                let edge = Edge { from, to: next, label: (start, self.labels.len() as u32) };
                let hash = self.hasher.hash_one((from, label));
                let Index { edges, labels, hasher, .. } = self;
                edges.insert_unique(hash, edge, |edge| {
                    hasher.hash_one((edge.from, label_of(labels, edge)))
                });
            }
        }
        self.nodes.push(Node::default());
        next
    }

    fn step(&self, from: u32, label: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one((from, label));
        let same = |edge: &Edge| edge.from == from && label_of(&self.labels, edge) == label;
        self.edges.find(hash, same).map(|edge| edge.to)
    }

    /// Calls `found` with every entry that begins `path`, last first.
    pub(crate) fn for_each_match<'p>(
        &self,
        path: &'p Path,
        found: &mut impl FnMut(usize, &'p [u8]),
    ) {
        let mut matches: SmallVec<[(u32, &[u8]); 8]> = SmallVec::new();
        // Nodes reached by the elements so far. Only a wildcard beside a label makes it two.
        let mut reached: SmallVec<[u32; 4]> = SmallVec::from_slice(&[0]);
        let mut next: SmallVec<[u32; 4]> = SmallVec::new();
        let mut rest = path.encoded();
        loop {
            for &node in &reached {
                let entries = &self.nodes[node as usize].entries;
                matches.extend(entries.iter().map(|&entry| (entry, rest)));
            }
            let Some((label, after)) = path::decode(rest) else { break };
            rest = after;
            next.clear();
            for &node in &reached {
                next.extend(self.step(node, label));
                let any = self.nodes[node as usize].any;
                if any != 0 {
                    next.push(any);
                }
            }
            if next.is_empty() {
                break;
            }
            std::mem::swap(&mut reached, &mut next);
        }
        matches.sort_unstable_by_key(|&(entry, _)| std::cmp::Reverse(entry));
        for (entry, residual) in matches {
            found(entry as usize, residual);
        }
    }
}

fn label_of<'a>(labels: &'a [u8], edge: &Edge) -> &'a [u8] {
    &labels[edge.label.0 as usize..edge.label.1 as usize]
}
