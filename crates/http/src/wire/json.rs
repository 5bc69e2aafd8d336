//! JSON as it was written: key order kept, repeated keys refused, memory bounded by the text.

use aws_lc_rs::digest::{Context, SHA256};
use postrider::FieldError;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// Values in one text. A batch of 100 messages to 1,000 recipients each fits.
const MAX_VALUES: u32 = 250_000;

/// A JSON value that borrows its texts where it can.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(Cow<'a, str>),
    /// An array of nothing but integers from 0 to 255: one octet each, so that a file sent this way
    /// takes no more room than it must.
    Octets(Vec<u8>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Reads one JSON text. Nesting is bounded by the parser (128), the number of values by `MAX_VALUES`.
pub(crate) fn read(text: &[u8]) -> Result<Json<'_>, Vec<FieldError>> {
    let seen = Cell::new(0);
    let mut parser = serde_json::Deserializer::from_slice(text);
    let value = Seed(&seen).deserialize(&mut parser);
    value.and_then(|value| parser.end().map(|()| value)).map_err(|error| {
        vec![FieldError { field: "body".into(), problem: format!("cannot be read as JSON: {error}") }]
    })
}

impl Json<'_> {
    /// What the value is, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Octets(_) | Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// SHA-256 of the value; the order of keys does not count.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        self.hash(&mut hash);
        let mut out = [0; 32];
        out.copy_from_slice(hash.finish().as_ref());
        out
    }

    /// Each value is hashed with its kind and length, so that no two values look alike.
    fn hash(&self, hash: &mut Context) {
        let mut mark = |kind: u8, length: usize, octets: &[u8]| {
            hash.update(&[kind]);
            hash.update(&length.to_be_bytes());
            hash.update(octets);
        };
        match self {
            Self::Null => mark(b'n', 0, b""),
            Self::Bool(value) => mark(b'b', 1, &[u8::from(*value)]),
            Self::Number(number) => {
                let text = number.to_string();
                mark(b'd', text.len(), text.as_bytes());
            }
            Self::Text(text) => mark(b's', text.len(), text.as_bytes()),
            Self::Octets(octets) => mark(b'o', octets.len(), octets),
            Self::Array(values) => {
                mark(b'a', values.len(), b"");
                values.iter().for_each(|value| value.hash(hash));
            }
            Self::Object(entries) => {
                mark(b'm', entries.len(), b"");
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by(|a, b| a.0.cmp(&b.0));
                for (key, value) in sorted {
                    Json::Text(Cow::Borrowed(key)).hash(hash);
                    value.hash(hash);
                }
            }
        }
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => out.serialize_unit(),
            Self::Bool(value) => out.serialize_bool(*value),
            Self::Number(number) => number.serialize(out),
            Self::Text(text) => out.serialize_str(text),
            Self::Octets(octets) => octets.serialize(out),
            Self::Array(values) => {
                let mut seq = out.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| seq.serialize_element(value))?;
                seq.end()
            }
            Self::Object(entries) => {
                let mut map = out.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

/// Counts the values of the whole text.
#[derive(Clone, Copy)]
struct Seed<'c>(&'c Cell<u32>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl Seed<'_> {
    fn count<E: Error>(self, more: usize) -> Result<(), E> {
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        self.0.set(self.0.get().saturating_add(more));
        if self.0.get() > MAX_VALUES {
            return Err(E::custom(format_args!("it holds more than {MAX_VALUES} values; split it")));
        }
        Ok(())
    }
}

fn octet(value: &Json<'_>) -> Option<u8> {
    match value {
        Json::Number(number) => number.as_u64().and_then(|n| u8::try_from(n).ok()),
        _ => None,
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut octets = Vec::new();
        let mut values = loop {
            let Some(value) = seq.next_element_seed(self)? else {
                return Ok(if octets.is_empty() { Json::Array(Vec::new()) } else { Json::Octets(octets) });
            };
            match octet(&value) {
                Some(octet) => octets.push(octet),
                None => {
                    self.count(octets.len() + 1)?;
                    let numbers = octets.into_iter().map(|o| Json::Number(o.into()));
                    break numbers.chain([value]).collect::<Vec<_>>();
                }
            }
        };
        while let Some(value) = seq.next_element_seed(self)? {
            self.count(1)?;
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<(Cow<'de, str>, Json<'de>)> = Vec::new();
        let mut keys = std::collections::HashSet::new();
        while let Some(key) = map.next_key_seed(self)? {
            self.count(1)?;
            let Json::Text(key) = key else {
                return Err(A::Error::custom("a key is not a string"));
            };
            if !keys.insert(key.clone()) {
                return Err(A::Error::custom(format_args!("the key \"{key}\" stands twice; keep one")));
            }
            entries.push((key, map.next_value_seed(self)?));
        }
        Ok(Json::Object(entries))
    }
}
