//! SHA-512 in eight lanes.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_loadu_si512, _mm512_permutex2var_epi64, _mm512_ror_epi64, _mm512_set_epi64,
    _mm512_set1_epi64, _mm512_set4_epi64, _mm512_shuffle_epi8, _mm512_shuffle_i64x2, _mm512_srli_epi64,
    _mm512_ternarylogic_epi64, _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

use super::field::lanes;
use crate::sha512::{BLOCK_BYTES, sha512};

sha512!(
    "avx512f,avx512bw",
    8,
    __m512i,
    _mm512_add_epi64,
    xor,
    choose,
    majority,
    _mm512_ror_epi64,
    _mm512_srli_epi64,
    all,
    load,
    lanes
);

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(x: __m512i, y: __m512i, z: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0x96>(x, y, z)
}

/// The bits of y where x has ones, of z where it has zeros.
#[inline]
#[target_feature(enable = "avx512f")]
fn choose(x: __m512i, y: __m512i, z: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0xCA>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn majority(x: __m512i, y: __m512i, z: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0xE8>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn all(word: u64) -> __m512i {
    _mm512_set1_epi64(word.cast_signed())
}

/// The sixteen big-endian words of eight blocks: word by word, a block a lane.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(blocks: &[[u8; BLOCK_BYTES]; 8]) -> [__m512i; 16] {
    let halves = |half: usize| {
        let rows = blocks.each_ref().map(|block| read(&block.as_chunks().0[half]));
        transpose(&rows)
    };
    let ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]) = (halves(0), halves(1));
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// Eight big-endian words.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[allow(unsafe_code, reason = "a load")]
fn read(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: all 64 bytes are the array's, and an unaligned load asks for no more.
    let words = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
    let reversed = [0x0001_0203_0405_0607, 0x0809_0A0B_0C0D_0E0F];
    _mm512_shuffle_epi8(words, _mm512_set4_epi64(reversed[1], reversed[0], reversed[1], reversed[0]))
}

/// Rows to columns.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: &[__m512i; 8]) -> [__m512i; 8] {
    // Pairs of rows, the even and the odd words; then fours of rows; then all.
    let pairs =
        |row: usize| (_mm512_unpacklo_epi64(rows[row], rows[row + 1]), _mm512_unpackhi_epi64(rows[row], rows[row + 1]));
    let near = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    let far = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    let fours = |(even, odd): (__m512i, __m512i), (even_next, odd_next): (__m512i, __m512i)| {
        // Words 0 and 4, 1 and 5, 2 and 6, 3 and 7 of four rows.
        [
            _mm512_permutex2var_epi64(even, near, even_next),
            _mm512_permutex2var_epi64(odd, near, odd_next),
            _mm512_permutex2var_epi64(even, far, even_next),
            _mm512_permutex2var_epi64(odd, far, odd_next),
        ]
    };
    let (first, last) = (fours(pairs(0), pairs(2)), fours(pairs(4), pairs(6)));
    let low = |i: usize| _mm512_shuffle_i64x2::<0b01_00_01_00>(first[i], last[i]);
    let high = |i: usize| _mm512_shuffle_i64x2::<0b11_10_11_10>(first[i], last[i]);
    [low(0), low(1), low(2), low(3), high(0), high(1), high(2), high(3)]
}
