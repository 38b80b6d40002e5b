// Hides the phone number of customers outside the viewer's own region.
//
// Columns are numbered from 0 in the order of manifest.json. Returning without
// writing to out denies.
#![cfg_attr(target_arch = "wasm32", no_std)]

mod sluice;
use sluice::{Row, Verdict};

const VIEWER_REGION: u32 = 0;
const REGION: u32 = 0;
const SHOW_PHONE: u64 = 1 << 0;
const REASON_OWN_REGION: u8 = 1;

pub fn rule(viewer: &Row, customer: &Row, out: &mut Verdict) {
    if viewer.is_null(VIEWER_REGION) || customer.is_null(REGION) {
        return;
    }
    if viewer.text(VIEWER_REGION) != customer.text(REGION) {
        return;
    }
    out.visible = SHOW_PHONE;
    out.reason = REASON_OWN_REGION;
}
