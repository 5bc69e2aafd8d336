//! Taking a script's answer apart.

use crate::error::StoreError;
use crate::job::JobId;
use bytes::Bytes;
use redis::Value;

/// An answer that is not of the form it must have.
pub(super) fn odd(what: &str) -> StoreError {
    StoreError::Format(format!("a script in Redis answered something else than {what}"))
}

pub(super) fn list(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(odd("a list")),
    }
}

/// A row, to be taken field by field.
pub(super) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(super) fn of(value: Value) -> Result<Self, StoreError> {
        list(value).map(|values| Self(values.into_iter()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(super) fn value(&mut self) -> Result<Value, StoreError> {
        self.0.next().ok_or_else(|| odd("so many fields"))
    }

    pub(super) fn octets(&mut self) -> Result<Vec<u8>, StoreError> {
        octets(self.value()?)
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, StoreError> {
        self.octets().map(Bytes::from)
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        String::from_utf8(self.octets()?).map_err(|_| odd("text"))
    }

    pub(super) fn id(&mut self) -> Result<JobId, StoreError> {
        id(&self.text()?)
    }

    pub(super) fn number<N: std::str::FromStr>(&mut self) -> Result<N, StoreError> {
        self.text()?.parse().map_err(|_| odd("a number"))
    }
}

pub(super) fn octets(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(octets) => Ok(octets),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        Value::Okay => Ok(b"OK".to_vec()),
        Value::Int(n) => Ok(n.to_string().into_bytes()),
        Value::Nil => Ok(Vec::new()),
        _ => Err(odd("a string")),
    }
}

pub(super) fn id(text: &str) -> Result<JobId, StoreError> {
    text.parse().map_err(|_| odd("an id"))
}
