//! The functions that requests, changes and notifications go through, each with fixed data, as one list.
//!
//! `cargo bench` measures their time, `counts` their instructions. A runtime must be entered for those that have a timer.

mod call;
mod node;
mod reads;
mod texts;
mod views;

use netweave_model::Result;

/// One function with its data.
pub(crate) struct Operation {
    /// What it does.
    pub(crate) name: &'static str,
    /// Does it once.
    pub(crate) run: Box<dyn FnMut() -> Result<()>>,
}

impl Operation {
    fn new(name: &'static str, run: impl FnMut() -> Result<()> + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// Makes all of them.
///
/// # Errors
/// Their data cannot be made.
pub(crate) fn all() -> Result<Vec<Operation>> {
    let mut all = texts::operations()?;
    all.extend(views::operations()?);
    all.extend(reads::operations()?);
    Ok(all)
}
