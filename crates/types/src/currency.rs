//! The closed list of currencies: ISO 4217's active codes that have a minor unit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::AmountError;

macro_rules! currencies {
    ($($digits:literal => { $($code:ident)+ })+) => {
        /// An ISO 4217 currency. Precious metals, test codes and withdrawn currencies are not in it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Currency {
            $($(
                #[doc = concat!(stringify!($code), ", ", stringify!($digits), " decimals.")]
                $code,
            )+)+
        }

        impl Currency {
            /// Every currency there is (`ALL` is the Albanian lek).
            pub const EVERY: &[Self] = &[$($(Self::$code,)+)+];

            /// The three letters.
            pub const fn code(self) -> &'static str {
                match self {
                    $($(Self::$code => stringify!($code),)+)+
                }
            }

            /// How many decimals an amount has: 2 for USD, 0 for JPY.
            pub const fn digits(self) -> u32 {
                match self {
                    $($(Self::$code)|+ => $digits,)+
                }
            }

            /// The currency of these three capital letters.
            pub fn parse(code: &str) -> Result<Self, AmountError> {
                match code {
                    $($(stringify!($code) => Ok(Self::$code),)+)+
                    _ => Err(AmountError::UnknownCurrency),
                }
            }
        }
    };
}

currencies! {
    0 => {
        BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
    }
    2 => {
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN
        BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN
        ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD
        KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR
        MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON
        RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
        TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    }
    3 => {
        BHD IQD JOD KWD LYD OMR TND
    }
    4 => {
        CLF UYW
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Currency {
    type Err = AmountError;

    fn from_str(code: &str) -> Result<Self, AmountError> {
        Self::parse(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Code;

        impl de::Visitor<'_> for Code {
            type Value = Currency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ISO 4217 currency code")
            }

            fn visit_str<E: de::Error>(self, code: &str) -> Result<Currency, E> {
                Currency::parse(code).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Code)
    }
}

#[cfg(test)]
mod tests {
    use super::Currency;

    #[test]
    fn every_code_parses_to_itself_and_stands_once() {
        for (index, currency) in Currency::EVERY.iter().enumerate() {
            assert_eq!(Currency::parse(currency.code()), Ok(*currency));
            assert!(!Currency::EVERY[..index].contains(currency));
        }
    }

    #[test]
    fn the_decimals_are_those_of_the_standard() {
        assert_eq!(Currency::JPY.digits(), 0);
        assert_eq!(Currency::USD.digits(), 2);
        assert_eq!(Currency::KWD.digits(), 3);
        assert_eq!(Currency::CLF.digits(), 4);
    }

    #[test]
    fn a_code_that_is_not_on_the_list_is_refused() {
        for code in ["", "usd", "US", "XXX", "XAU", "USD ", "EURO"] {
            assert!(Currency::parse(code).is_err(), "{code}");
        }
    }
}
