//! Mutations from a seed: the same seed gives the same inputs.

/// Octets of an input; a growth that is not linear shows below this.
const MAX_INPUT: usize = 1 << 16;

/// SplitMix64: small, quick, and the same on every machine.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        (self.next_number() % bound) as usize
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

/// Inputs that grow out of a corpus: each is a mutation of one before it.
pub struct Pool {
    kept: Vec<Vec<u8>>,
    /// How many at the front are the corpus, which is never overwritten.
    fixed: usize,
    words: &'static [&'static str],
    random: Random,
}

/// Mutated inputs kept beside the corpus.
const DRIFT: usize = 256;

impl Pool {
    pub fn new(corpus: Vec<Vec<u8>>, words: &'static [&'static str], seed: u64) -> Self {
        let mut kept = corpus;
        kept.push(Vec::new());
        Self { fixed: kept.len(), kept, words, random: Random(seed) }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let at = self.random.below(self.kept.len());
        let mut input = self.kept.get(at).cloned().unwrap_or_default();
        for _ in 0..=self.random.below(8) {
            self.mutate(&mut input);
        }
        input.truncate(MAX_INPUT);
        if self.random.below(8) == 0 && input.len() < 4096 {
            let slot = self.fixed + self.random.below(DRIFT);
            match self.kept.get_mut(slot) {
                Some(old) => old.clone_from(&input),
                None => self.kept.push(input.clone()),
            }
        }
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.random.below(input.len() + 1);
        let length = self.random.below(32.min(input.len() - at) + 1);
        let range = at..at + length;
        match self.random.below(12) {
            0 => {
                let bit = 1 << self.random.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= bit;
                }
            }
            1 => {
                let byte = self.random.below(256) as u8;
                input.insert(at, byte);
            }
            2 => drop(input.drain(range)),
            3 => {
                let piece = input.get(range).unwrap_or_default().to_vec();
                let to = self.random.below(input.len() + 1);
                drop(input.splice(to..to, piece));
            }
            4 => input.truncate(at),
            5 => {
                let other = self.random.below(self.kept.len());
                let other = self.kept.get(other).map(Vec::as_slice).unwrap_or_default();
                let from = self.random.below(other.len() + 1);
                let piece = other.get(from..).unwrap_or_default().to_vec();
                drop(input.splice(at..at, piece));
            }
            6 => self.repeat(input, at, length),
            _ => {
                let word = self.random.pick(self.words).copied().unwrap_or(" ");
                drop(input.splice(at..at, word.bytes()));
            }
        }
    }

    /// One word or piece many times over, which is where time that is not linear shows.
    fn repeat(&mut self, input: &mut Vec<u8>, at: usize, length: usize) {
        let piece = match self.random.below(2) {
            0 => self.random.pick(self.words).copied().unwrap_or(" ").as_bytes().to_vec(),
            _ => input.get(at..at + length).unwrap_or_default().to_vec(),
        };
        let most = match self.random.below(32) {
            0 => MAX_INPUT,
            1..8 => 2048,
            _ => 128,
        };
        let times = self.random.below(most / piece.len().max(1) + 1);
        drop(input.splice(at..at, piece.repeat(times)));
    }
}
