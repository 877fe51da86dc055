//! What each service may do at a broker that asks for tokens: made from the table of kinds.

use anyhow::{Result, bail};
use reqwest::Method;
use schemas::{Grants, Service, Topic};
use serde_json::{Value, json};

use super::work::{Mode, Need, State, Step, Wanted, Work};
use super::{Look, Place, Report};

impl Place {
    /// Grants each service, by the role of its name, what the design gives it, and takes away what it does not. Roles of
    /// others stay as they are. Safe to repeat; fails where something stays undone.
    pub async fn grant(&self) -> Result<Report> {
        let mut work = Work::new(&self.admin, Mode::Change);
        self.grants(&mut work).await?;
        let outcome = work.finish()?;
        if let Some(task) = outcome.tasks.first() {
            bail!("{}: {}", task.what, task.why);
        }
        Ok(outcome.done)
    }

    pub(super) async fn grants(&self, work: &mut Work<'_>) -> Result<()> {
        self.own_subscriptions_only(work).await?;
        for topic in Topic::ALL {
            let path = format!("{}/permissions", self.topic(topic));
            let (found, unread) = match work.look(&path).await? {
                Look::Found(found) => (found, None),
                Look::Absent => (Value::Null, None),
                Look::Denied(why) => (Value::Null, Some(why)),
            };
            for service in Service::ALL {
                let due = actions(topic.grants(service));
                let has = sorted(&found[service.name()]);
                if has == due && (unread.is_none() || due.is_empty()) {
                    continue;
                }
                let wanted = Wanted {
                    what: format!("what each service may do at {topic}"),
                    need: Need::Must,
                    step: self.grant_step(topic, service.name(), &due),
                };
                let done = format!(
                    "{service} may {} {topic} (could {})",
                    spoken(&due),
                    spoken(&has)
                );
                match &unread {
                    Some(why) => work.ask(wanted, State::Unread, why.clone()),
                    None => drop(work.change(wanted, done).await?),
                }
            }
        }
        Ok(())
    }

    pub(super) fn grant_step(&self, topic: Topic, role: &str, due: &[String]) -> Step {
        let (name, path) = (self.topic_name(topic), self.topic(topic));
        let path = format!("{path}/permissions/{role}");
        if due.is_empty() {
            let command = format!("topics revoke-permission {name} --role {role}");
            return Step::new(command, Method::DELETE, path, None);
        }
        let command = format!(
            "topics grant-permission {name} --role {role} --actions {}",
            due.join(",")
        );
        Step::new(command, Method::POST, path, Some(json!(due)))
    }

    /// A role may only use subscriptions whose names begin with its own: nobody acknowledges in another's name.
    async fn own_subscriptions_only(&self, work: &mut Work<'_>) -> Result<()> {
        let namespace = self.path();
        let path = format!("namespaces/{namespace}/subscriptionAuthMode");
        let command = format!("namespaces set-subscription-auth-mode {namespace} -m Prefix");
        let wanted = Wanted {
            what: "a role uses only subscriptions that bear its name".to_owned(),
            need: Need::Advised,
            step: Step::new(command, Method::POST, &path, Some(json!("Prefix"))),
        };
        match work.look(&path).await? {
            Look::Found(mode) if mode == json!("Prefix") => {}
            Look::Denied(why) => work.ask(wanted, State::Unread, why),
            Look::Found(_) | Look::Absent => {
                let done = wanted.what.clone();
                work.change(wanted, done).await?;
            }
        }
        Ok(())
    }
}

fn actions(grants: Grants) -> Vec<String> {
    let named = [("consume", grants.consume), ("produce", grants.produce)];
    let granted = named.into_iter().filter(|(_, granted)| *granted);
    granted.map(|(name, _)| name.to_owned()).collect()
}

fn sorted(found: &Value) -> Vec<String> {
    let actions = found.as_array().into_iter().flatten();
    let mut actions: Vec<String> = actions
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    actions.sort_unstable();
    actions
}

fn spoken(actions: &[String]) -> String {
    if actions.is_empty() {
        "not use".to_owned()
    } else {
        actions.join(" and ")
    }
}
