//! Tickets in Spanish, rendered from a stored fact alone: the same bytes each time.
//!
//! [`ticket`] says once what a receipt says; text, HTML and PDF only show it, and the signed form is
//! what its QR code holds, so that anyone with the public keys can tell a real receipt from a made-up
//! one without asking us. No database, no HTTP and no clock may enter.

pub mod helvetica;
pub mod html;
pub mod municipality;
pub mod pdf;
pub mod qr;
pub mod signed;
pub mod text;
pub mod ticket;
pub mod wording;

use crate::auth::keys::SigningKeys;

pub use signed::{ReceiptClaims, VerifyError, verify, verify_text};
pub use text::Columns;
pub use ticket::{Source, Ticket, TicketError, ticket};

/// The forms of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// ASCII for a till printer.
    Text(Columns),
    /// A page for a screen or a 58 mm printer.
    Html,
    /// A page 80 mm wide.
    Pdf,
    /// The signed form, a compact JWS.
    Jose,
}

/// A receipt, rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The media type.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Why a receipt could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no receipt for it.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// Its claims cannot be written.
    #[error("receipt claims: {0}")]
    Claims(#[from] serde_json::Error),
    /// Its signed form does not fit a QR code that a till can print.
    #[error(transparent)]
    Qr(#[from] qr::QrError),
}

impl Form {
    /// The media type, as an answer's `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text(Columns::Narrow) => "text/plain; charset=us-ascii; width=32",
            Self::Text(Columns::Medium) => "text/plain; charset=us-ascii; width=42",
            Self::Text(Columns::Wide) => "text/plain; charset=us-ascii; width=48",
            Self::Html => "text/html; charset=utf-8",
            Self::Pdf => "application/pdf",
            Self::Jose => "application/jose",
        }
    }
}

/// Renders the receipt of a payment.
///
/// # Errors
/// The fact has no receipt, or its signed form fits no QR code.
pub fn render(source: &Source<'_>, keys: &SigningKeys, form: Form) -> Result<Rendered, RenderError> {
    let bytes = match form {
        Form::Text(columns) => text::render(&ticket(source)?, columns).into_bytes(),
        Form::Jose => signed::sign(source, keys)?.into_bytes(),
        Form::Html => html::render(&ticket(source)?, &seal(source, keys)?).into_bytes(),
        Form::Pdf => pdf::render(&ticket(source)?, &seal(source, keys)?),
    };
    Ok(Rendered { content_type: form.content_type(), bytes })
}

fn seal(source: &Source<'_>, keys: &SigningKeys) -> Result<qr::Modules, RenderError> {
    Ok(qr::Modules::of(&signed::sign(source, keys)?)?)
}

#[cfg(test)]
mod tests;
