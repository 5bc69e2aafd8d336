//! One command and one reply of the Redis protocol (RESP 2), as little as a test needs.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Nil,
    /// `+OK` and its like.
    Status(String),
    /// The whole line, its code first: `NOAUTH Authentication required.`
    Error(String),
    Integer(i64),
    Data(Vec<u8>),
    List(Vec<Reply>),
}

impl Reply {
    /// A status, error, number or data as text; nil is empty.
    ///
    /// # Panics
    /// It is a list.
    #[track_caller]
    pub fn text(&self) -> String {
        match self {
            Self::Nil => String::new(),
            Self::Status(text) | Self::Error(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Data(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::List(_) => panic!("a list: {self:?}"),
        }
    }

    /// # Panics
    /// It is no number.
    #[track_caller]
    pub fn integer(&self) -> i64 {
        let Self::Integer(number) = self else { panic!("no number: {self:?}") };
        *number
    }

    /// The texts of a list.
    ///
    /// # Panics
    /// It is no list, or holds one.
    #[track_caller]
    pub fn texts(&self) -> Vec<String> {
        let Self::List(items) = self else { panic!("no list: {self:?}") };
        items.iter().map(Reply::text).collect()
    }
}

/// An open connection, for what one command cannot show: `SELECT`, `MULTI`, `WATCH`.
#[derive(Debug)]
pub struct RedisConnection {
    stream: BufReader<TcpStream>,
}

impl RedisConnection {
    /// To a loopback port, which may be that of a [`Link`](crate::Link); not signed in.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn open(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// # Errors
    /// The server died or the connection ended before the reply was whole: the command may or may not have been done.
    pub fn command(&mut self, words: &[&str]) -> io::Result<Reply> {
        self.send(words)?;
        self.reply()
    }

    /// Only says it: a reply is waited for by another call.
    ///
    /// # Errors
    /// The connection ended.
    pub fn send(&mut self, words: &[&str]) -> io::Result<()> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        write(self.stream.get_mut(), &words)
    }

    /// Replies are waited for so long, and not for half a minute.
    pub fn within(&self, limit: Duration) {
        self.stream.get_ref().set_read_timeout(Some(limit)).expect("a time above zero");
    }

    /// # Errors
    /// The connection ended, or the time is up.
    pub fn reply(&mut self) -> io::Result<Reply> {
        read(&mut self.stream)
    }
}

fn write(to: &mut impl Write, words: &[&[u8]]) -> io::Result<()> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    to.write_all(&bytes)
}

fn read(from: &mut impl BufRead) -> io::Result<Reply> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    // a number cut short is another number
    let line = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut rest = line.chars();
    let kind = rest.next();
    let rest = rest.as_str();
    let number = || rest.parse::<i64>().map_err(|_| io::Error::other(format!("no number: {line}")));
    Ok(match kind {
        Some('+') => Reply::Status(rest.to_owned()),
        Some('-') => Reply::Error(rest.to_owned()),
        Some(':') => Reply::Integer(number()?),
        Some('$') => match usize::try_from(number()?) {
            Ok(length) => {
                let mut bytes = vec![0; length + 2];
                from.read_exact(&mut bytes)?;
                bytes.truncate(length);
                Reply::Data(bytes)
            }
            Err(_) => Reply::Nil,
        },
        Some('*') => match usize::try_from(number()?) {
            Ok(length) => Reply::List((0..length).map(|_| read(from)).collect::<io::Result<_>>()?),
            Err(_) => Reply::Nil,
        },
        _ => return Err(io::Error::other(format!("no reply: {line}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::{Reply, read, write};

    #[test]
    fn replies_are_read_as_they_were_said() {
        let data = |bytes: &[u8]| Reply::Data(bytes.to_vec());
        let cases = [
            ("+OK\r\n", Some(Reply::Status("OK".into()))),
            ("-ERR no\r\n", Some(Reply::Error("ERR no".into()))),
            (":-7\r\n", Some(Reply::Integer(-7))),
            ("$4\r\na\r\nb\r\n", Some(data(b"a\r\nb"))),
            ("$0\r\n\r\n", Some(data(b""))),
            ("$-1\r\n", Some(Reply::Nil)),
            ("*-1\r\n", Some(Reply::Nil)),
            (
                "*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
                Some(Reply::List(vec![Reply::List(vec![Reply::Integer(1)]), data(b"x")])),
            ),
            ("", None),
            (":12", None),
            ("+OK\r", None),
            ("$4\r\na", None),
            (":x\r\n", None),
            ("hello\r\n", None),
        ];
        for (bytes, reply) in cases {
            assert_eq!(read(&mut bytes.as_bytes()).ok(), reply, "{bytes:?}");
        }
        let mut said = Vec::new();
        write(&mut said, &[b"SET", b"", b"a\r\n"]).unwrap();
        assert_eq!(said, b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\na\r\n\r\n");
    }
}
