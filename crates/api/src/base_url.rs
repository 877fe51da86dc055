//! Under which addresses people reach services.

use chassis::config::{Env, Profile};
use variables::ServiceUrl;

/// What a variable says, each with an example; absent, in the local profile: the address of a service, as
/// this machine's browsers reach it.
pub(crate) fn read(
    env: &mut Env,
    (name, example): (&'static str, &'static str),
    (service, local): (&'static str, &'static str),
) -> Option<ServiceUrl> {
    let given = env.optional(name, example);
    if given.is_none() && Profile::read(env).is_local() {
        let within: Option<ServiceUrl> = env.optional(service, local);
        return within.map(|url| url.published());
    }
    given
}
