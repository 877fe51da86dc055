//! Places of which one holder may take a part only, so that nobody can take all of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use types::ids::Asker;
use uuid::Uuid;

use crate::auth::Caller;
use crate::config::Env;

/// What of an IPv6 address is its network's: the rest is for each client to choose (RFC 4291, 2.5.1).
const NETWORK: u128 = !0 << 64;

/// Who holds a place: it counts for each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// [`Caller::identity`], whichever of its tokens it shows.
    Subject(Uuid),
    /// The brand or partner that it is of: people and keys of one are many subjects.
    Owner(Uuid),
    /// Where a peer is that is no trusted proxy, as [`Holder::at`] makes it.
    Address(IpAddr),
}

impl Holder {
    /// The caller; the local operator is nobody in particular.
    pub fn subject(caller: &Caller) -> Option<Self> {
        (!caller.is_local_operator()).then(|| Self::Subject(caller.identity().id()))
    }

    /// The caller, and of whom it is where it is no operator.
    pub fn of(caller: &Caller) -> Vec<Self> {
        let of = Asker {
            subject: "",
            ..caller.identity()
        };
        let has_owner = !caller.is_operator() && (of.brand.is_some() || of.partner.is_some());
        let owner = has_owner.then(|| Self::Owner(of.id()));
        Self::subject(caller).into_iter().chain(owner).collect()
    }

    /// Where a peer is: an IPv4 address, or the /64 of an IPv6 address, all of which may be one client's.
    pub fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// How much one holder may have of a bound, in percent of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent {
    /// A subject.
    pub subject: u8,
    /// An address, or a brand or partner; more, since several people may come from it, or be of it.
    pub address: u8,
}

impl Default for Percent {
    fn default() -> Self {
        Self {
            subject: 25,
            address: 50,
        }
    }
}

impl Percent {
    /// Reads `HTTP_SUBJECT_SHARE_PERCENT` and `HTTP_ADDRESS_SHARE_PERCENT`.
    pub(super) fn read(env: &mut Env) -> Self {
        let mut percent = |name, default: u8| env.within(name, default, 1..=100);
        let default = Self::default();
        Self {
            subject: percent("HTTP_SUBJECT_SHARE_PERCENT", default.subject),
            address: percent("HTTP_ADDRESS_SHARE_PERCENT", default.address),
        }
    }

    /// What the holder may have of so many: one at least.
    pub(super) fn of(self, most: usize, holder: &Holder) -> usize {
        (most.saturating_mul(self.percent(holder)) / 100).max(1)
    }

    /// What the holder may have, in percent.
    pub(super) fn percent(self, holder: &Holder) -> usize {
        usize::from(match holder {
            Holder::Subject(_) => self.subject,
            Holder::Owner(_) | Holder::Address(_) => self.address,
        })
    }
}

/// A bounded number of places.
#[derive(Debug)]
pub struct Shares {
    most: usize,
    percent: Percent,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    of: HashMap<Holder, usize>,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    shares: Arc<Shares>,
    holders: Vec<Holder>,
}

impl Shares {
    /// So many places, of which one holder may have this part.
    pub fn new(most: usize, percent: Percent) -> Arc<Self> {
        Arc::new(Self {
            most,
            percent,
            held: Mutex::default(),
        })
    }

    /// A place for these, or `None` when all are taken or one of them has its share.
    pub fn take(self: &Arc<Self>, holders: Vec<Holder>) -> Option<Place> {
        let mut held = self.lock();
        let has_share = |holder: &Holder| {
            let share = self.percent.of(self.most, holder);
            held.of.get(holder).is_some_and(|n| *n >= share)
        };
        if held.all >= self.most || holders.iter().any(has_share) {
            return None;
        }
        held.all += 1;
        for holder in &holders {
            *held.of.entry(*holder).or_default() += 1;
        }
        drop(held);
        let shares = Arc::clone(self);
        Some(Place { shares, holders })
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.shares.lock();
        held.all -= 1;
        for holder in &self.holders {
            if let Some(n) = held.of.get_mut(holder) {
                *n -= 1;
                if *n == 0 {
                    held.of.remove(holder);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;

    fn subject(name: &str) -> Holder {
        Holder::Subject(Uuid::new_v5(&Uuid::nil(), name.as_bytes()))
    }

    #[test]
    fn one_holder_has_its_share_only_and_what_is_given_back_is_free() {
        let shares = Shares::new(8, Percent::default());
        let address = Holder::at([127, 0, 0, 1].into());
        let both = |name| vec![subject(name), address];
        let mut places: Vec<_> = ["a", "a", "b", "c"]
            .map(|name| shares.take(both(name)).unwrap())
            .into();
        assert!(shares.take(vec![subject("a")]).is_none(), "its share");
        assert!(
            shares.take(both("d")).is_none(),
            "the address has its share"
        );
        places.extend((0..4).map(|_| shares.take(vec![]).unwrap()));
        assert!(shares.take(vec![]).is_none(), "all are taken");
        places.clear();
        assert!(shares.lock().of.is_empty());
        assert!(shares.take(both("a")).is_some());
    }

    #[test]
    fn however_many_keys_a_brand_has_others_have_their_places() {
        let shares = Shares::new(8, Percent::default());
        let key = |id: &str, brand: &str| Caller {
            subject: id.to_owned(),
            roles: vec![Role::Brand],
            brand_id: Some(brand.parse().unwrap()),
            ..Caller::local_operator()
        };
        let take = |id, brand| shares.take(Holder::of(&key(id, brand)));
        let keys = ["key_1", "key_1", "key_2", "key_2", "key_3"];
        let places: Vec<_> = keys.map(|id| take(id, "brand1")).into_iter().collect();
        assert_eq!(places.iter().flatten().count(), 4, "half of all");
        assert!(take("key_9", "brand2").is_some());
    }

    #[test]
    fn all_addresses_of_one_ipv6_network_have_one_share() {
        let shares = Shares::new(8, Percent::default());
        let take = |address: &str| shares.take(vec![Holder::at(address.parse().unwrap())]);
        let mut places: Vec<_> = (1..=4)
            .map(|n| take(&format!("2001:db8:0:1:{n}::{n}")).unwrap())
            .collect();
        assert!(take("2001:db8:0:1:ffff::1").is_none(), "its share");
        places.push(take("2001:db8:0:2::1").unwrap());
        for address in ["192.0.2.1", "::ffff:192.0.2.1"] {
            let ipv4 = Holder::Address([192, 0, 2, 1].into());
            assert_eq!(Holder::at(address.parse().unwrap()), ipv4, "{address}");
        }
    }

    #[test]
    fn a_share_is_one_place_at_least() {
        let percent = Percent::default();
        let of = |most| percent.of(most, &subject("a"));
        assert_eq!((of(1), of(1024), of(0)), (1, 256, 1));
    }
}
