//! BLAKE3's compression of one block a lane, written once for every width of register.

/// First block of a chunk.
pub const CHUNK_START: u32 = 1;
/// Last block of a chunk.
pub const CHUNK_END: u32 = 1 << 1;
/// The compression that gives the output.
pub const ROOT: u32 = 1 << 3;
/// The key is a caller's.
pub const KEYED: u32 = 1 << 4;

/// The first four words of the initial vector.
pub const IV: [u32; 4] = [0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A];

/// Which message word each place of a round takes (BLAKE3, 2.2, the permutation applied 0 to 6 times).
pub const SCHEDULE: [[usize; 16]; 7] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8],
    [3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1],
    [10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6],
    [12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4],
    [9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7],
    [11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13],
];

/// The words of a key.
pub fn key_words(key: &[u8; 32]) -> [u32; 8] {
    let (words, _) = key.as_chunks::<4>();
    std::array::from_fn(|i| u32::from_le_bytes(words[i]))
}

/// Blocks of a message; an empty one has one.
pub fn blocks(bytes: usize) -> usize {
    bytes.div_ceil(super::BLOCK_BYTES).max(1)
}

/// Defines `compress` for a register of words, one a lane, with the instructions that `add`, `xor`, `rotate` and `all`
/// (the same word in every lane) stand for.
macro_rules! compression {
    ($features:literal, $words:ty, $add:ident, $xor:ident, $rotate:ident, $all:ident) => {
        /// The chaining values after one block a lane: the first block counter of a chunk of its own, always 0.
        #[inline]
        #[target_feature(enable = $features)]
        fn compress(chaining: &[$words; 8], block: &[$words; 16], length: $words, flags: $words) -> [$words; 8] {
            let [a, b, c, d, e, f, g, h] = *chaining;
            let [i, j, k, l] = $crate::blake3::compression::IV.map(|word| $all(word));
            let mut v = [a, b, c, d, e, f, g, h, i, j, k, l, $all(0), $all(0), length, flags];
            round::<0>(&mut v, block);
            round::<1>(&mut v, block);
            round::<2>(&mut v, block);
            round::<3>(&mut v, block);
            round::<4>(&mut v, block);
            round::<5>(&mut v, block);
            round::<6>(&mut v, block);
            [0, 1, 2, 3, 4, 5, 6, 7].map(|i: usize| $xor(v[i], v[i + 8]))
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn round<const ROUND: usize>(v: &mut [$words; 16], block: &[$words; 16]) {
            let m = $crate::blake3::compression::SCHEDULE[ROUND];
            quarter(v, [0, 4, 8, 12], block[m[0]], block[m[1]]);
            quarter(v, [1, 5, 9, 13], block[m[2]], block[m[3]]);
            quarter(v, [2, 6, 10, 14], block[m[4]], block[m[5]]);
            quarter(v, [3, 7, 11, 15], block[m[6]], block[m[7]]);
            quarter(v, [0, 5, 10, 15], block[m[8]], block[m[9]]);
            quarter(v, [1, 6, 11, 12], block[m[10]], block[m[11]]);
            quarter(v, [2, 7, 8, 13], block[m[12]], block[m[13]]);
            quarter(v, [3, 4, 9, 14], block[m[14]], block[m[15]]);
        }

        /// BLAKE3's G.
        #[inline]
        #[target_feature(enable = $features)]
        fn quarter(v: &mut [$words; 16], [a, b, c, d]: [usize; 4], x: $words, y: $words) {
            v[a] = $add($add(v[a], v[b]), x);
            v[d] = $rotate::<16>($xor(v[d], v[a]));
            v[c] = $add(v[c], v[d]);
            v[b] = $rotate::<12>($xor(v[b], v[c]));
            v[a] = $add($add(v[a], v[b]), y);
            v[d] = $rotate::<8>($xor(v[d], v[a]));
            v[c] = $add(v[c], v[d]);
            v[b] = $rotate::<7>($xor(v[b], v[c]));
        }
    };
}
pub(super) use compression;
