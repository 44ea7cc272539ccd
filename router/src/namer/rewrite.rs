//! `io.l5d.rewrite`: turns a path into another one by a pattern.
//!
//! ```yaml
//! namers:
//! - kind: io.l5d.rewrite
//!   prefix: /http
//!   pattern: "/{host}/{port}"
//!   name: "/$/inet/{host}/{port}"
//! ```
//!
//! The pattern need only match the front of what follows the prefix; the rest is dropped. A path
//! that does not match is negative.

use dtab::{Activity, Failure, FailureKind, Name, NameTree, Path, PathPattern};

use crate::naming::{LiveNamer, Watch, constant};

/// The namer of one rule.
#[derive(Debug)]
pub struct RewriteNamer {
    prefix: Path,
    pattern: PathPattern,
    name: String,
}

impl RewriteNamer {
    /// Rewrites what follows `prefix` by `pattern` to `name`, whose `{captures}` are filled in.
    /// Fails with what is wrong with the pattern.
    pub fn new(prefix: Path, pattern: &str, name: &str) -> Result<Self, Failure> {
        let pattern = PathPattern::new(pattern);
        if let Some(why) = pattern.broken() {
            return Err(Failure::new(FailureKind::BadName, why));
        }
        Ok(RewriteNamer { prefix, pattern, name: name.to_owned() })
    }

    /// What `path` becomes.
    pub fn rewrite(&self, path: &Path) -> Activity<NameTree<Name>> {
        let Some(rest) = path.strip_prefix(&self.prefix) else {
            return Activity::Ok(NameTree::Neg);
        };
        match self.pattern.rewrite(&rest, &self.name) {
            Ok(Some(path)) => Activity::Ok(NameTree::Leaf(Name::Path(path))),
            Ok(None) => Activity::Ok(NameTree::Neg),
            Err(failure) => Activity::Failed(failure),
        }
    }
}

impl LiveNamer for RewriteNamer {
    fn watch(&self, path: &Path) -> Watch<NameTree<Name>> {
        constant(self.rewrite(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(pattern: &str, name: &str, path: &str) -> String {
        let namer = RewriteNamer::new(Path::parse("/#/rw").unwrap(), pattern, name).unwrap();
        match namer.rewrite(&Path::parse(path).unwrap()) {
            Activity::Ok(NameTree::Leaf(Name::Path(path))) => path.to_string(),
            Activity::Ok(NameTree::Neg) => "~".to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn captures_are_filled_in_and_the_rest_is_dropped() {
        assert_eq!(rewritten("/{a}/{b}", "/x/{b}/{a}", "/#/rw/1/2/3"), "/x/2/1");
        assert_eq!(rewritten("/a/{b}", "/x/{b}", "/#/rw/z/2"), "~");
        assert_eq!(rewritten("/{a}/{b}", "/x", "/#/rw/1"), "~");
    }

    #[test]
    fn a_broken_pattern_is_refused_at_once() {
        assert!(RewriteNamer::new(Path::root(), "/{a.b}", "/x").is_err());
    }
}
