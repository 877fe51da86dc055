//! When something is sent again that was not taken.

use types::Micros;

use crate::receivers::Answered;
use crate::store::sending::Next;

/// How long after each attempt the next one is, in seconds: what the Standard Webhooks specification proposes. Three days, all in all.
const AFTER_SECONDS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// A receiver may ask for more time, up to this.
const MAX_RETRY_AFTER_SECONDS: i64 = 3_600;
const GONE: u16 = 410;

/// What follows on an attempt, of which there were `before`. `jitter` keeps those that failed together from coming back together.
pub(super) fn next(
    before: i32,
    answered: Result<&Answered, &String>,
    now: Micros,
    jitter: u8,
) -> Next {
    let (status, retry_after) = match answered {
        Ok(answered) => (Some(answered.status), answered.retry_after),
        Err(_) => (None, None),
    };
    match status {
        Some(200..=299) => return Next::Delivered,
        Some(GONE) => return Next::GiveUp("gone"),
        _ => {}
    }
    let wanted = i64::from(retry_after.unwrap_or_default());
    let wanted = wanted.min(MAX_RETRY_AFTER_SECONDS);
    again(before, wanted, now, jitter).map_or(Next::GiveUp("failing"), Next::At)
}

/// When something is tried again that was tried so often and once more, and that is not wanted sooner than in so many seconds; `None`: it
/// was tried as often as it is to be.
pub(super) fn again(before: i32, wanted: i64, now: Micros, jitter: u8) -> Option<Micros> {
    let before = usize::try_from(before).ok()?;
    let micros = AFTER_SECONDS.get(before)?.max(&wanted) * 1_000_000;
    let later = micros / 10 * i64::from(jitter) / 255;
    let at = now.checked_add_micros(micros + later);
    Some(at.unwrap_or(Micros(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<u32>) -> Answered {
        Answered {
            status,
            answer: String::new(),
            retry_after,
        }
    }

    #[test]
    fn what_is_taken_is_done_and_who_is_gone_is_asked_no_more() {
        let next = |status| next(0, Ok(&answered(status, None)), Micros(0), 0);
        assert_eq!(next(200), Next::Delivered);
        assert_eq!(next(204), Next::Delivered);
        assert_eq!(next(410), Next::GiveUp("gone"));
        for status in [302, 400, 404, 429, 500] {
            assert_eq!(next(status), Next::At(Micros(5_000_000)), "{status}");
        }
    }

    #[test]
    fn what_is_not_taken_is_tried_for_days_and_then_no_more() {
        let nothing = "it cannot be reached".to_owned();
        let mut at = Micros(0);
        for before in 0..9 {
            match next(before, Err(&nothing), at, 0) {
                Next::At(later) => at = later,
                other => panic!("{before}: {other:?}"),
            }
        }
        assert_eq!(at, Micros(272_105_000_000));
        assert_eq!(next(9, Err(&nothing), at, 0), Next::GiveUp("failing"));
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_within_bounds_and_never_for_less() {
        let next = |wanted| next(0, Ok(&answered(503, Some(wanted))), Micros(0), 0);
        assert_eq!(next(60), Next::At(Micros(60_000_000)));
        assert_eq!(next(1), Next::At(Micros(5_000_000)));
        assert_eq!(next(u32::MAX), Next::At(Micros(3_600_000_000)));
    }

    #[test]
    fn those_that_failed_together_come_back_apart() {
        let nothing = String::new();
        let next = |jitter| next(1, Err(&nothing), Micros(0), jitter);
        assert_eq!(next(255), Next::At(Micros(330_000_000)));
        assert_eq!(next(0), Next::At(Micros(300_000_000)));
    }
}
