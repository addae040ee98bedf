//! SHA-512 in four lanes.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_or_si256, _mm256_set_epi64x, _mm256_set1_epi64x,
    _mm256_sllv_epi64, _mm256_srli_epi64, _mm256_xor_si256,
};

use super::field::lanes;
use crate::sha512::{BLOCK_BYTES, sha512};

sha512!("avx2", 4, __m256i, _mm256_add_epi64, xor, choose, majority, rotate, _mm256_srli_epi64, all, load, lanes);

#[inline]
#[target_feature(enable = "avx2")]
fn xor(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    _mm256_xor_si256(x, _mm256_xor_si256(y, z))
}

/// The bits of y where x has ones, of z where it has zeros.
#[inline]
#[target_feature(enable = "avx2")]
fn choose(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    _mm256_xor_si256(z, _mm256_and_si256(x, _mm256_xor_si256(y, z)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_and_si256(x, y), _mm256_and_si256(z, _mm256_or_si256(x, y)))
}

/// To the right. The count of the other shift is a register's only in name: it is a constant to the compiler.
#[inline]
#[target_feature(enable = "avx2")]
fn rotate<const BITS: i32>(x: __m256i) -> __m256i {
    let left = _mm256_sllv_epi64(x, _mm256_set1_epi64x(64 - i64::from(BITS)));
    _mm256_or_si256(_mm256_srli_epi64::<BITS>(x), left)
}

#[inline]
#[target_feature(enable = "avx2")]
fn all(word: u64) -> __m256i {
    _mm256_set1_epi64x(word.cast_signed())
}

/// The sixteen big-endian words of four blocks: word by word, a block a lane.
#[inline]
#[target_feature(enable = "avx2")]
fn load(blocks: &[[u8; BLOCK_BYTES]; 4]) -> [__m256i; 16] {
    let words = blocks.each_ref().map(|block| block.as_chunks::<8>().0);
    std::array::from_fn(|i| {
        let [a, b, c, d] = words.map(|words| u64::from_be_bytes(words[i]).cast_signed());
        _mm256_set_epi64x(d, c, b, a)
    })
}
