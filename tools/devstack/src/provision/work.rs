//! Bringing a broker to what is wanted: what may be done is done, and what may not is asked of who may.

use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::Value;

use super::Admin;
use super::admin::{Answer, Look};

/// Whether anything may be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What differs is changed, as far as the token may.
    Change,
    /// Nothing is changed, only reported.
    Verify,
}

/// How much the services need something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Without it they do not run, or messages may be lost.
    Must,
    /// It keeps strangers from doing harm, or eases looking into things.
    Advised,
}

/// What is known of something that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is not so.
    Missing,
    /// This token may not see whether it is so.
    Unread,
}

/// One change at the broker, in both ways to make it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The arguments of `pulsar-admin`; where a file is needed, [`Step::FILE`] stands for its name.
    pub arguments: String,
    /// The same as a request to `<admin url>/admin/v2/<path>`.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its body.
    pub body: Option<Value>,
    /// The name of the file that holds the body, where that is long.
    pub file: Option<String>,
}

impl Step {
    /// Stands for the file's place in the arguments.
    pub const FILE: &str = "{file}";

    pub(super) fn new(
        arguments: impl Into<String>,
        method: Method,
        path: impl Into<String>,
        body: Option<Value>,
    ) -> Self {
        Self {
            arguments: arguments.into(),
            method,
            path: path.into(),
            body,
            file: None,
        }
    }
}

/// What somebody with more rights has to do, or to look at.
#[derive(Clone, Debug)]
pub struct Task {
    /// What is wanted.
    pub what: String,
    /// How much.
    pub need: Need,
    /// What is known of it.
    pub state: State,
    /// Why it is not done, or not known: the broker's answer.
    pub why: String,
    /// What makes it so.
    pub steps: Vec<Step>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What was changed.
    pub done: Vec<String>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// What is left to others.
    pub tasks: Vec<Task>,
}

impl Outcome {
    /// Those tasks of which this is known.
    pub fn tasks_that_are(&self, need: Need, state: State) -> Vec<&Task> {
        let tasks = self.tasks.iter();
        tasks
            .filter(|task| (task.need, task.state) == (need, state))
            .collect()
    }
}

/// Something wanted, as it is asked for.
pub(super) struct Wanted {
    pub what: String,
    pub need: Need,
    pub step: Step,
}

pub(super) struct Work<'a> {
    admin: &'a Admin,
    mode: Mode,
    has_seen: bool,
    denial: Option<String>,
    pub outcome: Outcome,
}

impl<'a> Work<'a> {
    pub fn new(admin: &'a Admin, mode: Mode) -> Self {
        Self {
            admin,
            mode,
            has_seen: false,
            denial: None,
            outcome: Outcome::default(),
        }
    }

    /// What the broker has there.
    pub async fn look(&mut self, path: &str) -> Result<Look> {
        let look = self.admin.look(path).await?;
        match &look {
            Look::Found(_) => self.has_seen = true,
            Look::Denied(why) => self.denial = Some(why.clone()),
            // To somebody without rights even what is there may be said to be absent.
            Look::Absent => {}
        }
        Ok(look)
    }

    /// Makes it so; true when it is so now. `done` is reported when it was not so before.
    pub async fn change(&mut self, wanted: Wanted, done: impl Into<String>) -> Result<Answer> {
        if self.mode == Mode::Verify {
            let why = "nothing is changed with --verify".to_owned();
            self.ask(wanted, State::Missing, why.clone());
            return Ok(Answer::Denied(why));
        }
        let Step {
            method, path, body, ..
        } = &wanted.step;
        let answer = self.admin.ask(method.clone(), path, body.as_ref()).await?;
        match &answer {
            Answer::Done => self.outcome.done.push(done.into()),
            Answer::Exists => {}
            Answer::Denied(why) => {
                let why = why.clone();
                self.ask(wanted, State::Missing, why);
            }
        }
        Ok(answer)
    }

    /// Leaves it to others.
    pub fn ask(&mut self, wanted: Wanted, state: State, why: String) {
        let Wanted { what, need, step } = wanted;
        // What takes several steps is one task.
        if let Some(last) = self.outcome.tasks.last_mut()
            && (last.what == what && last.state == state)
        {
            last.steps.push(step);
            return;
        }
        self.outcome.tasks.push(Task {
            what,
            need,
            state,
            why,
            steps: vec![step],
        });
    }

    pub fn note(&mut self, text: impl Into<String>) {
        self.outcome.notes.push(text.into());
    }

    /// A token that may look at nothing at all is a wrong one.
    pub fn finish(self) -> Result<Outcome> {
        if let (false, Some(why)) = (self.has_seen, &self.denial) {
            bail!(
                "the broker's admin interface lets this token see nothing at all ({why}): is PULSAR_TOKEN the right one, not \
                 expired, and are PULSAR_TENANT and PULSAR_NAMESPACE its own?"
            );
        }
        Ok(self.outcome)
    }
}
