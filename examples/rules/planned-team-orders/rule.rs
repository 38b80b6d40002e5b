// Shows the orders of a team to everybody in that team: all that are open, and
// those shipped from 1,000.00. It says in a plan where to look for them.
#![cfg_attr(target_arch = "wasm32", no_std)]

mod sluice;
use sluice::{units, Plan, Row, Verdict, VIEW};

const VIEWER_TEAM: u32 = 0;
const TEAM: u32 = 0;
const STATUS: u32 = 1;
const AMOUNT: u32 = 2;
const OF_TEAM: u8 = 1; // reason

pub fn rule(viewer: &Row, order: &Row, out: &mut Verdict) {
    if viewer.is_null(VIEWER_TEAM) || order.is_null(TEAM) || viewer.text(VIEWER_TEAM) != order.text(TEAM) {
        return;
    }
    let status = order.text(STATUS);
    if status == b"open" || status == b"shipped" && order.decimal(AMOUNT) >= units(1000, 2) {
        out.grant = VIEW;
        out.reason = OF_TEAM;
    }
}

fn plan(viewer: &Row, out: &mut Plan) {
    if viewer.is_null(VIEWER_TEAM) {
        out.nothing();
    }
    out.text("team", "eq", viewer.text(VIEWER_TEAM));
    out.one_of("status", &[b"open", b"shipped"]);
}
sluice::plan!(plan);
