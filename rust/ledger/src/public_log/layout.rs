//! Where the public log's resources stand (C2SP tlog-tiles): names of tiles and entry bundles, nothing of their content.

use std::fmt;

/// Hashes in a full tile, entries in a full bundle.
pub(super) const WIDTH: u64 = 256;
/// Tile levels that a log of less than 2^64 entries can have.
pub(super) const LEVELS: u8 = 8;

/// Which row of resources: the entries, or the hashes of a tile level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Row {
    /// Entry bundles.
    Entries,
    /// Tiles whose hashes are those of 256^level entries each.
    Level(u8),
}

/// A tile or an entry bundle. `Display` writes its path below the public directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    pub row: Row,
    /// Its place in the row.
    pub index: u64,
    /// How many hashes or entries it has, 1 to 256; below 256 it is partial.
    pub width: u64,
}

impl Row {
    /// What a row of a tree of `size` entries has: hashes of a level, or entries.
    pub(super) fn length(self, size: u64) -> u64 {
        match self {
            Row::Entries => size,
            Row::Level(level) => size.checked_shr(8 * u32::from(level)).unwrap_or(0),
        }
    }

    /// Every row of a tree of `size` entries, entries first.
    pub(super) fn all(size: u64) -> impl Iterator<Item = Row> {
        let levels = (0..LEVELS).map(Row::Level).filter(move |row| row.length(size) > 0);
        std::iter::once(Row::Entries).chain(levels)
    }

    /// The last tile of the row, if it is partial.
    pub(super) fn partial(self, size: u64) -> Option<Tile> {
        let length = self.length(size);
        let (index, width) = (length / WIDTH, length % WIDTH);
        (width > 0).then_some(Tile { row: self, index, width })
    }

    /// Tile `index` as a tree of `size` entries has it; `None` where that tree does not reach it.
    pub(super) fn tile(self, index: u64, size: u64) -> Option<Tile> {
        let width = self.length(size).checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        (width > 0).then_some(Tile { row: self, index, width })
    }
}

impl Tile {
    /// Whether it will never change again.
    pub(super) fn is_full(self) -> bool {
        self.width == WIDTH
    }

    /// The full tile of the same place.
    pub(super) fn full(self) -> Tile {
        Tile { width: WIDTH, ..self }
    }

    /// The path of the directory with the partial forms of this place.
    pub(super) fn partials(self) -> String {
        format!("{}.p", self.full())
    }

    /// Reads a path below the public directory; `None` for any but the one that is written.
    pub(super) fn parse(path: &str) -> Option<Tile> {
        let (row, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let row = if row == "entries" { Row::Entries } else { Row::Level(row.parse().ok()?) };
        let (place, width) = match rest.split_once(".p/") {
            Some((place, width)) => (place, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
            None => (rest, WIDTH),
        };
        let mut index = 0u64;
        for part in place.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Tile { row, index, width };
        (tile.to_string() == path).then_some(tile)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Row::Entries => f.write_str("tile/entries")?,
            Row::Level(level) => write!(f, "tile/{level}")?,
        }
        let mut divisor = 1u64;
        while self.index / divisor >= 1000 {
            divisor *= 1000;
        }
        while divisor > 1 {
            write!(f, "/x{:03}", self.index / divisor % 1000)?;
            divisor /= 1000;
        }
        write!(f, "/{:03}", self.index % 1000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(row: Row, index: u64, width: u64) -> Tile {
        Tile { row, index, width }
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        for (tile, path) in [
            (tile(Row::Level(0), 0, 256), "tile/0/000"),
            (tile(Row::Level(1), 1_234_067, 256), "tile/1/x001/x234/067"),
            (tile(Row::Level(0), 273, 112), "tile/0/273.p/112"),
            (tile(Row::Entries, 1000, 1), "tile/entries/x001/000.p/1"),
        ] {
            assert_eq!(tile.to_string(), path);
            assert_eq!(Tile::parse(path), Some(tile));
        }
        for path in
            ["tile/0/0", "tile/00/000", "tile/0/x000/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "x"]
        {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
        assert_eq!(
            Tile::parse(&tile(Row::Entries, u64::MAX, 256).to_string()),
            Some(tile(Row::Entries, u64::MAX, 256))
        );
    }

    /// The example of C2SP tlog-tiles, "Partial Tiles".
    #[test]
    fn a_log_of_70000_entries_has_the_tiles_of_the_specification() {
        let partial: Vec<String> =
            Row::all(70_000).filter_map(|row| row.partial(70_000)).map(|t| t.to_string()).collect();
        assert_eq!(partial, ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
        assert_eq!(Row::Level(0).tile(272, 70_000).map(Tile::is_full), Some(true));
        assert_eq!(Row::Level(0).tile(274, 70_000), None);
        assert_eq!(Row::Level(0).partial(256), None);
        assert_eq!(Row::Level(1).partial(256), Some(tile(Row::Level(1), 0, 1)));
    }
}
