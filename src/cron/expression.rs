//! Cron expressions, as the original reads them: minute, hour, day, month, weekday from 0 (Sunday) to 7
//! (Sunday too), then perhaps second and year. Every field is written out as a list of numbers, because the
//! crate that finds the next time counts weekdays from 1 and takes the seconds first.

use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::Zoned;
use jiff_cron::Schedule;

/// Digits of a number: those of a year.
const DIGITS_MAX: usize = 4;

/// The bounds of the years that the crate knows.
const YEARS: (u32, u32) = (1970, 2100);

/// The next time after `after`.
///
/// # Errors
/// What is wrong with the expression, in a few words.
pub(super) fn next(expression: &str, after: &Zoned) -> Result<Zoned, String> {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let [minute, hour, day, month, weekday, rest @ ..] = fields.as_slice() else {
        return Err("it needs five fields".to_owned());
    };
    let (second, year) = match rest {
        [] => ("0", "*"),
        [second] => (*second, "*"),
        [second, year] => (*second, *year),
        _ => return Err("it has more than seven fields".to_owned()),
    };
    let head =
        [list("second", second, (0, 59))?, list("minute", minute, (0, 59))?, list("hour", hour, (0, 23))?]
            .join(" ");
    let (days, month) = (list("day", day, (1, 31))?, list("month", month, (1, 12))?);
    let (weekdays, year) = (weekdays(weekday)?, list("year", year, YEARS)?);
    let find = |days: &str, weekdays: &str| -> Result<Option<Zoned>, String> {
        let text = format!("{head} {days} {month} {weekdays} {year}");
        let schedule = Schedule::from_str(&text).map_err(|_| "it cannot be read".to_owned())?;
        Ok(schedule.after(after.clone()).next())
    };
    // Either of them is enough where both are given, as in cron itself.
    let found = if days == "*" || weekdays == "*" {
        find(&days, &weekdays)?
    } else {
        let (by_day, by_weekday) = (find(&days, "*")?, find("*", &weekdays)?);
        [by_day, by_weekday].into_iter().flatten().min()
    };
    found.ok_or_else(|| "no date fits it".to_owned())
}

/// A field as a list of numbers; `*` stays.
fn list(name: &str, field: &str, bounds: (u32, u32)) -> Result<String, String> {
    if field == "*" {
        return Ok(field.to_owned());
    }
    Ok(joined(values(field, bounds).ok_or_else(|| bad(name))?))
}

/// The weekdays, counted from 1.
fn weekdays(field: &str) -> Result<String, String> {
    if field == "*" {
        return Ok(field.to_owned());
    }
    let days = values(field, (0, 7)).ok_or_else(|| bad("weekday"))?;
    Ok(joined(days.into_iter().map(|day| day % 7 + 1).collect()))
}

fn bad(name: &str) -> String {
    format!("its {name} is none")
}

fn joined(values: BTreeSet<u32>) -> String {
    values.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

/// The numbers of `1,4-6,*/10,5/15`. A range may go over the end.
fn values(field: &str, (min, max): (u32, u32)) -> Option<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0)?)),
            None => (part, None),
        };
        let (low, high) = match range.split_once('-') {
            _ if range == "*" => (min, max),
            Some((low, high)) => (number(low)?, number(high)?),
            None => {
                let low = number(range)?;
                (low, if step.is_some() { max } else { low })
            }
        };
        if ![low, high].iter().all(|value| (min..=max).contains(value)) {
            return None;
        }
        let step = usize::try_from(step.unwrap_or(1)).ok()?;
        if low <= high {
            found.extend((low..=high).step_by(step));
        } else {
            found.extend((low..=max).chain(min..=high).step_by(step));
        }
    }
    Some(found)
}

fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.len() <= DIGITS_MAX && text.bytes().all(|b| b.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    use super::*;

    /// After Wednesday, 1 July 2026, 12:00 UTC.
    fn after(expression: &str) -> Result<String, String> {
        let noon = date(2026, 7, 1).at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
        next(expression, &noon).map(|found| found.strftime("%a %F %T").to_string())
    }

    #[test]
    fn the_next_time_is_found() {
        for (expression, want) in [
            ("0 9 * * *", "Thu 2026-07-02 09:00:00"),
            ("*/15 * * * *", "Wed 2026-07-01 12:15:00"),
            ("5/20 12 * * *", "Wed 2026-07-01 12:05:00"),
            ("30 8 1 1 *", "Fri 2027-01-01 08:30:00"),
            ("0 0 * * 0", "Sun 2026-07-05 00:00:00"),
            ("0 0 * * 7", "Sun 2026-07-05 00:00:00"),
            ("0 0 * * 1-5", "Thu 2026-07-02 00:00:00"),
            ("0 0 * * 6-1", "Sat 2026-07-04 00:00:00"),
            ("0 22-2 * * *", "Wed 2026-07-01 22:00:00"),
            ("0 0 31 * *", "Fri 2026-07-31 00:00:00"),
            ("0 0 29 2 *", "Tue 2028-02-29 00:00:00"),
            ("0 12 * * * 30", "Wed 2026-07-01 12:00:30"),
            ("0 0 1 1 * 0 2030", "Tue 2030-01-01 00:00:00"),
        ] {
            assert_eq!(after(expression).as_deref(), Ok(want), "{expression}");
        }
    }

    #[test]
    fn a_day_or_a_weekday_is_enough() {
        assert_eq!(after("0 0 20 * 5").as_deref(), Ok("Fri 2026-07-03 00:00:00"));
        assert_eq!(after("0 0 2 * 5").as_deref(), Ok("Thu 2026-07-02 00:00:00"));
    }

    #[test]
    fn what_is_none_is_refused() {
        for expression in [
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "1- * * * *",
            ", * * * *",
            "99999999999 * * * *",
            "0 0 30 2 *",
            "* * * *",
            "* * * * * * * *",
        ] {
            assert!(after(expression).is_err(), "{expression}");
        }
    }
}
