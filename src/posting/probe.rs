//! Where a test or a simulation cuts the line: around COMMIT, where it hurts.

/// What becomes of one COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFate {
    /// It goes through and is answered.
    Through,
    /// The line is cut before it is sent; the writer cannot know.
    LostBefore,
    /// It goes through, and the line is cut before the answer; the writer cannot know.
    LostAfter,
}

/// Asked before every COMMIT.
pub type CommitProbe = Box<dyn FnMut() -> CommitFate + Send>;

/// The probe of production.
pub(super) fn through() -> CommitProbe {
    Box::new(|| CommitFate::Through)
}
