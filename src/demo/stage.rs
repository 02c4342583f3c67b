//! What the demonstration shows: numbered steps, one line a fact, and whether each did what it said.

use std::io::Write;

/// Why a step did not do what it said.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {reason}")]
pub struct StepError {
    /// The step.
    pub step: String,
    /// What was seen instead.
    pub reason: String,
}

/// The stage: a numbered list on some writer.
pub struct Stage<'a> {
    out: &'a mut (dyn Write + Send),
    step: usize,
    title: String,
}

impl<'a> Stage<'a> {
    /// An empty stage.
    pub fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out, step: 0, title: String::new() }
    }

    /// Begins a step.
    pub fn step(&mut self, title: &str) {
        self.step += 1;
        title.clone_into(&mut self.title);
        self.line(&format!("\n{:>2}. {title}", self.step));
    }

    /// Says something inside the step.
    pub fn say(&mut self, text: &str) {
        for line in text.lines() {
            self.line(&format!("    {line}"));
        }
    }

    /// Says something at the margin.
    pub fn line(&mut self, text: &str) {
        // A closed pipe ends the telling, not the gateway.
        _ = writeln!(self.out, "{text}");
        _ = self.out.flush();
    }

    /// Goes on when something holds.
    ///
    /// # Errors
    /// It does not hold.
    pub fn demand(&mut self, holds: bool, otherwise: &str) -> Result<(), StepError> {
        if holds { Ok(()) } else { Err(self.failed(otherwise)) }
    }

    /// The step failed for this reason.
    #[must_use]
    pub fn failed(&self, reason: &str) -> StepError {
        StepError { step: format!("step {} ({})", self.step, self.title), reason: reason.to_owned() }
    }
}
