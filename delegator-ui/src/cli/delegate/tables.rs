//! The tables of the command line.

use std::sync::Arc;

use dtab::{Dtab, Source};

use crate::cli::input::WorldArgs;
use crate::cli::{Error, Result, input};

/// The dtabs given beside those of a configuration or running router.
#[derive(Debug)]
pub(in crate::cli) struct Tables {
    /// Of -d and -e, in this order.
    pub(in crate::cli) base: Dtab,
    /// The override, as --local has it.
    pub(in crate::cli) local: Dtab,
}

impl Tables {
    /// Reads the file and the arguments.
    pub(in crate::cli) fn read(args: &WorldArgs, local: Option<&str>) -> Result<Self> {
        let file = match &args.dtab {
            Some(file) => parse(&input::read(file)?)?,
            None => Dtab::empty(),
        };
        let entries = of_argument("-e", args.entries.as_deref())?;
        let local = of_argument("--local", local)?;
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
