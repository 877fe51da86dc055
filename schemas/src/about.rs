//! A record with what it is about: what a service states, as one typed value.

use std::ops::Deref;

use crate::entity::Id;
use crate::envelope::{Header, Message};
use crate::kinds::{Body, Record};

/// A record with its key and its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About<R: Record> {
    /// What routes it.
    pub key: R::Key,
    /// What it is about.
    pub subject: R::Subject,
    /// What it says.
    pub record: R,
}

/// What a message says that this build cannot take at its word: of a later build, or of none of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {what}")]
pub struct Unreadable {
    /// The field of the record, or `key` or `subject`.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: String,
}

impl Unreadable {
    /// Of a field, for a reason.
    #[expect(clippy::needless_pass_by_value, reason = "it ends here")]
    pub fn new(field: &'static str, what: impl ToString) -> Self {
        Self {
            field,
            what: what.to_string(),
        }
    }

    /// The same, as what an error becomes.
    pub fn at<E: ToString>(field: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::new(field, error)
    }
}

impl<R: Record> About<R> {
    /// A record of which the subject is the key.
    pub fn of<I: Id>(subject: I, record: R) -> Self
    where
        R: Record<Key = I, Subject = I>,
    {
        Self {
            key: subject.clone(),
            subject,
            record,
        }
    }

    /// A record as a message has it.
    pub fn read(header: &Header, record: &R) -> Result<Self, Unreadable> {
        Ok(Self {
            key: header.key.parse().map_err(Unreadable::at("key"))?,
            subject: header.subject.parse().map_err(Unreadable::at("subject"))?,
            record: record.clone(),
        })
    }

    /// As it travels.
    pub fn write(self) -> Written {
        Written {
            key: self.key.as_ref().to_owned(),
            subject: self.subject.as_ref().to_owned(),
            body: self.record.into(),
        }
    }
}

impl<R: Record> Deref for About<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.record
    }
}

/// A record as it travels, with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What routes it to a partition.
    pub key: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub body: Body,
}

/// What can happen in a service, or what it is sent: the events that it knows, as [`events!`](crate::events) makes them.
pub trait Event: Sized {
    /// The event of a message. `None` for a kind that is none of these.
    ///
    /// # Errors
    /// The message is of one of these kinds, and says what cannot be read.
    fn read(message: &Message) -> Result<Option<Self>, Unreadable>;

    /// As it travels.
    fn write(&self) -> Written;
}

/// Nothing happens.
impl Event for std::convert::Infallible {
    fn read(_: &Message) -> Result<Option<Self>, Unreadable> {
        Ok(None)
    }

    fn write(&self) -> Written {
        match *self {}
    }
}

/// An enum of events, one for each record: `Approved(CommissionApprovedV1)` holds the record with what it is about,
/// `Calculated(CommissionCalculatedV1 as Calculated)` what the domain makes of that, by `TryFrom` and `From`.
#[macro_export]
macro_rules! events {
    (@holds $record:ident) => { $crate::About<$crate::$record> };
    (@holds $record:ident $own:ident) => { $own };
    ($(#[$doc:meta])* $vis:vis enum $name:ident {
        $($(#[$event_doc:meta])* $event:ident($record:ident $(as $own:ident)?),)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis enum $name {
            $($(#[$event_doc])* $event($crate::events!(@holds $record $($own)?)),)+
        }

        impl $crate::Event for $name {
            fn read(message: &$crate::Message) -> Result<Option<Self>, $crate::Unreadable> {
                match &message.body {
                    $($crate::Body::$record(record) => {
                        let about = $crate::About::read(&message.header, record)?;
                        $(let about = $own::try_from(about)?;)?
                        Ok(Some(Self::$event(about)))
                    })+
                    _ => Ok(None),
                }
            }

            fn write(&self) -> $crate::Written {
                match self {
                    $(Self::$event(about) => {
                        let about: $crate::About<$crate::$record> = about.clone().into();
                        about.write()
                    })+
                }
            }
        }

        $(
            impl From<$crate::events!(@holds $record $($own)?)> for $name {
                fn from(event: $crate::events!(@holds $record $($own)?)) -> Self {
                    Self::$event(event)
                }
            }
        )+
    };
}
