//! Times as integers: RFC 3339 to milliseconds since 1970, days and months in the chain's zone. No clock.

use core::ops::RangeInclusive;

use crate::error::Code;

const DAY_MS: i64 = 86_400_000;

/// The days of the years 1970 to 2199.
pub const DAYS: RangeInclusive<i32> = 0..=84_005;
/// The months of the years 1970 to 2199: year * 12 + month - 1.
pub const MONTHS: RangeInclusive<u32> = 1970 * 12..=2199 * 12 + 11;

/// An instant with the offset it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// Milliseconds since 1970, UTC.
    pub ms: i64,
    /// Minutes east of UTC.
    pub offset_min: i16,
}

/// Days since 1970 of a date of the Gregorian calendar; `None` for a date that does not exist.
/// The algorithm counts years from March, so that the leap day is a year's last.
pub fn day_of_date(year: i64, month: i64, day: i64) -> Option<i32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(1970..=2199).contains(&year) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    i32::try_from(days - 719_468).ok()
}

/// A broker's timestamp may be any integer, so that the sum saturates.
fn local(ms: i64, utc_offset_min: i16) -> i64 {
    ms.saturating_add(i64::from(utc_offset_min) * 60_000)
}

/// The day of an instant in a zone, days since 1970.
pub fn day(ms: i64, utc_offset_min: i16) -> i32 {
    i32::try_from(local(ms, utc_offset_min).div_euclid(DAY_MS)).unwrap_or(i32::MAX)
}

/// Minutes since midnight of an instant in a zone.
pub fn minute_of_day(ms: i64, utc_offset_min: i16) -> u16 {
    (local(ms, utc_offset_min).rem_euclid(DAY_MS) / 60_000) as u16
}

/// The month of an instant in a zone: year * 12 + month - 1.
pub fn month(ms: i64, utc_offset_min: i16) -> u32 {
    let days = i64::from(day(ms, utc_offset_min)) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let year = year_of_era + era * 400 + i64::from(from_march >= 10);
    let month = if from_march < 10 { from_march + 2 } else { from_march - 10 };
    u32::try_from(year * 12 + month).unwrap_or(0)
}

/// `YYYY-MM-DD` as days since 1970.
pub fn parse_date(bytes: &[u8]) -> Option<i32> {
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    day_of_date(digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..])?)
}

/// `YYYY-MM` of the years of dates as year * 12 + month - 1.
pub fn parse_month(bytes: &[u8]) -> Option<u32> {
    if bytes.len() != 7 || bytes[4] != b'-' {
        return None;
    }
    let (year, month) = (digits(&bytes[..4])?, digits(&bytes[5..])?);
    if !(1..=12).contains(&month) {
        return None;
    }
    u32::try_from(year * 12 + month - 1).ok().filter(|month| MONTHS.contains(month))
}

/// RFC 3339 with an offset: `YYYY-MM-DDTHH:MM:SS[.fraction]` and `Z` or `+hh:mm`. Fractions are cut to milliseconds.
///
/// # Errors
/// `E_TIME_NO_OFFSET` where the rest is right and the offset is missing; `E_SCHEMA` for anything else.
pub fn parse(bytes: &[u8]) -> Result<Instant, Code> {
    let date = bytes.get(..10).and_then(parse_date).ok_or(Code::Schema)?;
    let clock = bytes.get(10..19).ok_or(Code::Schema)?;
    if (clock[0], clock[3], clock[6]) != (b'T', b':', b':') {
        return Err(Code::Schema);
    }
    let part = |range: core::ops::Range<usize>, most| digits(&clock[range]).filter(|n| *n <= most).ok_or(Code::Schema);
    let (hour, minute, second) = (part(1..3, 23)?, part(4..6, 59)?, part(7..9, 59)?);
    let (fraction_ms, zone) = fraction(&bytes[19..])?;
    let offset_min = offset(zone)?;
    let local = i64::from(date) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + fraction_ms;
    Ok(Instant { ms: local - i64::from(offset_min) * 60_000, offset_min })
}

fn fraction(bytes: &[u8]) -> Result<(i64, &[u8]), Code> {
    let Some(after) = bytes.strip_prefix(b".") else { return Ok((0, bytes)) };
    let length = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&length) {
        return Err(Code::Schema);
    }
    let ms = (0..3).fold(0, |ms, i| ms * 10 + if i < length { i64::from(after[i] - b'0') } else { 0 });
    Ok((ms, &after[length..]))
}

fn offset(zone: &[u8]) -> Result<i16, Code> {
    match zone {
        [] => Err(Code::TimeNoOffset),
        b"Z" => Ok(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let hours = digits(&[*h1, *h2]).filter(|n| *n <= 23).ok_or(Code::Schema)?;
            let minutes = digits(&[*m1, *m2]).filter(|n| *n <= 59).ok_or(Code::Schema)?;
            let offset = (hours * 60 + minutes) as i16;
            Ok(if *sign == b'-' { -offset } else { offset })
        }
        _ => Err(Code::Schema),
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        let ms = |text: &str| parse(text.as_bytes()).map(|instant| instant.ms);
        assert_eq!(ms("1970-01-01T08:00:00+08:00"), Ok(0));
        assert_eq!(ms("2026-03-01T00:00:00.1239Z"), Ok(1_772_323_200_123));
        assert_eq!(ms("2024-02-29T23:59:59-00:30"), Ok(1_709_252_999_000));
        assert_eq!(ms("2026-03-01T00:00:00"), Err(Code::TimeNoOffset));
        assert_eq!(ms("2026-03-01T00:00:00.5"), Err(Code::TimeNoOffset));
        for bad in ["2026-02-29T00:00:00Z", "2026-03-01 00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T00:00:60Z"] {
            assert_eq!(ms(bad), Err(Code::Schema), "{bad}");
        }
        for bad in ["", "2026-03-01", "2026-03-01T00:00:00.Z", "2026-03-01T00:00:00+8:00", "2026-03-01T00:00:00z"] {
            assert_eq!(ms(bad), Err(Code::Schema), "{bad}");
        }
    }

    #[test]
    fn days_and_months_follow_the_zone() {
        let last_second = parse(b"2026-12-31T15:59:59Z").expect("valid").ms;
        assert_eq!(month(last_second, 480), 2026 * 12 + 11);
        assert_eq!(month(last_second + 1000, 480), 2027 * 12);
        assert_eq!(day(last_second + 1000, 480) - day(last_second, 480), 1);
        assert_eq!(parse_date(b"2027-01-01"), Some(day(last_second + 1000, 480)));
        assert_eq!(minute_of_day(last_second, 480), 23 * 60 + 59);
        assert_eq!((day(i64::MAX, 480), day(i64::MIN, -480)), (i32::MAX, i32::MAX), "no time overflows");
        assert_eq!((day_of_date(1970, 1, 1), day_of_date(2199, 12, 31)), (Some(*DAYS.start()), Some(*DAYS.end())));
        assert_eq!((parse_month(b"1970-01"), parse_month(b"2199-12")), (Some(*MONTHS.start()), Some(*MONTHS.end())));
        assert_eq!(parse_month(b"2026-12"), Some(month(last_second, 480)));
        for bad in ["", "2026-1", "2026-00", "2026-13", "2026/01", "1969-12", "2200-01", "2026-01-01", "+026-01"] {
            assert_eq!(parse_month(bad.as_bytes()), None, "{bad}");
        }
        for (year, days) in [(1970, 0), (2000, 10_957), (2026, 20_454)] {
            assert_eq!(day_of_date(year, 1, 1), Some(days));
        }
    }
}
