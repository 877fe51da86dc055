//! `tributary follower`: a durable subscription of somebody else's system, and the right to use it.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use reqwest::Method;
use schemas::{Service, Topic};
use serde_json::Value;
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

    /// Whether a subscription is of one of its systems, and not of one of these other roles, whose names may begin with its own.
    fn has(&self, subscription: &str, others: &[String]) -> bool {
        let is_of = |role: &str| {
            let system = subscription.strip_prefix(role);
            system.is_some_and(|system| system.is_empty() || system.starts_with('-'))
        };
        let mut longer = others.iter().filter(|role| role.starts_with(&self.name));
        is_of(&self.name) && !longer.any(|role| is_of(role))
    }

    /// Why it may not stand beside these other roles at a topic: one of the two could use the other's subscriptions.
    fn meets(&self, topic: Topic, others: &[String]) -> Option<String> {
        let name = &self.name;
        let is_met = |role: &&String| role.starts_with(name) || name.starts_with(*role);
        let met = others.iter().find(is_met)?;
        Some(format!(
            "{name}: a role may use every subscription that begins with its name, and {met} follows {topic}: of the two names neither may \
             begin with the other"
        ))
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
        let mut topics = Vec::new();
        for topic in &follower.topics {
            let others = if grants {
                self.others_beside(*topic, follower, &mut work).await?
            } else {
                Vec::new()
            };
            topics.push((*topic, others));
        }
        for (topic, others) in topics {
            let brought = self.follower_of(topic, follower, (grants, &others), &mut work);
            brought.await.with_context(|| topic.name())?;
        }
        work.finish()
    }

    /// The roles of others' systems that consume a topic, as far as they may be seen. One that would share subscriptions with the follower
    /// is refused, or noted where both are there already.
    async fn others_beside(
        &self,
        topic: Topic,
        follower: &Follower,
        work: &mut Work<'_>,
    ) -> Result<Vec<String>> {
        let path = format!("{}/permissions", self.topic(topic));
        let Look::Found(found) = work.look(&path).await? else {
            return Ok(Vec::new());
        };
        let consumes = |actions: &Value| names(actions).iter().any(|it| it == "consume");
        let mut others = Vec::new();
        for (role, actions) in found.as_object().into_iter().flatten() {
            let is_other = *role != follower.name && Service::parse(role).is_none();
            if is_other && consumes(actions) {
                others.push(role.clone());
            }
        }
        match follower.meets(topic, &others) {
            Some(problem) if !follower.remove => {
                ensure!(consumes(&found[&follower.name]), problem);
                work.note(format!("note: {problem}"));
            }
            _ => {}
        }
        Ok(others)
    }

    async fn follower_of(
        &self,
        topic: Topic,
        follower: &Follower,
        (grants, others): (bool, &[String]),
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
            let is_other = |found: &String| *found != name && follower.has(found, others);
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
    fn of_two_roles_neither_name_begins_with_the_other() {
        let acme = Follower::new("acme", vec![Topic::TrackingEvents]);
        for (other, meets) in [
            ("acme-shop", true),
            ("acme2", true),
            ("ac", true),
            ("shop", false),
        ] {
            let found = acme.meets(Topic::TrackingEvents, &[other.to_owned()]);
            assert_eq!(found.is_some(), meets, "{other}");
        }
        let others = ["acme-shop".to_owned(), "ac".to_owned()];
        for (subscription, is_its) in [
            ("acme", true),
            ("acme-billing", true),
            ("acme-shop", false),
            ("acme-shop-1", false),
            ("acme2", false),
        ] {
            assert_eq!(acme.has(subscription, &others), is_its, "{subscription}");
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
