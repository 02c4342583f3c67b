//! How much of what waits is committed together: pure, so that it can be tested without a thread.

/// What a waiting job is for the batch it may go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A command of about this many bytes.
    Command(usize),
    /// Something that has a transaction of its own: a seal counts what is committed, and a write is
    /// not a command.
    Alone,
}

/// How large a batch may grow.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Commands, at most.
    pub commands: usize,
    /// Bytes of commands, at most; a single larger one goes alone.
    pub bytes: usize,
}

/// Why a batch ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nothing else waits.
    NothingWaits,
    /// It has as many commands as it may.
    Commands,
    /// It has as many bytes as it may.
    Bytes,
    /// What comes next, or is in it, has a transaction of its own.
    Alone,
}

impl Stop {
    /// The word in the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NothingWaits => "nothing_waits",
            Self::Commands => "commands",
            Self::Bytes => "bytes",
            Self::Alone => "alone",
        }
    }
}

/// How many of the waiting jobs make the next batch, and why no more. At least one, if any waits.
pub fn next_batch(waiting: impl IntoIterator<Item = Size>, limits: Limits) -> (usize, Stop) {
    let (mut count, mut bytes) = (0, 0usize);
    for size in waiting {
        match size {
            Size::Alone => return (count.max(1), Stop::Alone),
            Size::Command(_) if count == limits.commands.max(1) => return (count, Stop::Commands),
            Size::Command(more) if count > 0 && bytes.saturating_add(more) > limits.bytes => {
                return (count, Stop::Bytes);
            }
            Size::Command(more) => {
                count += 1;
                bytes = bytes.saturating_add(more);
            }
        }
    }
    let stop = if count == limits.commands.max(1) { Stop::Commands } else { Stop::NothingWaits };
    (count, stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { commands: 3, bytes: 100 };

    #[test]
    fn a_batch_takes_what_waits_and_no_more_than_it_may() {
        let command = Size::Command;
        assert_eq!(next_batch([], LIMITS), (0, Stop::NothingWaits));
        assert_eq!(next_batch([command(10)], LIMITS), (1, Stop::NothingWaits));
        assert_eq!(next_batch([command(10); 9], LIMITS), (3, Stop::Commands));
        assert_eq!(next_batch([command(60), command(41)], LIMITS), (1, Stop::Bytes));
        assert_eq!(next_batch([command(500), command(1)], LIMITS), (1, Stop::Bytes));
        assert_eq!(next_batch([command(1), Size::Alone], LIMITS), (1, Stop::Alone));
        assert_eq!(next_batch([Size::Alone, command(1)], LIMITS), (1, Stop::Alone));
    }

    proptest! {
        #[test]
        fn every_queue_is_emptied_in_its_order(sizes in prop::collection::vec(0usize..150, 0..40)) {
            let size = |bytes: &usize| if bytes.is_multiple_of(7) { Size::Alone } else { Size::Command(*bytes) };
            let mut waiting: Vec<Size> = sizes.iter().map(size).collect();
            let mut rounds = 0;
            while !waiting.is_empty() {
                let (count, _) = next_batch(waiting.iter().copied(), LIMITS);
                prop_assert!((1..=LIMITS.commands).contains(&count));
                prop_assert!(count == 1 || !waiting[..count].contains(&Size::Alone));
                waiting.drain(..count);
                rounds += 1;
            }
            prop_assert!(rounds <= sizes.len());
        }
    }
}
