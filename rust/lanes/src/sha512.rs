//! SHA-512 (FIPS 180-4) of several messages at once, one a lane, written once for every width of register.

use std::iter;

use sha2::{Digest as _, Sha512};

/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 128;

/// The initial hash value.
pub(crate) const INITIAL: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// The constant of each round.
pub(crate) const ROUNDS: [u64; 80] = [
    0x428a_2f98_d728_ae22,
    0x7137_4491_23ef_65cd,
    0xb5c0_fbcf_ec4d_3b2f,
    0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538,
    0x59f1_11f1_b605_d019,
    0x923f_82a4_af19_4f9b,
    0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242,
    0x1283_5b01_4570_6fbe,
    0x2431_85be_4ee4_b28c,
    0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f,
    0x80de_b1fe_3b16_96b1,
    0x9bdc_06a7_25c7_1235,
    0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2,
    0xefbe_4786_384f_25e3,
    0x0fc1_9dc6_8b8c_d5b5,
    0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275,
    0x4a74_84aa_6ea6_e483,
    0x5cb0_a9dc_bd41_fbd4,
    0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab,
    0xa831_c66d_2db4_3210,
    0xb003_27c8_98fb_213f,
    0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2,
    0xd5a7_9147_930a_a725,
    0x06ca_6351_e003_826f,
    0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc,
    0x2e1b_2138_5c26_c926,
    0x4d2c_6dfc_5ac4_2aed,
    0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de,
    0x766a_0abb_3c77_b2a8,
    0x81c2_c92e_47ed_aee6,
    0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364,
    0xa81a_664b_bc42_3001,
    0xc24b_8b70_d0f8_9791,
    0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218,
    0xd699_0624_5565_a910,
    0xf40e_3585_5771_202a,
    0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8,
    0x1e37_6c08_5141_ab53,
    0x2748_774c_df8e_eb99,
    0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63,
    0x4ed8_aa4a_e341_8acb,
    0x5b9c_ca4f_7763_e373,
    0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc,
    0x78a5_636f_4317_2f60,
    0x84c8_7814_a1f0_ab72,
    0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28,
    0xa450_6ceb_de82_bde9,
    0xbef9_a3f7_b2c6_7915,
    0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c,
    0xd186_b8c7_21c0_c207,
    0xeada_7dd6_cde0_eb1e,
    0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba,
    0x0a63_7dc5_a2c8_98a6,
    0x113f_9804_bef9_0dae,
    0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84,
    0x32ca_ab7b_40c7_2493,
    0x3c9e_be0a_15c9_bebc,
    0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6,
    0x597f_299c_fc65_7e2a,
    0x5fcb_6fab_3ad6_faec,
    0x6c44_198c_4a47_5817,
];

/// A message in pieces, padded, block by block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pieces: [&'a [u8]; 4],
    bytes: usize,
    blocks_left: usize,
    /// The bit after the message is not written yet.
    is_open: bool,
}

impl<'a> Message<'a> {
    pub fn new(pieces: [&'a [u8]; 4]) -> Message<'a> {
        let bytes = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        // The bit after the message and the length take 17 bytes.
        Message { pieces, bytes, blocks_left: (bytes + 17).div_ceil(BLOCK_BYTES), is_open: true }
    }

    /// The digest of what is left, by itself.
    pub fn digest(&self) -> [u8; 64] {
        self.pieces.iter().fold(Sha512::new(), Sha512::chain_update).finalize().into()
    }

    pub fn blocks_left(&self) -> usize {
        self.blocks_left
    }

    /// Writes the next block; zeros or less than a block after the last, which nobody reads.
    pub fn write(&mut self, block: &mut [u8; BLOCK_BYTES]) {
        let mut filled = 0;
        for piece in &mut self.pieces {
            let (now, later) = piece.split_at(piece.len().min(BLOCK_BYTES - filled));
            block[filled..filled + now.len()].copy_from_slice(now);
            filled += now.len();
            *piece = later;
        }
        block[filled..].fill(0);
        if filled < BLOCK_BYTES && self.is_open {
            block[filled] = 0x80;
            self.is_open = false;
        }
        if self.blocks_left == 1 {
            block[BLOCK_BYTES - 16..].copy_from_slice(&(8 * self.bytes as u128).to_be_bytes());
        }
        self.blocks_left = self.blocks_left.saturating_sub(1);
    }
}

/// The digest of a state's words.
pub(crate) fn digest(words: [u64; 8]) -> [u8; 64] {
    let mut digest = [0; 64];
    for (bytes, word) in iter::zip(digest.as_chunks_mut().0, words) {
        *bytes = word.to_be_bytes();
    }
    digest
}

/// Defines `compress` and `digests` for a register of words, one a lane, with the instructions that `add`, `xor` (of
/// three), `choose`, `majority`, `rotate`, `shift` and `all` (the same word in every lane) stand for; `load` reads blocks
/// into sixteen registers of words and `lanes` takes a register apart.
macro_rules! sha512 {
    (
        $features:literal, $lanes:literal, $words:ty, $add:ident, $xor:ident, $choose:ident, $majority:ident,
        $rotate:ident, $shift:ident, $all:ident, $load:ident, $take:ident
    ) => {
        /// The digests of as many messages as there are lanes. A lane whose message has ended computes what nobody reads.
        #[target_feature(enable = $features)]
        pub(super) fn digests(messages: &[$crate::sha512::Message<'_>; $lanes]) -> [[u8; 64]; $lanes] {
            let mut messages = *messages;
            let mut state = $crate::sha512::INITIAL.map(|word| $all(word));
            let mut digests = [[0; 64]; $lanes];
            let mut blocks = [[0; $crate::sha512::BLOCK_BYTES]; $lanes];
            while messages.iter().any(|message| message.blocks_left() > 0) {
                let ends = messages.each_ref().map(|message| message.blocks_left() == 1);
                for (message, block) in messages.iter_mut().zip(&mut blocks) {
                    message.write(block);
                }
                compress(&mut state, &mut $load(&blocks));
                if ends.contains(&true) {
                    let words = state.map(|word| $take(word));
                    for lane in (0..$lanes).filter(|&lane| ends[lane]) {
                        digests[lane] = $crate::sha512::digest(words.map(|word| word[lane]));
                    }
                }
            }
            digests
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn compress(state: &mut [$words; 8], schedule: &mut [$words; 16]) {
            let mut v = *state;
            for rounds in 0..5 {
                let constants: &[u64; 16] = &$crate::sha512::ROUNDS.as_chunks().0[rounds];
                if rounds > 0 {
                    extend(schedule);
                }
                for half in 0..2 {
                    let (words, constants): (&[$words; 8], &[u64; 8]) =
                        (&schedule.as_chunks().0[half], &constants.as_chunks().0[half]);
                    round::<0>(&mut v, words, constants);
                    round::<1>(&mut v, words, constants);
                    round::<2>(&mut v, words, constants);
                    round::<3>(&mut v, words, constants);
                    round::<4>(&mut v, words, constants);
                    round::<5>(&mut v, words, constants);
                    round::<6>(&mut v, words, constants);
                    round::<7>(&mut v, words, constants);
                }
            }
            for i in 0..8 {
                state[i] = $add(state[i], v[i]);
            }
        }

        /// The next sixteen words (FIPS 180-4, 6.4.2, step 1), each in the place of the one that it needs last.
        #[inline]
        #[target_feature(enable = $features)]
        fn extend(w: &mut [$words; 16]) {
            for t in 0..16 {
                let (early, late) = (w[(t + 1) % 16], w[(t + 14) % 16]);
                let early = $xor($rotate::<1>(early), $rotate::<8>(early), $shift::<7>(early));
                let late = $xor($rotate::<19>(late), $rotate::<61>(late), $shift::<6>(late));
                w[t] = $add($add(w[t], early), $add(w[(t + 9) % 16], late));
            }
        }

        /// A round (step 3); instead of the variables, their places move.
        #[inline]
        #[target_feature(enable = $features)]
        fn round<const T: usize>(v: &mut [$words; 8], words: &[$words; 8], constants: &[u64; 8]) {
            let [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map(|i: usize| (i + 8 - T) % 8);
            let sum = $xor($rotate::<14>(v[e]), $rotate::<18>(v[e]), $rotate::<41>(v[e]));
            let input = $add($add(v[h], $add(words[T], $all(constants[T]))), $choose(v[e], v[f], v[g]));
            let first = $add(input, sum);
            let sum = $xor($rotate::<28>(v[a]), $rotate::<34>(v[a]), $rotate::<39>(v[a]));
            v[d] = $add(v[d], first);
            v[h] = $add(first, $add(sum, $majority(v[a], v[b], v[c])));
        }
    };
}
pub(crate) use sha512;
