//! A hint that memory will be read soon.

/// Brings the cache line of a value nearer and waits for nothing. No effect but time; none at all on other processors.
#[inline]
#[cfg_attr(target_arch = "x86_64", allow(unsafe_code, reason = "the intrinsic takes a pointer"))]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction belongs to SSE, which every x86-64 processor has; it reads and writes nothing that a
    // program can see and never faults, and the pointer comes from a reference.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(core::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
