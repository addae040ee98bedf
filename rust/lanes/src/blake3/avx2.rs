//! Eight messages at a time, one a lane, on processors with AVX2.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_blendv_epi8, _mm256_cmpeq_epi32, _mm256_cmpgt_epi32, _mm256_loadu_si256,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set_epi64x, _mm256_set1_epi32, _mm256_shuffle_epi8,
    _mm256_slli_epi32, _mm256_srli_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use farechain_core::digest::{self, Digest};

use super::compression::{CHUNK_END, CHUNK_START, KEYED, ROOT, blocks, compression, key_words};
use super::{BLOCK_BYTES, Lanes};

const LANES: usize = 8;

/// What proves that this processor has AVX2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    /// Asks the processor, once a process.
    pub fn detect() -> Option<Avx2> {
        is_x86_feature_detected!("avx2").then_some(Avx2(()))
    }
}

impl Lanes<LANES> for Avx2 {
    #[allow(unsafe_code, reason = "entering code that needs AVX2 is what this module is for")]
    fn chunks(self, key: &[u8; 32], messages: [&[u8]; LANES]) -> [Digest; LANES] {
        let Avx2(()) = self;
        // SAFETY: the callee asks for nothing but AVX2, and an `Avx2` exists only where `detect` found it.
        unsafe { chunks(key, messages) }
    }

    #[allow(unsafe_code, reason = "entering code that needs AVX2 is what this module is for")]
    fn nodes(self, pairs: &[[Digest; 2]; LANES]) -> [Digest; LANES] {
        let Avx2(()) = self;
        // SAFETY: as in `chunks`.
        unsafe { nodes(pairs) }
    }
}

compression!("avx2", __m256i, _mm256_add_epi32, _mm256_xor_si256, rotate, all);

/// Rotates each word to the right by 16, 12, 8 or 7.
#[inline]
#[target_feature(enable = "avx2")]
fn rotate<const BITS: i32>(words: __m256i) -> __m256i {
    match BITS {
        16 => shuffled(words, [0x0504_0706_0100_0302, 0x0D0C_0F0E_0908_0B0A]),
        12 => _mm256_or_si256(_mm256_srli_epi32::<12>(words), _mm256_slli_epi32::<20>(words)),
        8 => shuffled(words, [0x0407_0605_0003_0201, 0x0C0F_0E0D_080B_0A09]),
        7 => _mm256_or_si256(_mm256_srli_epi32::<7>(words), _mm256_slli_epi32::<25>(words)),
        _ => unreachable!("BLAKE3 has four rotations"),
    }
}

/// Moves bytes within each 128 bits: byte i comes from where byte i of `from` says, little-endian.
#[inline]
#[target_feature(enable = "avx2")]
fn shuffled(words: __m256i, [low, high]: [i64; 2]) -> __m256i {
    _mm256_shuffle_epi8(words, _mm256_set_epi64x(high, low, high, low))
}

#[inline]
#[target_feature(enable = "avx2")]
fn all(word: u32) -> __m256i {
    _mm256_set1_epi32(word.cast_signed())
}

/// See [`Lanes::chunks`]. A lane whose message has ended keeps its value while the others go on.
#[target_feature(enable = "avx2")]
fn chunks(key: &[u8; 32], messages: [&[u8]; LANES]) -> [Digest; LANES] {
    let counts = messages.map(|message| blocks(message.len()));
    let ends = words(counts.map(|count| (count as u32).to_le_bytes()).as_flattened());
    let last: [u32; LANES] =
        std::array::from_fn(|lane| (messages[lane].len() - (counts[lane] - 1) * BLOCK_BYTES) as u32);
    let last_lengths = words(last.map(u32::to_le_bytes).as_flattened());
    let mut chaining = key_words(key).map(|word| all(word));
    for step in 0..counts.into_iter().max().unwrap_or_default() {
        let mut padded = [[0; BLOCK_BYTES]; LANES];
        let mut rows = [&[0; BLOCK_BYTES]; LANES];
        for ((row, padded), message) in rows.iter_mut().zip(&mut padded).zip(messages) {
            let rest = message.get(step * BLOCK_BYTES..).unwrap_or_default();
            *row = rest.first_chunk().unwrap_or_else(|| {
                padded[..rest.len()].copy_from_slice(rest);
                padded
            });
        }
        let is_last = _mm256_cmpeq_epi32(ends, all(step as u32 + 1));
        let is_live = _mm256_cmpgt_epi32(ends, all(step as u32));
        let start = if step == 0 { CHUNK_START } else { 0 };
        let flags = _mm256_blendv_epi8(all(KEYED | start), all(KEYED | start | CHUNK_END | ROOT), is_last);
        let lengths = _mm256_blendv_epi8(all(BLOCK_BYTES as u32), last_lengths, is_last);
        let next = compress(&chaining, &transposed_block(rows), lengths, flags);
        chaining = std::array::from_fn(|i| _mm256_blendv_epi8(chaining[i], next[i], is_live));
    }
    digests(&chaining)
}

/// See [`Lanes::nodes`].
#[target_feature(enable = "avx2")]
fn nodes(pairs: &[[Digest; 2]; LANES]) -> [Digest; LANES] {
    let rows = pairs.each_ref().map(|pair| pair.as_flattened().first_chunk().expect("two digests are a block"));
    let key = key_words(&digest::NODE).map(|word| all(word));
    let flags = all(KEYED | CHUNK_START | CHUNK_END | ROOT);
    digests(&compress(&key, &transposed_block(rows), all(BLOCK_BYTES as u32), flags))
}

/// From a block of each lane to a word of all lanes, 16 times.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed_block(rows: [&[u8; BLOCK_BYTES]; LANES]) -> [__m256i; 16] {
    let low = transposed(&rows.map(|row| words(&row[..32])));
    let high = transposed(&rows.map(|row| words(&row[32..])));
    std::array::from_fn(|i| if i < 8 { low[i] } else { high[i - 8] })
}

#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code, reason = "a load")]
fn words(bytes: &[u8]) -> __m256i {
    assert!(bytes.len() >= 32);
    // SAFETY: there are the 32 bytes that are read, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// Transposes eight by eight words: four by four within each 128 bits, then the 128-bit pieces.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed(rows: &[__m256i; 8]) -> [__m256i; 8] {
    let (fours, _) = rows.as_chunks::<4>();
    let (first, second) = (columns(fours[0]), columns(fours[1]));
    std::array::from_fn(|i| match i {
        0..4 => _mm256_permute2x128_si256::<0x20>(first[i], second[i]),
        _ => _mm256_permute2x128_si256::<0x31>(first[i - 4], second[i - 4]),
    })
}

#[inline]
#[target_feature(enable = "avx2")]
fn columns([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    let (low, low_end) = (_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
    let (high, high_end) = (_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(low, low_end),
        _mm256_unpackhi_epi64(low, low_end),
        _mm256_unpacklo_epi64(high, high_end),
        _mm256_unpackhi_epi64(high, high_end),
    ]
}

/// From words of all lanes to the digest of each.
#[inline]
#[target_feature(enable = "avx2")]
#[allow(unsafe_code, reason = "stores")]
fn digests(chaining: &[__m256i; 8]) -> [Digest; LANES] {
    let mut digests = [[0; 32]; LANES];
    for (digest, words) in digests.iter_mut().zip(transposed(chaining)) {
        // SAFETY: a digest has the 32 bytes that are written, and the store asks for no alignment.
        unsafe { _mm256_storeu_si256(digest.as_mut_ptr().cast(), words) };
    }
    digests
}
