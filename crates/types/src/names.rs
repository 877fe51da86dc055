//! Closed lists whose items have names.

/// Enums of which each item has a name: on the wire, in tables and in documents, and nowhere said twice.
///
/// Each gets `ALL`, `name`, `parse`, and is its name for serde; any other text is refused.
#[macro_export]
macro_rules! names {
    ($($(#[$doc:meta])* $vis:vis enum $list:ident {
        $($(#[$item_doc:meta])* $item:ident = $name:literal,)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $list {
            $($(#[$item_doc])* $item,)+
        }

        impl $list {
            /// All of them, in their order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$item),+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$item => $name,)+
                }
            }

            /// The one of that name.
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$item),)+
                    _ => None,
                }
            }
        }

        impl $crate::serde::Serialize for $list {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $list {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Name;

                impl $crate::serde::de::Visitor<'_> for Name {
                    type Value = $list;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str(concat!("one of" $(, " ", $name)+))
                    }

                    fn visit_str<E: $crate::serde::de::Error>(self, name: &str) -> Result<$list, E> {
                        let unknown = || E::unknown_variant(name, &[$($name),+]);
                        $list::parse(name).ok_or_else(unknown)
                    }
                }

                deserializer.deserialize_str(Name)
            }
        }
    )+};
}
