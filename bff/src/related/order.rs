//! The causal order of messages: none before what caused it or before what its log had earlier, and else by time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use schemas::Service;
use uuid::Uuid;

use super::Found;

/// Time, log and place in the log: messages that do not depend on each other are ordered by it.
type Place = (i64, Service, i64);

/// Sorts by cause and log, and then by time. What names itself as its cause, by whichever way around, comes last.
pub(crate) fn sort(messages: &mut Vec<Found>) {
    let places: Vec<(Uuid, Option<Uuid>, Place)> = messages
        .iter()
        .map(|found| {
            let row = &found.row;
            (
                row.id,
                row.causation_id,
                (row.time, found.service, row.position),
            )
        })
        .collect();
    let order = order(&places);
    let mut taken: Vec<Option<Found>> = messages.drain(..).map(Some).collect();
    messages.extend(order.into_iter().filter_map(|index| taken[index].take()));
}

/// The indexes in their order.
fn order(messages: &[(Uuid, Option<Uuid>, Place)]) -> Vec<usize> {
    let mut index_of: HashMap<Uuid, usize> = HashMap::with_capacity(messages.len());
    for (index, (id, ..)) in messages.iter().enumerate() {
        index_of.entry(*id).or_insert(index);
    }
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); messages.len()];
    let mut waits_for: Vec<usize> = vec![0; messages.len()];
    let mut depend = |first: usize, then: usize| {
        if first != then {
            after[first].push(then);
            waits_for[then] += 1;
        }
    };
    for (index, (_, cause, _)) in messages.iter().enumerate() {
        if let Some(cause) = cause.and_then(|cause| index_of.get(&cause)) {
            depend(*cause, index);
        }
    }
    let mut by_log: Vec<usize> = (0..messages.len()).collect();
    by_log.sort_unstable_by_key(|index| {
        let (_, service, position) = messages[*index].2;
        (service, position)
    });
    for pair in by_log.windows(2) {
        if messages[pair[0]].2.1 == messages[pair[1]].2.1 {
            depend(pair[0], pair[1]);
        }
    }
    let ready = (0..messages.len()).filter(|index| waits_for[*index] == 0);
    let mut ready: BinaryHeap<Reverse<(Place, usize)>> = ready
        .map(|index| Reverse((messages[index].2, index)))
        .collect();
    let mut ordered = Vec::with_capacity(messages.len());
    let mut is_placed = vec![false; messages.len()];
    while let Some(Reverse((_, index))) = ready.pop() {
        ordered.push(index);
        is_placed[index] = true;
        for then in &after[index] {
            waits_for[*then] -= 1;
            if waits_for[*then] == 0 {
                ready.push(Reverse((messages[*then].2, *then)));
            }
        }
    }
    let mut rest: Vec<usize> = (0..messages.len())
        .filter(|index| !is_placed[*index])
        .collect();
    rest.sort_unstable_by_key(|index| messages[*index].2);
    ordered.extend(rest);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn at(
        number: u128,
        cause: Option<u128>,
        time: i64,
        service: Service,
    ) -> (Uuid, Option<Uuid>, Place) {
        (id(number), cause.map(id), (time, service, time))
    }

    #[test]
    fn a_cause_comes_before_its_effects_whatever_their_clocks_say() {
        let messages = [
            at(3, Some(2), 90, Service::Payment),
            at(2, Some(1), 200, Service::Tracking),
            at(1, None, 100, Service::Bff),
            at(4, Some(7), 95, Service::Commission),
        ];
        assert_eq!(order(&messages), [3, 2, 1, 0]);
    }

    #[test]
    fn what_does_not_depend_on_each_other_is_ordered_by_time() {
        let messages = [
            at(1, None, 10, Service::Bff),
            at(2, Some(1), 30, Service::Tracking),
            at(3, Some(1), 20, Service::Commission),
        ];
        assert_eq!(order(&messages), [0, 2, 1]);
    }

    #[test]
    fn what_a_log_has_later_comes_later_although_nothing_of_it_is_its_cause() {
        let messages = [
            at(1, None, 50, Service::Payment),
            at(2, Some(3), 40, Service::Payment),
            at(3, None, 900, Service::Commission),
        ];
        assert_eq!(order(&messages), [2, 1, 0]);
    }

    #[test]
    fn a_circle_of_causes_ends_and_loses_nothing() {
        let messages = [
            at(1, Some(2), 10, Service::Bff),
            at(2, Some(1), 20, Service::Tracking),
            at(3, Some(3), 30, Service::Payment),
        ];
        assert_eq!(order(&messages), [2, 0, 1]);
    }
}
