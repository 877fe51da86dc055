//! The forms in which a secret may lie about.

/// A secret and what it looks like in other writing. A search passes over case.
pub fn of(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut forms = vec![
        secret.to_owned(),
        secret.chars().rev().collect(),
        spaced(secret, ' '),
        spaced(secret, '-'),
        hexadecimal(bytes),
        list(bytes, ", "),
        list(bytes, ","),
        secret.replace(' ', "%20"),
        secret.replace(' ', "+"),
    ];
    for before in 0..3 {
        let (plain, url) = base64(bytes, before);
        forms.extend([plain, url]);
    }
    forms
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| {
        digits + &format!("{byte:02x}")
    })
}

/// In groups of four, as account numbers are printed.
fn spaced(text: &str, with: char) -> String {
    let mut grouped = String::new();
    for (at, character) in text.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            grouped.push(with);
        }
        grouped.push(character);
    }
    grouped
}

/// As a debugger prints bytes.
fn list(bytes: &[u8], between: &str) -> String {
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    numbers.join(between)
}

/// What is the same in base64 wherever the secret stands in a longer text: without the letters that its neighbours
/// have a part in. In both alphabets.
fn base64(bytes: &[u8], before: usize) -> (String, String) {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = [&[0_u8; 2][..before], bytes].concat();
    let mut letters = String::new();
    for three in text.chunks_exact(3) {
        let number = three
            .iter()
            .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        for shift in [18, 12, 6, 0] {
            letters.push(char::from(LETTERS[(number >> shift) & 63]));
        }
    }
    // Of the first group, letters that `before` unknown bytes reach into.
    let own = letters[[0, 2, 3][before]..].to_owned();
    let url = own.replace('+', "-").replace('/', "_");
    (own, url)
}

#[test]
fn a_secret_is_found_in_base64_wherever_it_stands() {
    // "Man" and what `base64` prints for it behind no, one and two other bytes.
    let all = of("ManMan");
    for form in [
        "ManMan",
        "naMnaM",
        "ManM an",
        "4d616e4d616e",
        "77, 97, 110, 77, 97, 110",
        "TWFuTWFu",
    ] {
        assert!(all.iter().any(|known| known == form), "{form} {all:?}");
    }
    for text in ["eE1hbk1hbg==", "eHhNYW5NYW4="] {
        assert!(
            all.iter()
                .any(|known| known.len() > 4 && text.contains(known)),
            "{text} {all:?}"
        );
    }
}
