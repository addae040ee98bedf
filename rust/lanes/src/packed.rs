//! A 256-bit number as four little-endian words: the one form in which encodings, scalars and table entries are kept.

/// Four words, least significant first.
pub(crate) type Packed = [u64; 4];

/// The order of the base point, L = 2^252 + 27742317777372353535851937790883648493 (RFC 8032, 5.1).
const L: Packed = [0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 1 << 60];

/// Reads 32 bytes.
pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Packed {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|i| u64::from_le_bytes(words[i]))
}

/// Whether a scalar is canonical: below L.
pub(crate) fn is_below_order(scalar: &Packed) -> bool {
    scalar.iter().rev().lt(L.iter().rev())
}

/// The odd one of `scalar` and `scalar + L`, for a scalar below L: the same multiple of any point of order L.
pub(crate) fn odd(scalar: &Packed) -> Packed {
    let add = if scalar[0] & 1 == 1 { [0; 4] } else { L };
    let mut carry = false;
    std::array::from_fn(|i| {
        let (sum, over) = scalar[i].carrying_add(add[i], carry);
        carry = over;
        sum
    })
}

/// The 32 bytes.
pub(crate) fn to_bytes(words: &Packed) -> [u8; 32] {
    std::array::from_fn(|i| words[i / 8].to_le_bytes()[i % 8])
}
