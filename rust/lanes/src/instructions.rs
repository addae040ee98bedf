//! Which instructions signatures are verified with: the fastest that the processor has, or what the operator asks for.

use std::env;
use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use crate::{avx2::Avx2, avx512::Avx512};

/// The environment variable that forces a path, for tests, benches and processors that lie.
pub(crate) const VARIABLE: &str = "FARECHAIN_INSTRUCTIONS";

/// A path of [`Verifier`](crate::Verifier). All give the same verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// No SIMD: any processor.
    Portable,
    /// Four lanes: x86-64 with AVX2.
    Avx2,
    /// Eight lanes: x86-64 with AVX-512 F, DQ, IFMA and VBMI2.
    Avx512,
}

impl Instructions {
    /// What this processor has, the fastest last.
    pub fn available() -> Vec<Instructions> {
        let all = [Instructions::Portable, Instructions::Avx2, Instructions::Avx512];
        all.into_iter().filter(|&instructions| Path::of(instructions).is_some()).collect()
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Instructions::Portable => "portable",
            Instructions::Avx2 => "avx2",
            Instructions::Avx512 => "avx512",
        }
    }

    fn fastest() -> Instructions {
        Instructions::available().pop().unwrap_or(Instructions::Portable)
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a name is refused: no path has it, or this processor lacks what the path needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let available: Vec<&str> = Instructions::available().into_iter().map(Instructions::name).collect();
        write!(f, "{VARIABLE}={:?}: this processor can do {}", self.0, available.join(", "))
    }
}

impl Error for Unavailable {}

impl FromStr for Instructions {
    type Err = Unavailable;

    /// The path of this name, if this processor can take it.
    fn from_str(name: &str) -> Result<Instructions, Unavailable> {
        let mut available = Instructions::available().into_iter();
        available.find(|instructions| instructions.name() == name).ok_or_else(|| Unavailable(name.to_owned()))
    }
}

/// What [`Verifier::new`](crate::Verifier::new) uses: `FARECHAIN_INSTRUCTIONS`, read once a process, or else the fastest.
///
/// # Errors
/// If the variable names no path of this processor. A process asks when it starts and does not start then: who forces a
/// path must not be given another. What verifies all the same takes the fastest.
pub fn instructions() -> Result<Instructions, Unavailable> {
    static CHOSEN: OnceLock<Result<Instructions, Unavailable>> = OnceLock::new();
    let choose = || match env::var_os(VARIABLE) {
        None => Ok(Instructions::fastest()),
        Some(name) => name.to_string_lossy().parse(),
    };
    CHOSEN.get_or_init(choose).clone()
}

/// [`Instructions`] with the proof that this processor has them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Path {
    pub fn of(instructions: Instructions) -> Option<Path> {
        match instructions {
            Instructions::Portable => Some(Path::Portable),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => Avx2::detect().map(Path::Avx2),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => Avx512::detect().map(Path::Avx512),
            #[cfg(not(target_arch = "x86_64"))]
            Instructions::Avx2 | Instructions::Avx512 => None,
        }
    }

    /// The one that was chosen for this process.
    pub fn chosen() -> Path {
        Path::of(instructions().unwrap_or_else(|_| Instructions::fastest())).unwrap_or(Path::Portable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_of_this_processor_or_an_error_that_lists_them() {
        for instructions in Instructions::available() {
            assert_eq!(instructions.name().parse(), Ok(instructions));
        }
        let error = "sse9".parse::<Instructions>().expect_err("no such path");
        assert!(error.to_string().starts_with("FARECHAIN_INSTRUCTIONS=\"sse9\": this processor can do portable"));
    }
}
