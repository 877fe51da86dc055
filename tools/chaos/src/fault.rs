//! What is broken and when: a plan of its own, drawn from the same seed as the workload and independent of it.

use std::fmt;

use clap::ValueEnum;
use schemas::{Service, Topic};
use sha2::{Digest, Sha256};

use super::link::{Owner, ReplicaId, Target};
use super::point::{Deed, Moment, Point, Trap};
use super::random::Random;

/// Kinds of faults, as `--fault` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// SIGKILL to a service's process at a random time
    Kill,
    /// SIGKILL, SIGSTOP or a reset at a named point
    Point,
    /// SIGSTOP to a process, SIGCONT a while later
    Freeze,
    /// SIGTERM to a process
    Restart,
    /// SIGKILL to the broker
    Broker,
    /// SIGKILL to the whole database server
    Postgres,
    /// Connections reset, delayed, stalled or squeezed
    Net,
    /// Subscriptions change hands again and again while entries are on their way
    HandOver,
    /// Copies of real messages, sent again by another producer
    Duplicate,
    /// A relay's cursor set back
    Rewind,
    /// Messages that cannot be read, or that nobody here may take
    Garbage,
    /// The payout provider fails at each step
    Provider,
}

/// One thing that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// SIGKILL.
    Kill(ReplicaId),
    /// At a named point.
    Trap(Trap),
    /// SIGSTOP for so many milliseconds.
    Freeze(ReplicaId, u64),
    /// SIGTERM.
    Restart(ReplicaId),
    /// The broker, killed.
    CrashBroker,
    /// The broker, stopped for so many milliseconds.
    FreezeBroker(u64),
    /// The database server, killed.
    CrashPostgres,
    /// A link, for so many milliseconds.
    Net(Owner, Target, Storm, u64),
    /// Each process of a service loses the broker in turn, so many times.
    HandOver(Service, u64),
    /// So many of the last messages of a topic come again.
    Duplicate(Topic, u64),
    /// A relay goes back by so many positions, and its process is killed.
    Rewind(Service, u64),
    /// A message to a topic.
    Garbage(Topic, Garbage),
    /// So many submissions.
    Provider(&'static str, u64),
    /// Look-ups, for so many milliseconds.
    ProviderBlind(u64),
}

/// What becomes of a link's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Storm {
    /// Reset.
    Cut,
    /// Slower by 50 to 500 milliseconds.
    Delay,
    /// Open, and nothing passes.
    Stall,
    /// 64 bytes at a time.
    Trickle,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Garbage {
    /// A real one, cut.
    Truncated,
    /// Nothing of ours at all.
    Noise,
    /// Of a kind that only a newer build knows.
    Newer,
    /// A fact, sent by who must not send it.
    Stranger,
}

/// One fault at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In milliseconds of the run.
    pub at_ms: u64,
    /// What.
    pub what: What,
}

/// All of them, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlan(pub Vec<Fault>);

/// What there is to break.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// The processes.
    pub replicas: &'a [ReplicaId],
    /// Whether there is a broker.
    pub broker: bool,
    /// Only these kinds; none: all.
    pub only: &'a [Kind],
}

/// The names that the simulator knows, of those after which the payout is paid all the same.
const PROVIDER_FAULTS: [&str; 6] = [
    "fail_before",
    "time_out_before",
    "time_out_after",
    "error_before",
    "error_after",
    "reject_after",
];

/// How often each kind comes, of all of them together.
const WEIGHTS: [(Kind, u64); 12] = [
    (Kind::Kill, 300),
    (Kind::Point, 400),
    (Kind::Freeze, 60),
    (Kind::Restart, 50),
    (Kind::Broker, 8),
    (Kind::Postgres, 14),
    (Kind::Net, 90),
    (Kind::HandOver, 30),
    (Kind::Duplicate, 30),
    (Kind::Rewind, 20),
    (Kind::Garbage, 24),
    (Kind::Provider, 18),
];

impl FaultPlan {
    /// The faults of a seed: one each `pace_ms` milliseconds, from the third second to the last. First each kind comes once, so that a
    /// short run breaks everything too, then as often as its weight says.
    pub fn new(seed: u64, seconds: u64, pace_ms: u64, field: &Field<'_>) -> Self {
        let mut random = Random::new(seed, "faults");
        let mut faults = Vec::new();
        let mut at_ms = 3_000;
        let mut first: Vec<Kind> = kinds(field).map(|(kind, _)| kind).collect();
        while at_ms < seconds * 1_000 {
            let kind = match first.len() {
                0 => draw_kind(&mut random, field),
                left => {
                    let drawn = random.below(left as u64);
                    Some(first.swap_remove(usize::try_from(drawn).unwrap_or_default()))
                }
            };
            let what = kind.map(|kind| draw(&mut random, kind, field));
            faults.extend(what.map(|what| Fault { at_ms, what }));
            at_ms += random.between(pace_ms / 2, pace_ms * 3 / 2).max(1);
        }
        Self(faults)
    }

    /// The first eight bytes of its SHA-256: equal plans have equal ones.
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(format!("{self:?}").as_bytes());
        devstack::stack::hex(&digest[..8])
    }
}

/// The kinds that there may be, with their weights.
fn kinds(field: &Field<'_>) -> impl Iterator<Item = (Kind, u64)> {
    let may = |kind: Kind| {
        let wanted = field.only.is_empty() || field.only.contains(&kind);
        let at_broker = [Kind::Broker, Kind::HandOver, Kind::Duplicate, Kind::Garbage];
        let needs_broker = at_broker.contains(&kind);
        wanted && (field.broker || !needs_broker)
    };
    WEIGHTS.into_iter().filter(move |(kind, _)| may(*kind))
}

fn draw_kind(random: &mut Random, field: &Field<'_>) -> Option<Kind> {
    let among: Vec<_> = kinds(field).collect();
    let mut left = random.below(among.iter().map(|(_, weight)| weight).sum());
    among.into_iter().find_map(|(kind, weight)| {
        let chosen = left < weight;
        left = left.saturating_sub(weight);
        chosen.then_some(kind)
    })
}

fn draw(random: &mut Random, kind: Kind, field: &Field<'_>) -> What {
    let replica = *random.pick(field.replicas);
    match kind {
        Kind::Kill => What::Kill(replica),
        Kind::Point => What::Trap(draw_trap(random, field)),
        Kind::Freeze => What::Freeze(replica, random.between(200, 5_000)),
        Kind::Restart => What::Restart(replica),
        Kind::Broker if random.percent(30) => What::FreezeBroker(random.between(500, 4_000)),
        Kind::Broker => What::CrashBroker,
        Kind::Postgres => What::CrashPostgres,
        Kind::Net => draw_storm(random, field),
        Kind::HandOver => What::HandOver(replica.service, random.between(1, 4)),
        Kind::Duplicate => What::Duplicate(*random.pick(&Topic::ALL), random.between(1, 50)),
        Kind::Rewind => What::Rewind(replica.service, random.between(1, 500)),
        Kind::Garbage => {
            let sorts = [
                Garbage::Truncated,
                Garbage::Noise,
                Garbage::Newer,
                Garbage::Stranger,
            ];
            let sort = *random.pick(&sorts);
            let may = |topic: &Topic| sort != Garbage::Stranger || !topic.is_commands();
            let topics: Vec<Topic> = Topic::ALL.into_iter().filter(may).collect();
            What::Garbage(*random.pick(&topics), sort)
        }
        Kind::Provider if random.percent(30) => What::ProviderBlind(random.between(500, 3_000)),
        Kind::Provider => {
            What::Provider(random.pick::<&str>(&PROVIDER_FAULTS), random.between(1, 3))
        }
    }
}

/// A point that this process can meet.
fn draw_trap(random: &mut Random, field: &Field<'_>) -> Trap {
    let victim = *random.pick(field.replicas);
    let can_meet = |point: &Point| match point {
        Point::Commit | Point::Committed | Point::Request | Point::Answer => true,
        Point::Send | Point::Receipt | Point::Message | Point::Ack => field.broker,
        Point::Submit | Point::Submitted => victim.service == Service::Payment,
    };
    let points: Vec<Point> = Point::ALL.into_iter().filter(can_meet).collect();
    let deed = match random.below(10) {
        0..8 => Deed::Kill,
        8 => Deed::Freeze,
        _ => Deed::Cut,
    };
    Trap {
        victim,
        point: *random.pick(&points),
        moment: *random.pick(&[Moment::Before, Moment::After]),
        deed,
    }
}

fn draw_storm(random: &mut Random, field: &Field<'_>) -> What {
    let owner = match random.below(5) {
        0 => Owner::Clients,
        _ => Owner::Replica(*random.pick(field.replicas)),
    };
    let mut targets = vec![Target::Database];
    targets.extend(field.broker.then_some(Target::Broker));
    if let Owner::Replica(replica) = owner {
        targets.extend((replica.service == Service::Payment).then_some(Target::Provider));
    } else {
        targets.remove(0); // clients know no database
    }
    targets.push(Target::Service(*random.pick(&Service::ALL)));
    let storms = [Storm::Cut, Storm::Delay, Storm::Stall, Storm::Trickle];
    let (target, storm) = (*random.pick(&targets), *random.pick(&storms));
    What::Net(owner, target, storm, random.between(200, 4_000))
}

impl What {
    /// Kind and target, as the report counts them.
    pub fn names(&self) -> (Kind, String, String) {
        let service = |id: &ReplicaId| id.service.name().to_owned();
        match self {
            Self::Kill(id) => (Kind::Kill, "kill".into(), service(id)),
            Self::Trap(trap) => {
                let line = format!("{:?} at {}", trap.deed, trap.point.name()).to_lowercase();
                (Kind::Point, line, service(&trap.victim))
            }
            Self::Freeze(id, _) => (Kind::Freeze, "freeze".into(), service(id)),
            Self::Restart(id) => (Kind::Restart, "restart".into(), service(id)),
            Self::CrashBroker => (Kind::Broker, "kill".into(), "pulsar".into()),
            Self::FreezeBroker(_) => (Kind::Broker, "freeze".into(), "pulsar".into()),
            Self::CrashPostgres => (Kind::Postgres, "kill".into(), "postgres".into()),
            Self::Net(_, target, storm, _) => {
                let line = format!("{storm:?}").to_lowercase();
                (Kind::Net, line, target.to_string())
            }
            Self::HandOver(service, _) => {
                (Kind::HandOver, "hand-over".into(), service.name().into())
            }
            Self::Duplicate(topic, _) => {
                (Kind::Duplicate, "duplicates".into(), topic.name().into())
            }
            Self::Rewind(service, _) => (Kind::Rewind, "rewind".into(), service.name().into()),
            Self::Garbage(topic, sort) => {
                let line = format!("{sort:?}").to_lowercase();
                (Kind::Garbage, line, topic.name().into())
            }
            Self::Provider(fault, _) => (Kind::Provider, (*fault).into(), "provider".into()),
            Self::ProviderBlind(_) => (Kind::Provider, "look-ups fail".into(), "provider".into()),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, what, target) = self.names();
        write!(f, "{what}, {target}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replicas() -> Vec<ReplicaId> {
        let one = |service| ReplicaId { service, number: 1 };
        Service::ALL.map(one).to_vec()
    }

    #[test]
    fn a_seed_gives_the_same_faults_and_another_seed_others() {
        let replicas = replicas();
        let field = Field {
            replicas: &replicas,
            broker: true,
            only: &[],
        };
        let digest = |seed| FaultPlan::new(seed, 60, 1_000, &field).digest();
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
    }

    #[test]
    fn half_an_hour_holds_a_thousand_kills_and_half_a_minute_every_kind_of_fault() {
        let replicas = replicas();
        let field = Field {
            replicas: &replicas,
            broker: true,
            only: &[],
        };
        let plan = FaultPlan::new(1, 1_800, 1_000, &field);
        let kills = plan.0.iter().filter(|fault| match fault.what {
            What::Kill(_) | What::CrashBroker | What::CrashPostgres => true,
            What::Trap(trap) => trap.deed == Deed::Kill,
            _ => false,
        });
        assert!(kills.count() >= 1_000);
        for seed in 1..50 {
            let plan = FaultPlan::new(seed, 30, 1_000, &field);
            for (kind, _) in WEIGHTS {
                let met = |fault: &Fault| fault.what.names().0 == kind;
                assert!(plan.0.iter().any(met), "{seed}: {kind:?}");
            }
        }
    }

    #[test]
    fn without_a_broker_nothing_of_it_is_broken() {
        let replicas = replicas();
        let field = Field {
            replicas: &replicas,
            broker: false,
            only: &[],
        };
        let plan = FaultPlan::new(1, 600, 500, &field);
        let of_broker = |fault: &Fault| {
            matches!(
                fault.what,
                What::CrashBroker
                    | What::FreezeBroker(_)
                    | What::HandOver(..)
                    | What::Net(_, Target::Broker, _, _)
            )
        };
        assert!(!plan.0.iter().any(of_broker));
    }
}
