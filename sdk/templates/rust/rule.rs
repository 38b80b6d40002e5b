// RULE_NAME: shows the large open orders of a team to everybody in that team.
//
// Columns are numbered from 0 in the order of manifest.json. Returning without
// writing to out denies.
#![cfg_attr(target_arch = "wasm32", no_std)]

mod sluice;
use sluice::{units, Row, Verdict, VIEW};

const VIEWER_TEAM: u32 = 0;
const TEAM: u32 = 0;
const STATUS: u32 = 1;
const AMOUNT: u32 = 2;
const REASON_SAME_TEAM: u8 = 1;

pub fn rule(viewer: &Row, order: &Row, out: &mut Verdict) {
    if viewer.is_null(VIEWER_TEAM) || order.is_null(TEAM) {
        return;
    }
    if viewer.text(VIEWER_TEAM) != order.text(TEAM) || order.text(STATUS) != b"open" {
        return;
    }
    if order.decimal(AMOUNT) < units(1000, 2) {
        return;
    }
    out.grant = VIEW;
    out.reason = REASON_SAME_TEAM;
}
