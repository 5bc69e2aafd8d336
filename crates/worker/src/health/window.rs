//! How many of a relay's connections may work at one time: one more after each window of good mails,
//! half after a throttle (additive increase, multiplicative decrease).

/// The adaptive bound; between 1 and the settings' number.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    open: usize,
    most: usize,
    /// Mails taken since the last change.
    good: usize,
}

/// Mails per open connection that a relay must take before it is trusted with one more.
const GOOD: usize = 8;

impl Window {
    pub(crate) fn new(most: usize) -> Self {
        Self { open: most.max(1), most: most.max(1), good: 0 }
    }

    /// Whether the connection with this number (from 0) may work.
    pub(crate) fn admits(&self, connection: usize) -> bool {
        connection < self.open
    }

    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// The relay took a mail; whether a connection more may work now.
    pub(crate) fn good(&mut self) -> bool {
        if self.open == self.most {
            return false;
        }
        self.good += 1;
        let grows = self.good >= self.open * GOOD;
        if grows {
            (self.open, self.good) = (self.open + 1, 0);
        }
        grows
    }

    /// The relay is back after an outage: it is given mail over one connection, and more as it takes it.
    pub(crate) fn restart(&mut self) {
        (self.open, self.good) = (1, 0);
    }

    /// The relay said that it is too much.
    pub(crate) fn throttled(&mut self) {
        (self.open, self.good) = (self.open.div_ceil(2), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_halves_and_good_mails_add_one_by_one() {
        let mut window = Window::new(10);
        assert!(window.admits(9) && !window.admits(10));
        let halves: Vec<_> = (0..5).map(|_| (window.throttled(), window.open()).1).collect();
        assert_eq!(halves, [5, 3, 2, 1, 1]);
        let mut mails = Vec::new();
        for open in 1..10 {
            mails.push((1..).find(|_| window.good()).unwrap());
            assert_eq!(window.open(), open + 1);
        }
        assert_eq!(mails, [8, 16, 24, 32, 40, 48, 56, 64, 72]);
        assert!(!window.good());
        assert_eq!(window.open(), 10);
    }
}
