//! Helvetica as every PDF viewer has it: how wide its letters are, and the bytes that stand for them.
//!
//! Widths are in thousandths of the font's size (Adobe's metrics of the standard fonts). An accented
//! letter is as wide as the letter below the accent.

use super::wording::fold;

/// The two faces that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Helvetica.
    Regular,
    /// Helvetica-Bold.
    Bold,
}

/// The bytes of a text in Windows' Latin alphabet; what it lacks is folded to ASCII.
#[must_use]
pub fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(character) {
            Ok(byte @ (0x20..=0x7e | 0xa1..=0xac | 0xae..=0xff)) => bytes.push(byte),
            _ => bytes.extend(fold(character.encode_utf8(&mut [0; 4])).bytes()),
        }
    }
    bytes
}

/// How wide encoded text is, in thousandths of the font's size.
#[must_use]
pub fn width(face: Face, text: &[u8]) -> i32 {
    text.iter().map(|byte| glyph(face, *byte)).sum()
}

fn glyph(face: Face, byte: u8) -> i32 {
    let table = if face == Face::Bold { &BOLD } else { &REGULAR };
    let ascii = match byte {
        0x20..=0x7e => byte,
        // The dotless i below an accent is wider than i itself in the regular face.
        0xec..=0xef => b'I',
        _ => fold(char::from(byte).encode_utf8(&mut [0; 4])).bytes().next().unwrap_or(b'?'),
    };
    i32::from(table[usize::from(ascii) - 0x20])
}

#[rustfmt::skip]
const REGULAR: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

#[rustfmt::skip]
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
    975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
    333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
    611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spanish_keeps_its_accents_and_the_rest_is_folded() {
        assert_eq!(encode("Ñoño — más"), b"\xd1o\xf1o - m\xe1s");
        assert_eq!(encode("\u{7f}\u{80}\u{a0}電"), b"   ?");
        assert_eq!(width(Face::Regular, &encode("Ñoño")), 722 + 556 * 3);
        assert_eq!(width(Face::Bold, &encode("í")), 278);
    }
}
