//! Brands' own texts of mails: whose they are, and what changes nothing.

use schemas::{About, MailTemplateChangedV1};
use types::{MailLanguage, MailTemplateId, Micros};

use super::super::{Command, Event, MailTemplate, Place, View, decide};
use super::{brand, by, code};

fn change(sealed: Option<&[u8]>) -> Command {
    let (kind, language) = ("enrollment.approved.v1", MailLanguage::German);
    let new = MailTemplateChangedV1 {
        brand_id: brand("mine"),
        kind: kind.to_owned(),
        language,
        sealed_subject: sealed.map(<[u8]>::to_vec),
        sealed_text: sealed.map(<[u8]>::to_vec),
    };
    let template = MailTemplateId::of(&brand("mine"), kind, language);
    Command::ChangeMailTemplate(Box::new(About::of(template, new)))
}

fn view(template: Option<&MailTemplate>) -> View<'_> {
    View {
        mail_template: template,
        ..View::default()
    }
}

#[test]
fn a_text_is_its_brands_changes_what_was_there_and_goes_where_ours_is_used_again() {
    let others = decide(view(None), &change(Some(b"a")), &by("theirs"));
    assert_eq!(code(others), "brand_unknown");
    let none = decide(view(None), &change(None), &by("mine"));
    assert_eq!(code(none), "mail_template_unchanged");

    let after = |before: Option<&MailTemplate>, sealed, position| {
        let decided = decide(view(before), &change(sealed), &by("mine")).unwrap();
        let Event::MailTemplateChanged(event) = decided else {
            panic!("{decided:?}");
        };
        let time = Micros(position);
        MailTemplate::evolve(before, &event, Place { time, position })
    };
    let first = after(None, Some(b"a".as_slice()), 5);
    assert_eq!(first.now.sealed_text.as_deref(), Some(b"a".as_slice()));
    let same = decide(view(Some(&first)), &change(Some(b"a")), &by("mine"));
    assert_eq!(code(same), "mail_template_unchanged");
    let second = after(Some(&first), Some(b"b".as_slice()), 7);
    assert_eq!((second.position, second.changed_at), (5, Micros(7)));
    let ours = after(Some(&second), None, 9);
    assert_eq!(ours.now.sealed_text, None);
    let again = decide(view(Some(&ours)), &change(None), &by("mine"));
    assert_eq!(code(again), "mail_template_unchanged");
}
