//! Writes the file of a shard again, with what was in memory.

use std::path::Path;

use super::base::Writer;
use super::base_path;
use super::shard::{DEPTH, Shard};
use crate::error::LedgerError;

/// The shard with all of its entries in a new file, which holds what came up to frame `sequence`.
pub(super) fn written_again(dir: &Path, shard: &Shard, number: u8, sequence: u64) -> Result<Shard, LedgerError> {
    let mut writer = Writer::new(&base_path(dir, number))?;
    let tree = shard.tree.rewritten(&shard.base, &mut |entries| {
        let first = writer.entries;
        writer.extend(entries)?;
        Ok(first)
    })?;
    let mut buckets = Vec::new();
    tree.store(DEPTH, &mut buckets);
    Ok(Shard::new(writer.ended()?.finish(&buckets, sequence)?, tree))
}
