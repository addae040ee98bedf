//! Reads a spool as `farechain generate` writes it, into memory.

use std::error::Error;
use std::fs;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use farechain_core::json::{self, Tokens, Value};

type Bytes = Option<Vec<u8>>;

/// A line of a spool.
pub struct Record {
    pub offset: u64,
    pub timestamp_ms: i64,
    pub key: Bytes,
    pub headers: Vec<(Vec<u8>, Bytes)>,
    pub value: Bytes,
}

/// Every file of a spool in the order of their names.
///
/// # Errors
/// A file that cannot be read, or has a line that is no record.
pub fn read(dir: &Path) -> Result<Vec<Vec<Record>>, Box<dyn Error>> {
    let mut paths: Vec<_> =
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = fs::read(path)?;
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            lines.map(|line| record(line).ok_or_else(|| format!("{}: no record", path.display()).into())).collect()
        })
        .collect()
}

fn record(line: &[u8]) -> Option<Record> {
    let mut tokens = Tokens::default();
    let document = json::parse(line, &mut tokens).ok()?;
    let member = |name: &str| document.root().members()?.find(|(found, _)| *found == name).map(|(_, value)| value);
    let headers = member("headers")?.items()?.map(|header| {
        let mut parts = header.items()?;
        Some((bytes(parts.next()?)?.unwrap_or_default(), bytes(parts.next()?)?))
    });
    Some(Record {
        offset: member("offset")?.as_number()?.parse().ok()?,
        timestamp_ms: member("timestamp")?.as_number()?.parse().ok()?,
        key: bytes(member("key")?)?,
        headers: headers.collect::<Option<_>>()?,
        value: bytes(member("value")?)?,
    })
}

/// Base64 or null; a header's name is written as it is, and no name of a header is base64.
#[allow(clippy::option_option, reason = "outer: damaged; inner: null, as the broker has it")]
fn bytes(value: Value<'_>) -> Option<Bytes> {
    if value.is_null() {
        return Some(None);
    }
    let text = value.as_text()?;
    Some(Some(BASE64_STANDARD.decode(text.as_bytes()).unwrap_or_else(|_| text.as_bytes().to_vec())))
}
