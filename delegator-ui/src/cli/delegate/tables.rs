//! The tables of the command line.

use std::sync::Arc;

use dtab::{Dtab, Source};

use super::Args;
use crate::cli::{Error, Result, input};

/// The dtabs given beside those of a configuration or running router.
#[derive(Debug)]
pub(super) struct Tables {
    /// Of -d and -e, in this order.
    pub(super) base: Dtab,
    /// Of --local.
    pub(super) local: Dtab,
}

impl Tables {
    /// Reads the file and the arguments.
    pub(super) fn read(args: &Args) -> Result<Self> {
        let file = match &args.dtab {
            Some(file) => parse(&input::read(file)?)?,
            None => Dtab::empty(),
        };
        let entries = of_argument("-e", args.entries.as_deref())?;
        let local = of_argument("--local", args.local.as_deref())?;
        Ok(Tables { base: file.concat(&entries), local })
    }
}

fn of_argument(name: &str, text: Option<&str>) -> Result<Dtab> {
    text.map_or(Ok(Dtab::empty()), |text| parse(&Source::new(name, text)))
}

/// The table of a text, or every mistake in it.
pub(in crate::cli) fn parse(source: &Arc<Source>) -> Result<Dtab> {
    let (dtab, found) = dtab::check_dtab(source);
    if found.is_empty() { Ok(dtab) } else { Err(Error::Drawn(dtab::render(&found, source, true))) }
}
