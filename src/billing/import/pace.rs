//! How many accounts go into one commit: as many as are written in the time that payments may wait, and
//! more of them while none comes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::billing::Settings;

/// Accounts of the first chunk.
const FIRST: usize = 500;
/// Fewer than this are not worth a commit, however slow the disk.
const LEAST: usize = 100;
/// While no payment comes, a commit may take this many times as long: the first one that comes waits for it.
const ALONE: u32 = 5;

/// The size of the next chunk.
#[derive(Debug)]
pub(super) struct Pace {
    size: AtomicUsize,
    most: usize,
    wish: Duration,
}

impl Pace {
    pub(super) fn new(settings: &Settings) -> Self {
        let most = settings.chunk_accounts;
        let wish = Duration::from_millis(settings.chunk_milliseconds);
        Self { size: AtomicUsize::new(FIRST.min(most)), most, wish }
    }

    /// How many accounts the next chunk takes.
    pub(super) fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    /// A chunk was written in so much time, with payments in between or without: as many as fit when it
    /// took too long, a quarter more when there was time left for them.
    pub(super) fn took(&self, elapsed: Duration, payments: bool) {
        let size = self.size();
        let wish = if payments { self.wish } else { self.wish * ALONE };
        let next = match elapsed {
            elapsed if elapsed > wish * 2 => {
                size / usize::try_from(elapsed.as_millis() / wish.as_millis().max(1)).unwrap_or(2)
            }
            elapsed if elapsed * 4 < wish * 3 => size + size / 4,
            _ => size,
        };
        self.size.store(next.clamp(LEAST.min(self.most), self.most), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_grow_to_the_most_and_shrink_to_the_least() {
        let pace = Pace { size: AtomicUsize::new(FIRST), most: 4000, wish: Duration::from_millis(50) };
        for _ in 0..20 {
            pace.took(Duration::from_millis(10), true);
        }
        assert_eq!(pace.size(), 4000);
        pace.took(Duration::from_millis(60), true);
        assert_eq!(pace.size(), 4000, "about right is left alone");
        pace.took(Duration::from_millis(250), false);
        assert_eq!(pace.size(), 4000, "nobody waits");
        pace.took(Duration::from_millis(250), true);
        assert_eq!(pace.size(), 800, "the first payment waited: a fifth as many from now on");
        for _ in 0..20 {
            pace.took(Duration::from_secs(1), false);
        }
        assert_eq!(pace.size(), LEAST);
        let small = Pace { size: AtomicUsize::new(5), most: 5, wish: Duration::from_millis(50) };
        small.took(Duration::from_secs(1), true);
        assert_eq!(small.size(), 5);
    }
}
