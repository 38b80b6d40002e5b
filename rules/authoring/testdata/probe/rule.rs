// Lets a record through for which every function of the library answers as the
// cases expect, and else names the first that does not.
#![cfg_attr(target_arch = "wasm32", no_std)]

mod sluice;
use sluice::*;

const OWN: u32 = 0;
const YES: u32 = 0;
const NOTHING: u32 = 1;
const AMOUNT: u32 = 2;
const ON: u32 = 3;
const MOMENT: u32 = 4;
const CLOCK: u32 = 5;
const SPAN: u32 = 6;
const TAGS: u32 = 7;
const COUNT: u32 = 8;
const TITLE: u32 = 9;
const WEEKDAY: u32 = 10;

fn failed(viewer: &Row, r: &Row) -> u8 {
    let team = viewer.text(OWN);
    let (tags, title) = (r.items(TAGS), r.text(TITLE));
    let holds = [
        r.bool(YES),
        r.is_null(NOTHING) && !r.is_null(YES) && r.int(NOTHING) == 0,
        r.decimal(AMOUNT) == units(-12, 2) - 34,
        r.date(ON) == days(2024, 2, 29),
        day_of(r.datetime(MOMENT)) == r.date(ON),
        weekday(r.date(ON)) == r.int(WEEKDAY),
        r.time(CLOCK) == 15 * HOUR + 4 * MINUTE + 5 * SECOND,
        r.duration(SPAN) == DAY + 2 * HOUR,
        tags.has(team),
        tags.has(b"press") && !tags.has(b"pres"),
        title.starts_with(team) && !team.starts_with(title),
        tags.len() == 2 && tags.get(1) == Some(b"north") && tags.get(2).is_none(),
        r.int(COUNT) == -9000000000000000000,
    ];
    holds.iter().position(|h| !h).map_or(0, |i| i as u8 + 1)
}

pub fn rule(viewer: &Row, record: &Row, out: &mut Verdict) {
    out.reason = failed(viewer, record);
    if out.reason == 0 {
        out.grant = LET_THROUGH;
    }
}
