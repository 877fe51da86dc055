//! The name of an account's holder: in any script, and only of what can be seen. With characters that cannot, one name looks like
//! another, or turns what stands behind it around.

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, GeneralCategory, JoiningType,
    NoncharacterCodePoint, VariationSelector,
};
use icu_properties::{CodePointMapData, CodePointSetData};

const MAX_LENGTH: usize = 140;
const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// A symbol, to Unicode, and a space, to the eye.
const BRAILLE_BLANK: char = '\u{2800}';

/// The name as it is, if it is one.
pub(crate) fn holder(text: &str) -> Option<String> {
    let name: Vec<char> = text.chars().collect();
    let is_seen = |at: usize| match name[at] {
        ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => shapes(&name, at),
        c => !is_unseen(c),
    };
    let fits = (1..=MAX_LENGTH).contains(&name.len())
        && !text.trim().is_empty()
        && (0..name.len()).all(is_seen);
    fits.then(|| text.to_owned())
}

fn is_unseen(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    let varies_its_letter = CodePointSetData::new::<VariationSelector>().contains(c);
    matches!(
        category,
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
    ) || is_ignorable && !varies_its_letter
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
        || c == BRAILLE_BLANK
}

/// Whether a joiner stands where it changes how letters look: beside a virama, as in Indic scripts, or as a non-joiner between
/// letters of a script that joins them, as in Persian. After RFC 5892, appendices A.1 and A.2, which know a virama before it
/// alone, and between Arabic letters only those that would join.
fn shapes(name: &[char], at: usize) -> bool {
    let (before, after) = (&name[..at], &name[at + 1..]);
    let is_virama = |c: Option<&char>| c.is_some_and(|c| is_virama(*c));
    let joins = |c: Option<&char>| c.is_some_and(|c| joining_type(*c) != JoiningType::NonJoining);
    let is_mark = |c: &&char| joining_type(**c) == JoiningType::Transparent;
    let between = joins(before.iter().rev().find(|c| !is_mark(c)))
        && joins(after.iter().find(|c| !is_mark(c)));
    is_virama(before.last())
        || is_virama(after.first()) && before.last().is_some_and(|c| c.is_alphabetic())
        || name[at] == ZERO_WIDTH_NON_JOINER && between
}

fn is_virama(c: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(c) == CanonicalCombiningClass::Virama
}

fn joining_type(c: char) -> JoiningType {
    CodePointMapData::<JoiningType>::new().get(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_a_name_in_any_script_that_can_be_seen() {
        for name in [
            "Zoë Müller",
            "Ọlá",
            "山田太郎",
            "葛\u{e0100}城",
            "O'Neill & Söhne, Inc.",
            "प्रिया",
            // Sinhala, Malayalam as it was written before chillus had letters of their own, Bengali, Persian.
            "ශ\u{dca}\u{200d}රී ලාල්",
            "അവന\u{d4d}\u{200d}",
            "র\u{200d}\u{9cd}যাচেল",
            "علی\u{200c}رضا",
            "آقا\u{200c}زاده",
        ] {
            assert!(holder(name).is_some(), "{name}");
        }
        for name in [
            "",
            " ",
            "a\u{202e}b",
            "\u{200b}a",
            "a\u{2028}",
            "\u{e000}",
            "a\u{7}",
            "a\u{fdd0}",
            // Blank, though letters or symbols to Unicode.
            "\u{3164}",
            "a\u{3164}b",
            "\u{115f}",
            "\u{ffa0}a",
            "\u{2800}",
            "a\u{2800}b",
            "a\u{34f}b",
        ] {
            assert_eq!(holder(name), None, "{name:?}");
        }
        assert!(holder(&"ö".repeat(140)).is_some());
        assert_eq!(holder(&"a".repeat(141)), None);
    }

    #[test]
    fn a_joiner_that_joins_nothing_makes_two_names_that_look_alike() {
        for name in [
            "Jo\u{200d}hn",
            "Jo\u{200c}hn",
            "\u{200d}John",
            "John\u{200c}",
            "山\u{200d}田",
            "علی\u{200c}",
            "\u{200c}علی",
            "علی\u{200c}\u{200c}رضا",
            "علی\u{200d}رضا",
            "a\u{200c}رضا",
        ] {
            assert_eq!(holder(name), None, "{name:?}");
        }
    }
}
