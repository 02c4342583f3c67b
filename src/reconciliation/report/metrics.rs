//! How wide a letter of Helvetica is, and which byte it is in a PDF (WinAnsi); so that columns align.

/// Widths of the printable ASCII letters in thousandths of the size.
const REGULAR: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// The same of the bold face.
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
    280, 389, 584,
];

/// The text in WinAnsi; what it does not have becomes a question mark.
pub(super) fn win_ansi(text: &str) -> Vec<u8> {
    let byte = |letter: char| match letter {
        ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(letter)).unwrap_or(b'?'),
        '…' => 0x85,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '–' | '−' => 0x96,
        '—' => 0x97,
        '€' => 0x80,
        _ => b'?',
    };
    text.chars().map(byte).collect()
}

/// The width of a text in thousandths of the size.
pub(super) fn width(text: &str, bold: bool) -> i32 {
    let table = if bold { &BOLD } else { &REGULAR };
    let of = |letter: char| {
        let plain = match letter {
            'á' | 'à' | 'â' | 'ä' | 'ã' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'í' | 'ì' | 'î' | 'ï' => 'l',
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' | '«' | '»' | '–' | '−' => 'o',
            'ú' | 'ù' | 'û' | 'ü' => 'u',
            'ñ' => 'n',
            'Á' | 'À' | 'Â' | 'Ä' | 'Ã' => 'A',
            'É' | 'È' | 'Ê' | 'Ë' => 'E',
            'Í' | 'Ì' | 'Î' | 'Ï' | '·' => 'I',
            'Ó' | 'Ò' | 'Ô' | 'Ö' | 'Õ' => 'O',
            'Ú' | 'Ù' | 'Û' | 'Ü' => 'U',
            'Ñ' => 'N',
            other => other,
        };
        let place = u32::from(plain).checked_sub(32).and_then(|place| usize::try_from(place).ok());
        i32::from(place.and_then(|place| table.get(place)).copied().unwrap_or(1_000))
    };
    text.chars().map(of).sum()
}

/// The text as lines no wider than `limit` (in the unit of `size`); a word longer than a line is cut.
pub(super) fn wrap(text: &str, size: i32, bold: bool, limit: i32) -> Vec<String> {
    let fits = |line: &str| width(line, bold) * size / 1_000 <= limit;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or_else(String::new, std::mem::take);
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        lines.pop();
        if fits(&longer) {
            lines.push(longer);
            continue;
        }
        if !line.is_empty() {
            lines.push(line);
        }
        let mut piece = String::new();
        for letter in word.chars() {
            piece.push(letter);
            if !fits(&piece) && piece.chars().count() > 1 {
                piece.pop();
                lines.push(std::mem::replace(&mut piece, letter.to_string()));
            }
        }
        lines.push(piece);
    }
    lines
}
