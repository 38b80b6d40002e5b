// Shares nothing, and says in its plan all that a plan can say.
#![cfg_attr(target_arch = "wasm32", no_std)]

mod sluice;
use sluice::{Plan, Row, Verdict};

const TEAM: u32 = 0;
const DAY: u32 = 1;
const AMOUNT: u32 = 2;

pub fn rule(_viewer: &Row, _record: &Row, _out: &mut Verdict) {}

fn plan(viewer: &Row, out: &mut Plan) {
    let team = viewer.text(TEAM);
    if team == b"nobody" {
        out.nothing();
    }
    out.text("team", "eq", team);
    out.one_of("status", &[b"open", b"the \"held\""]);
    out.int("count", "ne", -9_000_000_000_000_000_000);
    out.decimal("amount", "gte", viewer.decimal(AMOUNT), 2);
    out.date("day", "lt", viewer.date(DAY));
    out.bool("yes", true);
    out.is_null("tags", false);
    out.text("tags", "has", b"press");
    if team == b"many" {
        for _ in 0..300 {
            out.text("team", "startsWith", b"m");
        }
    }
}
sluice::plan!(plan);
