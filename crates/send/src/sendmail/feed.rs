//! The mail into the program's stdin.

use crate::Mail;
use memchr::memmem;
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};

/// Octets gathered for one write; all that is ever held of the mail a second time.
const BLOCK: usize = 16 * 1024;

/// Writes the whole mail and closes stdin.
pub(super) async fn feed(
    stdin: Option<impl AsyncWrite + Unpin>,
    mail: &Mail,
    convert_crlf: bool,
) -> io::Result<()> {
    let stdin = stdin.ok_or(io::ErrorKind::BrokenPipe)?;
    let mut out = BufWriter::with_capacity(BLOCK, stdin);
    // The header ends with CRLF, so none stands across the two.
    for part in [&mail.header, &mail.body] {
        let mut done = 0;
        if convert_crlf {
            for at in memmem::find_iter(part, b"\r\n") {
                out.write_all(part.get(done..at).unwrap_or_default()).await?;
                done = at + 1;
            }
        }
        out.write_all(part.get(done..).unwrap_or_default()).await?;
    }
    out.flush().await?;
    out.shutdown().await
}
