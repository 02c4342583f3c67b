//! The QR code of a signed receipt, as modules that every renderer draws in its own way.
//!
//! A thermal printer on 58 mm paper has about 384 dots across. A code of version 20 with its margin is
//! 105 modules, so each module is at least three dots wide; a larger one is refused.

use qrcode::{Color, EcLevel, QrCode};

/// Modules of blank paper on each side, as the standard demands.
pub const QUIET: usize = 4;
/// Dots across 58 mm paper.
pub const PAPER_DOTS: usize = 384;
/// Modules across, at most (version 20).
pub const MAX_WIDTH: usize = 97;
/// Dots across one module, at most: larger is no easier to read.
const MAX_MODULE_DOTS: usize = 4;

/// The text does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signed receipt does not fit a QR code of version 20")]
pub struct QrError;

/// The modules of a code, without the blank margin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modules {
    width: usize,
    dark: Vec<bool>,
}

/// Dark modules beside each other in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first column.
    pub x: usize,
    /// The row.
    pub y: usize,
    /// How many.
    pub length: usize,
}

impl Modules {
    /// The code of a text, with medium error correction where that fits and low where it does not.
    ///
    /// # Errors
    /// The text is too long for the paper.
    pub fn of(text: &str) -> Result<Self, QrError> {
        [EcLevel::M, EcLevel::L]
            .into_iter()
            .filter_map(|level| QrCode::with_error_correction_level(text, level).ok())
            .find(|code| code.width() <= MAX_WIDTH)
            .map(|code| Self {
                width: code.width(),
                dark: code.into_colors().into_iter().map(|color| color == Color::Dark).collect(),
            })
            .ok_or(QrError)
    }

    /// Modules across, without margin.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Modules across, with the margin on both sides.
    #[must_use]
    pub const fn outer_width(&self) -> usize {
        self.width + 2 * QUIET
    }

    /// Printer dots of one module on 58 mm paper.
    #[must_use]
    pub fn module_dots(&self) -> usize {
        (PAPER_DOTS / self.outer_width()).min(MAX_MODULE_DOTS)
    }

    /// Whether a module is dark; outside the code none is.
    #[must_use]
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.width && y < self.width && self.dark[y * self.width + x]
    }

    /// The dark modules, row by row.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (y, row) in self.dark.chunks(self.width).enumerate() {
            for (x, _) in row.iter().enumerate().filter(|(_, dark)| **dark) {
                match runs.last_mut() {
                    Some(run) if run.y == y && run.x + run.length == x => run.length += 1,
                    _ => runs.push(Run { x, y, length: 1 }),
                }
            }
        }
        runs
    }
}
