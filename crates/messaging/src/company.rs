//! When nobody more is to be expected: whoever waits for an answer sends nothing meanwhile.

/// So many batches are remembered: of those who come at random, one of them had more than come at once again.
const REMEMBERED: usize = 16;

/// How many callers the last batches had.
#[derive(Debug, Clone, Default)]
pub(crate) struct Company {
    had: [usize; REMEMBERED],
    next: usize,
}

impl Company {
    /// Notes how many the batch had that begins.
    pub(crate) fn had(&mut self, callers: usize) {
        self.had[self.next] = callers;
        self.next = (self.next + 1) % REMEMBERED;
    }

    /// Whether as many wait as the largest of the last batches had. Of callers that ask again when they are answered, all are there then,
    /// and it would be for nothing to wait for more.
    pub(crate) fn is_there(&self, waiting: usize) -> bool {
        self.had.iter().all(|had| waiting >= *had)
    }
}
