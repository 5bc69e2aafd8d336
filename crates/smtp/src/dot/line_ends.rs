//! Checks that CR and LF come only as CRLF (RFC 5321 2.3.8), across any split.

/// A CR without LF or an LF without CR: what lets one peer see an end of data where another sees none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bare CR or LF in the message")]
pub struct BareLineEnd;

/// Remembers between chunks whether a CR waits for its LF.
#[derive(Debug, Default, Clone)]
pub struct LineEnds {
    after_cr: bool,
}

impl LineEnds {
    /// Checks the next chunk.
    pub fn check(&mut self, chunk: &[u8]) -> Result<(), BareLineEnd> {
        let mut rest = chunk;
        if self.after_cr {
            match rest.split_first() {
                None => return Ok(()),
                Some((b'\n', tail)) => rest = tail,
                Some(_) => return Err(BareLineEnd),
            }
        }
        self.after_cr = false;
        while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
            match rest.get(at..) {
                Some([b'\r', b'\n', tail @ ..]) => rest = tail,
                Some([b'\r']) => {
                    self.after_cr = true;
                    return Ok(());
                }
                _ => return Err(BareLineEnd),
            }
        }
        Ok(())
    }

    /// Call at the end: a CR that still waits is bare.
    pub fn finish(&self) -> Result<(), BareLineEnd> {
        if self.after_cr { Err(BareLineEnd) } else { Ok(()) }
    }
}
