//! `EXTERNAL_PRODUCERS`: systems of brands that may send commands by the broker, each with its keys.

use chassis::config::Env;
use schemas::Service;
use schemas::signature::Producers;

const NAME: &str = "EXTERNAL_PRODUCERS";

/// Of every service that takes commands.
pub(super) fn read(env: &mut Env, service: Service) -> Producers {
    let text = service.commands_topic().and_then(|_| env.text(NAME));
    Producers::parse(&text.unwrap_or_default()).unwrap_or_else(|problems| {
        for problem in problems {
            let example = "a line of ./tributary producer-key NAME --brand BRAND";
            env.report(NAME, problem.to_string(), example);
        }
        Producers::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_entry_is_reported_at_once_without_its_secret_and_the_bff_reads_none() {
        let list = "shop:brand1:k1:hush;bff:brand1:k1:0123456789abcdef0123456789abcdef";
        let reported = |service| {
            let mut env = Env::from_map([(NAME, list)]);
            read(&mut env, service);
            env.finish()
                .map_or_else(|all| all.to_string(), |()| String::new())
        };
        let all = reported(Service::Tracking);
        assert!(all.contains("entry 1") && all.contains("entry 2"), "{all}");
        assert!(
            !all.contains("hush") && !all.contains("0123456789"),
            "{all}"
        );
        assert_eq!(reported(Service::Bff), "");
    }
}
