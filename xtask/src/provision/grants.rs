//! What each service may do at a broker that asks for tokens: made from the table of kinds.

use anyhow::Result;
use schemas::{Grants, Service, Topic};
use serde_json::{Value, json};

use super::{Place, Report};

impl Place {
    /// Grants each service, by the role of its name, what the design gives it, and takes away what it does not. Roles of
    /// others stay as they are. Safe to repeat.
    pub async fn grant(&self) -> Result<Report> {
        let mut report = Report::new();
        self.own_subscriptions_only(&mut report).await?;
        for topic in Topic::ALL {
            let url = format!("{}/permissions", self.topic(topic));
            let found = self.admin.get(&url).await?;
            for service in Service::ALL {
                let wanted = actions(topic.grants(service));
                let url = format!("{url}/{service}");
                let has = sorted(&found[service.name()]);
                if has == wanted {
                    continue;
                }
                if wanted.is_empty() {
                    self.admin.delete(&url).await?;
                } else {
                    self.admin.post(&url, &json!(wanted)).await?;
                }
                report.push(format!(
                    "{service} may {} {topic} (could {})",
                    spoken(&wanted),
                    spoken(&has)
                ));
            }
        }
        Ok(report)
    }

    /// A role may only use subscriptions whose names begin with its own: nobody acknowledges in another's name.
    async fn own_subscriptions_only(&self, report: &mut Report) -> Result<()> {
        let url = format!("namespaces/{}/subscriptionAuthMode", self.path());
        if self.admin.find(&url).await? != Some(json!("Prefix")) {
            self.admin.post(&url, &json!("Prefix")).await?;
            report.push("a role uses only subscriptions that bear its name".to_owned());
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
