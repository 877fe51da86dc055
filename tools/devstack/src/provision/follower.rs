//! `tributary follower`: a durable subscription of somebody else's system, and the right to use it.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use reqwest::Method;
use schemas::{Service, Topic};
use types::ids;

use super::work::{Mode, Need, Outcome, State, Step, Wanted, Work};
use super::{Look, Place, names};
use crate::infra;
use crate::layout::Layout;
use crate::progress::Progress;
use crate::settings::Settings;
use crate::stack::ADMIN_ROLE;

/// A system that follows events, by a subscription that keeps what it has not acknowledged.
#[derive(Args, Clone, Debug)]
pub struct Follower {
    /// Its role at the broker, and the name of its subscription
    name: String,
    /// Topics of events
    #[arg(required = true, value_parser = events)]
    topics: Vec<Topic>,
    /// Distinguishes several subscriptions of the role: then the name is NAME-SYSTEM
    #[arg(long)]
    system: Option<String>,
    /// Take the subscription and the right away again: what it has not acknowledged is lost to it
    #[arg(long)]
    remove: bool,
}

fn events(name: &str) -> Result<Topic, String> {
    let topic = Topic::parse(name).filter(|topic| !topic.is_commands());
    topic.ok_or_else(|| {
        let all = Topic::ALL.into_iter().filter(|topic| !topic.is_commands());
        let all: Vec<_> = all.map(Topic::name).collect();
        format!("expected one of {}", all.join(", "))
    })
}

impl Follower {
    /// A system by this name, which follows these topics.
    pub fn new(name: impl Into<String>, topics: Vec<Topic>) -> Self {
        Self {
            name: name.into(),
            topics,
            system: None,
            remove: false,
        }
    }

    /// The same for one of several systems.
    #[must_use]
    pub fn for_system(mut self, system: &str) -> Self {
        self.system = Some(system.to_owned());
        self
    }

    /// The same, to be taken away.
    #[must_use]
    pub fn removed(mut self) -> Self {
        self.remove = true;
        self
    }

    /// Makes the subscriptions or takes them away, and reports what the follower needs, or what is left to an administrator.
    pub async fn run(&self, layout: &Layout, progress: Progress) -> Result<ExitCode> {
        let settings = Settings::load(layout)?;
        let (place, grants) = (infra::place(&settings)?, settings.broker_grants()?);
        let outcome = place.follower(self, grants).await?;
        let folder = layout.state.join("provision");
        let requests = outcome.requests(settings.need("PULSAR_ADMIN_URL")?, &folder);
        for line in outcome.done.iter().chain(&outcome.notes).chain(&requests) {
            progress.note(line);
        }
        if !outcome.tasks.is_empty() {
            return Ok(ExitCode::FAILURE);
        }
        if self.remove {
            return Ok(ExitCode::SUCCESS);
        }
        let url = settings.need("PULSAR_SERVICE_URL")?;
        eprintln!(
            "For the follower: {url}, subscription {}",
            self.subscription()
        );
        for topic in &self.topics {
            eprintln!("  {}", place.topic_name(*topic));
        }
        if let Some(tokens) = settings.broker_tokens()? {
            eprintln!("Its token:");
            println!("{}", tokens.token(&self.name)?);
        } else if grants {
            let name = &self.name;
            eprintln!("Its token, of the role {name}, is made by who runs the broker.");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn subscription(&self) -> String {
        match &self.system {
            Some(system) => format!("{}-{system}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether a subscription is of one of its systems.
    fn has(&self, subscription: &str) -> bool {
        let of_system = subscription.strip_prefix(&self.name);
        of_system.is_some_and(|system| system.is_empty() || system.starts_with('-'))
    }

    /// A role uses every subscription that begins with its name, so no service's may.
    fn check(&self) -> Result<()> {
        let subscription = self.subscription();
        ensure!(
            ids::is_valid(&self.name) && ids::is_valid(&subscription),
            "{subscription:?}: {}",
            ids::InvalidId
        );
        let ours = Service::ALL.map(Service::name);
        let met = ours.into_iter().chain([ADMIN_ROLE]);
        let met = met.into_iter().find(|it| it.starts_with(&self.name));
        if let Some(met) = met {
            anyhow::bail!(
                "{}: a role may use every subscription that begins with its name, and {met} is ours",
                self.name
            );
        }
        Ok(())
    }
}

impl Place {
    /// Brings the subscriptions of a follower, at Earliest, to what is wanted, and with `grants` what its role may do. Safe to
    /// repeat; what the token may not do is left as tasks.
    pub async fn follower(&self, follower: &Follower, grants: bool) -> Result<Outcome> {
        follower.check()?;
        let mut work = Work::new(&self.admin, Mode::Change);
        for topic in &follower.topics {
            let brought = self.follower_of(*topic, follower, grants, &mut work).await;
            brought.with_context(|| topic.name())?;
        }
        work.finish()
    }

    async fn follower_of(
        &self,
        topic: Topic,
        follower: &Follower,
        grants: bool,
        work: &mut Work<'_>,
    ) -> Result<()> {
        let name = follower.subscription();
        let (mut looked, mut has_others) = (Vec::new(), false);
        for partition in 0..self.partitions {
            let path = format!("{}-partition-{partition}/subscriptions", self.topic(topic));
            let (found, unread) = match work.look(&path).await? {
                Look::Found(found) => (names(&found), None),
                Look::Absent => anyhow::bail!("there is no such topic: ./tributary provision"),
                Look::Denied(why) => (Vec::new(), Some(why)),
            };
            let is_other = |found: &String| *found != name && follower.has(found);
            has_others |= unread.is_some() || found.iter().any(is_other);
            looked.push((partition, found.contains(&name), unread));
        }
        // The right is the role's, whatever its systems: it goes with the last of them, and before its subscription, which it may be
        // connected to.
        if grants && follower.remove && !has_others {
            self.grant_follower(topic, &follower.name, &[], work)
                .await?;
        }
        for (partition, is_there, unread) in looked {
            if unread.is_none() && is_there != follower.remove {
                continue;
            }
            let (wanted, done) = if follower.remove {
                self.no_subscription(topic, partition, &name)
            } else {
                self.subscription_at_earliest(topic, partition, &name)
            };
            match unread {
                Some(why) => work.ask(wanted, State::Unread, why),
                None => drop(work.change(wanted, done).await?),
            }
        }
        if grants && !follower.remove {
            let due = ["consume".to_owned()];
            self.grant_follower(topic, &follower.name, &due, work)
                .await?;
        }
        Ok(())
    }

    async fn grant_follower(
        &self,
        topic: Topic,
        role: &str,
        due: &[String],
        work: &mut Work<'_>,
    ) -> Result<()> {
        let due_now = if due.is_empty() { "not use" } else { "consume" };
        let wanted = Wanted {
            what: format!("what {role} may do at {topic}"),
            need: Need::Must,
            step: self.grant_step(topic, role, due),
        };
        let path = format!("{}/permissions", self.topic(topic));
        match work.look(&path).await? {
            Look::Denied(why) => work.ask(wanted, State::Unread, why),
            Look::Found(found) if names(&found[role]) == due => {}
            Look::Found(_) | Look::Absent => {
                let done = format!("{role} may {due_now} {topic}");
                work.change(wanted, done).await?;
            }
        }
        Ok(())
    }

    fn no_subscription(&self, topic: Topic, partition: u32, name: &str) -> (Wanted, String) {
        let (of, on, path) = self.names_of(topic, partition, name);
        let command = format!("topics unsubscribe {on}");
        let wanted = Wanted {
            what: format!("no {of}"),
            need: Need::Must,
            step: Step::new(command, Method::DELETE, path, None),
        };
        (wanted, format!("removed {of}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_is_given_subscriptions_of_ours_by_the_beginning_of_their_names() {
        for taken in ["bff", "b", "pay", "tracking", "admin", "a b", ""] {
            let follower = Follower::new(taken, vec![Topic::TrackingEvents]);
            assert!(follower.check().is_err(), "{taken:?}");
        }
        for free in ["acme-shop", "bffs", "tracking-of-acme"] {
            let follower = Follower::new(free, vec![Topic::TrackingEvents]);
            assert!(follower.check().is_ok(), "{free}");
        }
    }

    #[test]
    fn only_topics_of_events_are_followed() {
        assert_eq!(events("tracking-events"), Ok(Topic::TrackingEvents));
        for other in ["payment-commands", "payments"] {
            let error = events(other).unwrap_err();
            assert!(error.contains("expected one of campaign-events"), "{error}");
        }
    }
}
