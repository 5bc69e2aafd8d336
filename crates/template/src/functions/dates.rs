//! `date`: a moment as people of a language and time zone write it.

use super::{Words, given, refused};
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ZonedDateTime};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, Value};
use std::sync::Arc;

const ENGLISH: &str = "January,February,March,April,May,June,July,August,September,October,November,December";
const GERMAN: &str = "Januar,Februar,März,April,Mai,Juni,Juli,August,September,Oktober,November,Dezember";

pub(super) fn add(env: &mut Environment<'static>, words: &Arc<Words>) {
    let words = words.clone();
    // Built in, so that a mail does not depend on the machine's files.
    let zones = TimeZoneDatabase::bundled();
    env.add_filter("date", move |state: &mut State, value: Value, form: Option<String>, named: Kwargs| {
        date(&words, &zones, state, &value, form.as_deref(), &named)
    });
}

/// A moment, or a day without one.
enum When {
    Moment(ZonedDateTime),
    Day(Date),
}

fn date(
    words: &Words,
    zones: &TimeZoneDatabase,
    state: &mut State,
    value: &Value,
    form: Option<&str>,
    named: &Kwargs,
) -> Result<String, Error> {
    given(state, value)?;
    let asked: Option<String> = named.get("tz")?;
    named.assert_all_used()?;
    let given = || state.lookup("timezone").and_then(|zone| zone.as_str().map(str::to_owned));
    let zone = match asked.or_else(given) {
        None => TimeZone::UTC,
        Some(name) => zones.get(&name).map_err(|_| {
            refused(format!("{name:?} is no time zone; name one such as Europe/Berlin or UTC"))
        })?,
    };
    let when = read(value, zone, zones)?;
    let form = form.unwrap_or(if matches!(when, When::Day(_)) { "date" } else { "datetime" });
    let day = |date: Date| spelled(words, date);
    match (form, &when) {
        ("date", When::Day(date)) => Ok(day(*date)),
        ("date", When::Moment(at)) => Ok(day(at.date())),
        ("time", When::Moment(at)) => strftime("%H:%M %Z", &when).or_else(|_| Ok(at.time().to_string())),
        ("datetime", When::Moment(at)) => Ok(format!("{}, {}", day(at.date()), strftime("%H:%M %Z", &when)?)),
        ("iso", When::Day(date)) => Ok(date.to_string()),
        ("iso", When::Moment(_)) => strftime("%Y-%m-%dT%H:%M:%S%:z", &when),
        ("time" | "datetime", When::Day(_)) => Err(refused("a date without a time has no time to show")),
        (format, _) if format.contains('%') => strftime(format, &when),
        (other, _) => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("date has no form {other:?}; there are date, time, datetime, iso and strftime's with %"),
        )),
    }
}

/// RFC 3339 or RFC 9557 text, a day as 2026-11-26, or seconds since 1970.
fn read(value: &Value, zone: TimeZone, zones: &TimeZoneDatabase) -> Result<When, Error> {
    let bad = || refused(format!("{value} is no date; give RFC 3339 such as 2026-11-26T14:05:00Z"));
    let Some(text) = value.as_str() else {
        let seconds = i64::try_from(value.clone()).ok().filter(|_| value.is_number()).ok_or_else(bad)?;
        let at = Timestamp::from_second(seconds).map_err(|_| bad())?;
        return Ok(When::Moment(at.to_zoned_datetime(zone)));
    };
    if text.len() == "2026-11-26".len() {
        return text.parse().map(When::Day).map_err(|_| bad());
    }
    // The name in brackets of RFC 9557 would be looked up among the machine's files.
    let (instant, named) = text.split_once('[').unwrap_or((text, ""));
    let at: Timestamp = instant.parse().map_err(|_| bad())?;
    let named = named.split(']').next().filter(|name| !name.is_empty());
    let own = named.and_then(|name| zones.get(name).ok()).filter(|_| zone == TimeZone::UTC);
    Ok(When::Moment(at.to_zoned_datetime(own.unwrap_or(zone))))
}

fn strftime(format: &str, when: &When) -> Result<String, Error> {
    let done = match when {
        When::Moment(at) => jiff::fmt::strtime::format(format, at),
        When::Day(date) => jiff::fmt::strtime::format(format, *date),
    };
    done.map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("date: {error}")))
}

/// `26 November 2026`, `26. November 2026`, or as the catalogue says; else ISO 8601.
fn spelled(words: &Words, date: Date) -> String {
    let (months, pattern) = match words.plain_language() {
        "en" => (Some(ENGLISH), "{day} {month} {year}"),
        "de" => (Some(GERMAN), "{day}. {month} {year}"),
        _ => (None, "{day} {month} {year}"),
    };
    let months = words.style("_date.months").or(months);
    let pattern = words.style("_date.date").unwrap_or(pattern);
    let place = usize::try_from(date.month() - 1).unwrap_or_default();
    match months.and_then(|names| names.split(',').nth(place)) {
        None => date.to_string(),
        Some(month) => pattern
            .replace("{day}", &date.day().to_string())
            .replace("{month}", month.trim())
            .replace("{year}", &date.year().to_string()),
    }
}
