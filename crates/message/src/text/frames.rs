//! Lists, entries, quotes and tables that stand in one another.

/// Frames that may be open at once; deeper ones are flattened.
const MAX_DEPTH: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bullets,
    Numbers,
    Entry,
    Quote,
    Table,
}

pub(super) struct Frame {
    pub(super) kind: Kind,
    /// Length of the prefix to go back to.
    pub(super) prefix: usize,
    /// The next number of a list, the cells so far of a table's row.
    pub(super) count: u32,
}

#[derive(Default)]
pub(super) struct Frames {
    open: Vec<Frame>,
    flattened: usize,
}

impl Frames {
    /// False when the element is nested too deep and is flattened.
    pub(super) fn push(&mut self, kind: Kind, prefix: usize, count: u32) -> bool {
        if self.open.len() >= MAX_DEPTH {
            self.flattened += 1;
            return false;
        }
        self.open.push(Frame { kind, prefix, count });
        true
    }

    /// Takes back one flattened element, if there is any.
    pub(super) fn pop_flattened(&mut self) -> bool {
        let any = self.flattened > 0;
        self.flattened = self.flattened.saturating_sub(1);
        any
    }

    /// Where the innermost frame of that kind is.
    pub(super) fn innermost(&self, kind: Kind) -> Option<usize> {
        self.open.iter().rposition(|f| f.kind == kind)
    }

    /// Whether some frame before `at` is an entry of a list.
    pub(super) fn is_in_entry(&self, at: usize) -> bool {
        self.open.iter().take(at).any(|f| f.kind == Kind::Entry)
    }

    /// Closes the frame at `at` and all in it; the prefix to go back to.
    pub(super) fn close(&mut self, at: usize) -> usize {
        let prefix = self.open.get(at).map_or(0, |f| f.prefix);
        self.open.truncate(at);
        prefix
    }

    /// Whether an entry is open that no list or table stands in.
    pub(super) fn entry_is_innermost(&self) -> bool {
        let last = self.open.iter().rev().find(|f| f.kind != Kind::Quote);
        last.is_some_and(|f| f.kind == Kind::Entry)
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Frame> {
        self.open.last_mut()
    }

    pub(super) fn is_table(&self) -> bool {
        self.open.last().is_some_and(|f| f.kind == Kind::Table)
    }

    pub(super) fn table(&mut self) -> Option<&mut Frame> {
        self.open.iter_mut().rev().find(|f| f.kind == Kind::Table)
    }

    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }
}
