//! How long a service that has ended waits until it is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// A service that ran for this long is well again: its next end counts as the first.
const WELL: Duration = Duration::from_secs(20);

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after an end, given how long the service ran: 1, 2, 4 ... 30 seconds.
    pub fn after(&mut self, ran: Duration) -> Duration {
        if ran >= WELL {
            self.failures = 0;
        }
        let pause = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures += 1;
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_longest_pause() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u64> = (0..7).map(|_| backoff.after(Duration::ZERO).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!((0..100).map(|_| backoff.after(Duration::ZERO)).max(), Some(LONGEST));
    }

    #[test]
    fn begins_anew_after_a_good_run() {
        let mut backoff = Backoff::default();
        backoff.after(Duration::ZERO);
        backoff.after(Duration::ZERO);
        assert_eq!(backoff.after(WELL), FIRST);
        assert_eq!(backoff.after(Duration::ZERO), FIRST * 2);
    }
}
