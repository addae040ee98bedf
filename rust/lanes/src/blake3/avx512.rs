//! Sixteen messages at a time, one a lane, on processors with AVX-512.

use std::arch::x86_64::{
    __m512i, _mm256_storeu_si256, _mm512_add_epi32, _mm512_castsi512_si256, _mm512_cmpeq_epi32_mask,
    _mm512_cmpgt_epi32_mask, _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_mask_blend_epi32,
    _mm512_maskz_loadu_epi8, _mm512_permutex2var_epi64, _mm512_ror_epi32, _mm512_set_epi64, _mm512_set1_epi32,
    _mm512_shuffle_i32x4, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    _mm512_xor_si512,
};

use farechain_core::digest::{self, Digest};

use super::compression::{CHUNK_END, CHUNK_START, KEYED, ROOT, blocks, compression, key_words};
use super::{BLOCK_BYTES, Lanes};

const LANES: usize = 16;
/// Where nothing is loaded from: an empty slice may point at no memory, and to suppress that fault costs 50 ns.
static NOTHING: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];

/// What proves that this processor has AVX-512 with byte masks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

impl Avx512 {
    /// Asks the processor, once a process.
    pub fn detect() -> Option<Avx512> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).then_some(Avx512(()))
    }
}

impl Lanes<LANES> for Avx512 {
    #[allow(unsafe_code, reason = "entering code that needs AVX-512 is what this module is for")]
    fn chunks(self, key: &[u8; 32], messages: [&[u8]; LANES]) -> [Digest; LANES] {
        let Avx512(()) = self;
        // SAFETY: the callee asks for nothing but AVX-512 F and BW, and an `Avx512` exists only where `detect` found them.
        unsafe { chunks(key, messages) }
    }

    #[allow(unsafe_code, reason = "entering code that needs AVX-512 is what this module is for")]
    fn nodes(self, pairs: &[[Digest; 2]; LANES]) -> [Digest; LANES] {
        let Avx512(()) = self;
        // SAFETY: as in `chunks`.
        unsafe { nodes(pairs) }
    }
}

compression!("avx512f,avx512bw", __m512i, _mm512_add_epi32, _mm512_xor_si512, _mm512_ror_epi32, all);

#[inline]
#[target_feature(enable = "avx512f")]
fn all(word: u32) -> __m512i {
    _mm512_set1_epi32(word.cast_signed())
}

/// See [`Lanes::chunks`]. A lane whose message has ended keeps its value while the others go on.
#[target_feature(enable = "avx512f,avx512bw")]
fn chunks(key: &[u8; 32], messages: [&[u8]; LANES]) -> [Digest; LANES] {
    let counts = messages.map(|message| blocks(message.len()));
    let ends = words(std::array::from_fn(|lane| counts[lane] as u32));
    let last_lengths =
        words(std::array::from_fn(|lane| (messages[lane].len() - (counts[lane] - 1) * BLOCK_BYTES) as u32));
    let mut chaining = key_words(key).map(|word| all(word));
    for step in 0..counts.into_iter().max().unwrap_or_default() {
        let block = transposed(&messages.map(|message| load(message, step * BLOCK_BYTES)));
        let is_last = _mm512_cmpeq_epi32_mask(ends, all(step as u32 + 1));
        let is_live = _mm512_cmpgt_epi32_mask(ends, all(step as u32));
        let start = if step == 0 { CHUNK_START } else { 0 };
        let flags = _mm512_mask_blend_epi32(is_last, all(KEYED | start), all(KEYED | start | CHUNK_END | ROOT));
        let lengths = _mm512_mask_blend_epi32(is_last, all(BLOCK_BYTES as u32), last_lengths);
        let next = compress(&chaining, &block, lengths, flags);
        chaining = std::array::from_fn(|i| _mm512_mask_blend_epi32(is_live, chaining[i], next[i]));
    }
    digests(&chaining)
}

/// See [`Lanes::nodes`].
#[target_feature(enable = "avx512f,avx512bw")]
fn nodes(pairs: &[[Digest; 2]; LANES]) -> [Digest; LANES] {
    let block = transposed(&pairs.each_ref().map(|pair| load(pair.as_flattened(), 0)));
    let key = key_words(&digest::NODE).map(|word| all(word));
    digests(&compress(&key, &block, all(BLOCK_BYTES as u32), all(KEYED | CHUNK_START | CHUNK_END | ROOT)))
}

#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "a load")]
fn words(words: [u32; LANES]) -> __m512i {
    // SAFETY: the array has the 64 bytes that are read, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// The block of a message that begins at `start`, zeros behind the message's end.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[allow(unsafe_code, reason = "a masked load")]
fn load(message: &[u8], start: usize) -> __m512i {
    let rest = message.get(start..).filter(|rest| !rest.is_empty()).unwrap_or(&NOTHING[..0]);
    let mask = if rest.len() < BLOCK_BYTES { (1 << rest.len()) - 1 } else { u64::MAX };
    // SAFETY: the mask has bits for bytes of `rest` only, and bytes without a bit are neither read nor do they fault.
    unsafe { _mm512_maskz_loadu_epi8(mask, rest.as_ptr().cast()) }
}

/// From 16 words of each lane to a word of all lanes, 16 times: a transposition in quarters, eighths, then 128-bit pieces.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed(rows: &[__m512i; LANES]) -> [__m512i; 16] {
    let (fours, _) = rows.as_chunks::<4>();
    let fours: [[__m512i; 4]; 4] = std::array::from_fn(|i| columns(fours[i]));
    let mut block = [all(0); 16];
    for i in 0..4 {
        let low = _mm512_shuffle_i32x4::<0x88>(fours[0][i], fours[1][i]);
        let high = _mm512_shuffle_i32x4::<0xDD>(fours[0][i], fours[1][i]);
        let low_end = _mm512_shuffle_i32x4::<0x88>(fours[2][i], fours[3][i]);
        let high_end = _mm512_shuffle_i32x4::<0xDD>(fours[2][i], fours[3][i]);
        block[i] = _mm512_shuffle_i32x4::<0x88>(low, low_end);
        block[i + 4] = _mm512_shuffle_i32x4::<0x88>(high, high_end);
        block[i + 8] = _mm512_shuffle_i32x4::<0xDD>(low, low_end);
        block[i + 12] = _mm512_shuffle_i32x4::<0xDD>(high, high_end);
    }
    block
}

/// Transposes four by four words within each 128 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn columns([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    let (low, low_end) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
    let (high, high_end) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
    [
        _mm512_unpacklo_epi64(low, low_end),
        _mm512_unpackhi_epi64(low, low_end),
        _mm512_unpacklo_epi64(high, high_end),
        _mm512_unpackhi_epi64(high, high_end),
    ]
}

/// From words of all lanes to the digest of each. After [`columns`] the 128-bit pieces of register `i` belong to lanes i,
/// i + 4, i + 8 and i + 12.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "stores")]
fn digests(chaining: &[__m512i; 8]) -> [Digest; LANES] {
    let (fours, _) = chaining.as_chunks::<4>();
    let (firsts, seconds) = (columns(fours[0]), columns(fours[1]));
    let mut digests = [[0; 32]; LANES];
    for i in 0..4 {
        let near = _mm512_permutex2var_epi64(firsts[i], _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), seconds[i]);
        let far = _mm512_permutex2var_epi64(firsts[i], _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4), seconds[i]);
        for (lane, two) in [(i, near), (i + 8, far)] {
            // SAFETY: each digest has the 32 bytes that are written, and the stores ask for no alignment.
            unsafe {
                _mm256_storeu_si256(digests[lane].as_mut_ptr().cast(), _mm512_castsi512_si256(two));
                _mm256_storeu_si256(digests[lane + 4].as_mut_ptr().cast(), _mm512_extracti64x4_epi64::<1>(two));
            }
        }
    }
    digests
}
