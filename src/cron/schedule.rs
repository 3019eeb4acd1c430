//! When a job runs: read from what people write and from the file, and the next time of it. Pure.

use jiff::civil::Time;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};
use serde_json::{Value, json};

use super::expression;

/// Longest schedule, in characters. The longest of use, a cron expression of lists, has some hundred.
const CHARS_MAX: usize = 500;

/// Characters of a schedule that an error repeats.
const ECHO_CHARS: usize = 100;

/// Longest duration, in minutes: a hundred years.
const MINUTES_MAX: i64 = 100 * 366 * 24 * 60;

/// How late a job that runs once may be, in seconds (the original's).
const GRACE: SignedDuration = SignedDuration::from_secs(120);

/// Fields of a cron expression at least.
const FIELDS_MIN: usize = 5;

/// When a job runs.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Schedule {
    kind: Kind,
    /// For people.
    pub(super) display: String,
}

#[derive(Clone, PartialEq, Debug)]
enum Kind {
    /// At this time, ISO 8601 with zone.
    Once(String),
    /// Every so many minutes.
    Every(i64),
    /// As this expression says.
    Cron(String),
}

impl Schedule {
    /// From what somebody wrote.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn parse(text: &str, now: &Zoned) -> Result<Self, String> {
        let text = text.trim();
        if text.chars().count() > CHARS_MAX {
            return Err(format!("Invalid schedule: it has more than {CHARS_MAX} characters"));
        }
        if let Some(duration) = every(text) {
            let minutes = minutes(duration).ok_or_else(|| invalid_duration(duration))?;
            if minutes == 0 {
                // The original takes it, and runs the job at every tick.
                return Err("Invalid duration: an interval has at least a minute".to_owned());
            }
            return Ok(Self { kind: Kind::Every(minutes), display: format!("every {minutes}m") });
        }
        if is_expression(text) {
            let check = expression::next(text, now);
            check.map_err(|why| format!("Invalid cron expression '{}': {why}", echo(text)))?;
            return Ok(Self { kind: Kind::Cron(text.to_owned()), display: text.to_owned() });
        }
        if text.contains('T') || begins_with_date(text) {
            let at = moment(text, now)
                .ok_or_else(|| format!("Invalid timestamp '{}': it is no ISO 8601 time", echo(text)))?;
            let display = format!("once at {}", at.strftime("%Y-%m-%d %H:%M"));
            return Ok(Self { kind: Kind::Once(iso(&at)), display });
        }
        let minutes = minutes(text).ok_or_else(|| {
            format!(
                "Invalid schedule '{}'. Give a duration (30m, 2h, 1d: once after that time), an interval \
                 (every 2h), a cron expression (0 9 * * *) or a time (2026-02-03T14:00).",
                echo(text)
            )
        })?;
        let at = later(now, minutes).ok_or_else(|| invalid_duration(text))?;
        Ok(Self { kind: Kind::Once(iso(&at)), display: format!("once in {text}") })
    }

    /// From the file. A text is what people write.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn read(value: Option<&Value>, now: &Zoned) -> Result<Self, String> {
        let unknown = || "the job's schedule cannot be read".to_owned();
        let record = match value {
            Some(Value::Object(record)) => record,
            Some(Value::String(text)) => return Self::parse(text, now),
            _ => return Err(unknown()),
        };
        let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
        let kind = match text("kind").as_deref() {
            Some("once") => text("run_at").map(Kind::Once),
            Some("interval") => {
                let minutes = record.get("minutes").and_then(Value::as_i64);
                minutes.filter(|minutes| (1..=MINUTES_MAX).contains(minutes)).map(Kind::Every)
            }
            Some("cron") => text("expr").map(Kind::Cron),
            _ => None,
        };
        Ok(Self { kind: kind.ok_or_else(unknown)?, display: text("display").unwrap_or_default() })
    }

    /// As it stands in the file; the original's form.
    pub(super) fn written(&self) -> Value {
        match &self.kind {
            Kind::Once(at) => json!({ "kind": "once", "run_at": at, "display": self.display }),
            Kind::Every(minutes) => {
                json!({ "kind": "interval", "minutes": minutes, "display": self.display })
            }
            Kind::Cron(text) => json!({ "kind": "cron", "expr": text, "display": self.display }),
        }
    }

    /// Whether it runs once.
    pub(super) fn is_once(&self) -> bool {
        matches!(self.kind, Kind::Once(_))
    }

    /// When it runs next, ISO 8601 with zone; `None` when it runs no more.
    pub(super) fn next(&self, now: &Zoned) -> Option<String> {
        match &self.kind {
            Kind::Once(at) => {
                let earliest = now.timestamp().checked_sub(GRACE).ok()?;
                moment(at, now).filter(|moment| moment.timestamp() >= earliest).map(|_| at.clone())
            }
            Kind::Every(minutes) => later(now, *minutes).as_ref().map(iso),
            Kind::Cron(text) => expression::next(text, now).ok().as_ref().map(iso),
        }
    }
}

/// A time as it stands in the file.
pub(super) fn iso(at: &Zoned) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// What follows `every`.
fn every(text: &str) -> Option<&str> {
    let (first, rest) = text.split_once(' ')?;
    first.eq_ignore_ascii_case("every").then(|| rest.trim())
}

fn invalid_duration(text: &str) -> String {
    format!("Invalid duration: '{}'. Use format like '30m', '2h', or '1d'", echo(text))
}

/// The minutes of `30m`, `2 hours`, `1d`.
fn minutes(text: &str) -> Option<i64> {
    let text = text.trim().to_lowercase();
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let unit = match unit.trim_start() {
        "m" | "min" | "mins" | "minute" | "minutes" => 1,
        "h" | "hr" | "hrs" | "hour" | "hours" => 60,
        "d" | "day" | "days" => 24 * 60,
        _ => return None,
    };
    let minutes = number.parse::<i64>().ok()?.checked_mul(unit)?;
    (minutes <= MINUTES_MAX).then_some(minutes)
}

fn later(now: &Zoned, minutes: i64) -> Option<Zoned> {
    now.checked_add(SignedDuration::from_secs(minutes.checked_mul(60)?)).ok()
}

/// Whether it looks like a cron expression: then an error speaks of one.
fn is_expression(text: &str) -> bool {
    let is_field = |field: &str| field.bytes().all(|b| b.is_ascii_digit() || b"*-,/".contains(&b));
    text.split_whitespace().count() >= FIELDS_MIN && text.split_whitespace().take(FIELDS_MIN).all(is_field)
}

fn begins_with_date(text: &str) -> bool {
    let shape = b"dddd-dd-dd";
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape };
    text.len() >= shape.len() && text.as_bytes().iter().zip(shape).all(fits)
}

/// A date or a time; in the zone of `now` where it names none.
fn moment(text: &str, now: &Zoned) -> Option<Zoned> {
    let pieces = Pieces::parse(text).ok()?;
    let civil = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    let zone = pieces.to_numeric_offset().map_or_else(|| now.time_zone().clone(), TimeZone::fixed);
    civil.to_zoned(zone).ok()
}

fn echo(text: &str) -> String {
    text.chars().take(ECHO_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::offset;

    use super::*;

    /// 1 July 2026, 14:00 in a zone two hours east.
    fn now() -> Zoned {
        date(2026, 7, 1).at(14, 0, 0, 0).to_zoned(TimeZone::fixed(offset(2))).unwrap()
    }

    #[test]
    fn every_form_is_read() {
        for (text, display, next) in [
            ("30m", "once in 30m", "2026-07-01T14:30:00+02:00"),
            ("5 min", "once in 5 min", "2026-07-01T14:05:00+02:00"),
            ("1minute", "once in 1minute", "2026-07-01T14:01:00+02:00"),
            ("2h", "once in 2h", "2026-07-01T16:00:00+02:00"),
            ("2 HRS", "once in 2 HRS", "2026-07-01T16:00:00+02:00"),
            ("1d", "once in 1d", "2026-07-02T14:00:00+02:00"),
            ("every 2h", "every 120m", "2026-07-01T16:00:00+02:00"),
            ("Every  30 mins", "every 30m", "2026-07-01T14:30:00+02:00"),
            ("every 1day", "every 1440m", "2026-07-02T14:00:00+02:00"),
            ("0 9 * * *", "0 9 * * *", "2026-07-02T09:00:00+02:00"),
            (" */5 * * * 1-5 ", "*/5 * * * 1-5", "2026-07-01T14:05:00+02:00"),
            ("2026-07-03T14:00", "once at 2026-07-03 14:00", "2026-07-03T14:00:00+02:00"),
            ("2026-07-03 14:00:30", "once at 2026-07-03 14:00", "2026-07-03T14:00:30+02:00"),
            ("2026-07-03", "once at 2026-07-03 00:00", "2026-07-03T00:00:00+02:00"),
            ("2026-07-03T14:00:00Z", "once at 2026-07-03 14:00", "2026-07-03T14:00:00+00:00"),
            ("2026-07-03T14:00:00-05:30", "once at 2026-07-03 14:00", "2026-07-03T14:00:00-05:30"),
        ] {
            let schedule = Schedule::parse(text, &now()).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(schedule.display, display, "{text}");
            assert_eq!(schedule.next(&now()).as_deref(), Some(next), "{text}");
            assert_eq!(Schedule::read(Some(&schedule.written()), &now()), Ok(schedule), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "soon",
            "30",
            "m",
            "30s",
            "-5m",
            "every",
            "every day",
            "every 0m",
            "99999999999999999999m",
            "9999999999d",
            "0 25 * * *",
            "Tomorrow",
            "2026-02-30",
            "2026-07-03T99:00",
        ] {
            assert!(Schedule::parse(text, &now()).is_err(), "{text}");
        }
        assert!(Schedule::parse(&"1 ".repeat(9_999), &now()).is_err());
        for value in [json!(null), json!(5), json!({}), json!({ "kind": "interval", "minutes": 0 })] {
            assert!(Schedule::read(Some(&value), &now()).is_err(), "{value}");
        }
    }

    #[test]
    fn what_ran_once_runs_no_more() {
        let past = Schedule::parse("2026-07-01T13:57", &now()).unwrap();
        assert_eq!(past.next(&now()), None);
        let late = Schedule::parse("2026-07-01T13:59", &now()).unwrap();
        assert_eq!(late.next(&now()).as_deref(), Some("2026-07-01T13:59:00+02:00"));
    }
}
