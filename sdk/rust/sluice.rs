//! The library of a Sluice custom rule in Rust (ABI sluice.rule/1): one file, no
//! dependencies, no allocator.
//!
//! Declare it with `mod sluice;` in `rule.rs`, define there
//!
//! ```text
//! pub fn rule(viewer: &Row, record: &Row, out: &mut Verdict)
//! ```
//!
//! and build with
//!
//! ```text
//! rustc --target wasm32-unknown-unknown --crate-type cdylib -O -C panic=abort rule.rs
//! ```
//!
//! A rule is a pure function of one record and one viewer: it keeps nothing
//! between calls. What it does not answer is answered "no"; a panic ends the call,
//! and the record counts as one whose rule failed.
#![allow(dead_code)]

/// Grants of a share, each including the ones before.
pub const NONE: u8 = 0;
pub const VIEW: u8 = 1;
pub const EDIT: u8 = 2;
pub const DELETE: u8 = 3;

/// Answers of a restrict.
pub const KEEP_OUT: u8 = 0;
pub const LET_THROUGH: u8 = 1;

/// Lengths of time, in microseconds like those of a row.
pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// The answer for one record. As it comes, it denies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// share: VIEW, EDIT or DELETE; restrict: LET_THROUGH
    pub grant: u8,
    /// number of a reason in the manifest, from 1; 0 for none
    pub reason: u8,
    /// mask: bit i shows field i of the manifest's "mask"
    pub visible: u64,
}

/// The viewer or a record. Columns are numbered from 0 in the order of the
/// manifest; a number that it does not have is a mistake that is not found.
pub struct Row {
    at: u32,
}

impl Row {
    fn slot(&self, column: u32) -> u32 {
        self.at + 8 + 8 * column
    }

    /// Whether a column is null. Its value then reads as 0 or empty.
    pub fn is_null(&self, column: u32) -> bool {
        read::<u64>(self.at) >> column & 1 != 0
    }

    /// The number in a column, whatever its type: an integer, or what decimal,
    /// date and the like read under their own names; 0 for null.
    pub fn int(&self, column: u32) -> i64 {
        read(self.slot(column))
    }

    /// A boolean; false for null.
    pub fn bool(&self, column: u32) -> bool {
        self.int(column) != 0
    }

    /// A decimal, currency or percent in units of its last place: 1000.00 at
    /// scale 2 is 100000, which is units(1000, 2).
    pub fn decimal(&self, column: u32) -> i64 {
        self.int(column)
    }

    /// A date, in days since 1970-01-01.
    pub fn date(&self, column: u32) -> i64 {
        self.int(column)
    }

    /// A date-time, in microseconds since 1970-01-01T00:00:00Z.
    pub fn datetime(&self, column: u32) -> i64 {
        self.int(column)
    }

    /// A time of day, in microseconds since midnight.
    pub fn time(&self, column: u32) -> i64 {
        self.int(column)
    }

    /// A duration, in microseconds.
    pub fn duration(&self, column: u32) -> i64 {
        self.int(column)
    }

    /// The UTF-8 bytes of text, long text, choice, email, phone, url, json, user
    /// or lookup (an id in its 36 character form); empty for null. Compare with
    /// b"open", or make a str of it with core::str::from_utf8.
    pub fn text(&self, column: u32) -> &[u8] {
        text_at(self.slot(column))
    }

    /// A multi-choice; empty for null.
    pub fn items(&self, column: u32) -> List<'_> {
        let at = self.slot(column);
        List { at: read(at), count: read(at + 4), row: core::marker::PhantomData }
    }
}

/// A list of texts.
pub struct List<'a> {
    at: u32,
    count: u32,
    row: core::marker::PhantomData<&'a Row>,
}

impl<'a> List<'a> {
    pub fn len(&self) -> u32 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A text, by its place from 0; None when there is no such place.
    pub fn get(&self, i: u32) -> Option<&'a [u8]> {
        if i < self.count {
            Some(text_at(self.at + 8 * i))
        } else {
            None
        }
    }

    /// Whether a text is in the list.
    pub fn has(&self, text: &[u8]) -> bool {
        (0..self.count).any(|i| self.get(i) == Some(text))
    }
}

/// A decimal of a whole number: units(1000, 2) is 1000.00 at scale 2. scale is at
/// most 9.
pub const fn units(whole: i64, scale: u32) -> i64 {
    whole.wrapping_mul(10i64.wrapping_pow(scale))
}

/// The date of a year, month (1 to 12) and day, like Row::date.
pub const fn days(year: i64, month: i64, day: i64) -> i64 {
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day - 719_469
}

/// The date, in UTC, of a date-time.
pub const fn day_of(datetime: i64) -> i64 {
    datetime.div_euclid(DAY)
}

/// The day of the week of a date: 0 Monday to 6 Sunday.
pub const fn weekday(date: i64) -> i64 {
    (date + 3).rem_euclid(7)
}

/// What every record satisfies that a share rule shares with one viewer, so that
/// lists read an index in place of the whole form. Define
///
/// ```text
/// fn plan(viewer: &Row, out: &mut Plan)
/// sluice::plan!(plan);
/// ```
///
/// All that is said holds at once; say nothing, and any record may be shared. What
/// the plan leaves out is not shared, so say no more than the rule demands of every
/// record. column is the name in the manifest, op an operator of filters: "eq", "ne",
/// "lt", "lte", "gt", "gte", for texts also "startsWith" and the like, for a
/// multi-choice "has". A condition that does not fit any more is left out, which
/// makes the plan wider and nothing else.
#[repr(C)]
pub struct Plan {
    length: u32,
    text: [u8; PLAN_BYTES],
    said: u32,
    nothing: bool,
}

const PLAN_BYTES: usize = 4096;

fn fits(value: &[u8]) -> bool {
    let escaped = |&c: &u8| if c < b' ' { 6 } else if c == b'"' || c == b'\\' { 2 } else { 1 };
    value.len() <= 512 && value.iter().map(escaped).sum::<usize>() <= 512
}

impl Plan {
    /// Says that nothing is shared with this viewer.
    pub fn nothing(&mut self) {
        self.nothing = true;
    }

    /// Compares with a text. One of more than 512 bytes as JSON is left out, as it
    /// would cost much of a call's fuel.
    pub fn text(&mut self, column: &str, op: &str, value: &[u8]) {
        if self.said < 64 && fits(value) {
            self.condition(column, op, |p| p.quoted(value));
        }
    }

    /// For a column that is one of some texts.
    pub fn one_of(&mut self, column: &str, values: &[&[u8]]) {
        if values.len() > 1000 || !values.iter().all(|value| fits(value)) {
            return;
        }
        self.condition(column, "in", |p| {
            p.byte(b'[');
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    p.byte(b',');
                }
                p.quoted(value);
            }
            p.byte(b']');
        });
    }

    pub fn int(&mut self, column: &str, op: &str, value: i64) {
        self.decimal(column, op, value, 0);
    }

    /// Compares with units of the last of scale places, as Row::decimal reads them.
    pub fn decimal(&mut self, column: &str, op: &str, value: i64, scale: u32) {
        self.condition(column, op, |p| {
            let (n, one) = (value.unsigned_abs(), 10u64.wrapping_pow(scale).max(1));
            p.byte(b'"');
            if value < 0 {
                p.byte(b'-');
            }
            p.digits(n / one, 1);
            if scale > 0 {
                p.byte(b'.');
                p.digits(n % one, scale);
            }
            p.byte(b'"');
        });
    }

    /// Compares with a date as Row::date reads it.
    pub fn date(&mut self, column: &str, op: &str, date: i64) {
        if date < days(1, 1, 1) || date > days(9999, 12, 31) {
            return;
        }
        let (era, n) = ((date + 719_468) / 146_097, (date + 719_468) % 146_097);
        let year = (n - n / 1460 + n / 36_524 - n / 146_096) / 365;
        let day = n - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        self.condition(column, op, |p| {
            p.byte(b'"');
            p.digits((year + era * 400 + (month >= 10) as i64) as u64, 4);
            p.byte(b'-');
            p.digits((if month < 10 { month + 3 } else { month - 9 }) as u64, 2);
            p.byte(b'-');
            p.digits((day - (153 * month + 2) / 5 + 1) as u64, 2);
            p.byte(b'"');
        });
    }

    pub fn bool(&mut self, column: &str, value: bool) {
        self.condition(column, "eq", |p| p.raw(if value { b"true" } else { b"false" }));
    }

    pub fn is_null(&mut self, column: &str, value: bool) {
        self.condition(column, "isNull", |p| p.raw(if value { b"true" } else { b"false" }));
    }

    fn condition(&mut self, column: &str, op: &str, value: impl FnOnce(&mut Plan)) {
        let from = self.length;
        self.raw(if self.said > 0 { b",{" } else { b"{" });
        self.quoted(column.as_bytes());
        self.raw(b":{");
        self.quoted(op.as_bytes());
        self.byte(b':');
        value(self);
        self.raw(b"}}");
        // The plan's own end has to fit, and a filter holds no more conditions.
        if self.length as usize > PLAN_BYTES - 2 || self.said == 64 {
            self.length = from;
        } else {
            self.said += 1;
        }
    }

    fn byte(&mut self, c: u8) {
        if let Some(at) = self.text.get_mut(self.length as usize) {
            *at = c;
        }
        self.length += 1; // beyond the end: condition takes it back
    }

    fn raw(&mut self, text: &[u8]) {
        for &c in text {
            self.byte(c);
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        self.byte(b'"');
        for &c in text {
            if c == b'"' || c == b'\\' {
                self.byte(b'\\');
            }
            if c >= b' ' {
                self.byte(c);
            } else {
                self.raw(b"\\u00");
                self.byte(b'0' + (c >> 4));
                self.byte(b"0123456789abcdef"[(c & 15) as usize]);
            }
        }
        self.byte(b'"');
    }

    fn digits(&mut self, n: u64, least: u32) {
        let (mut one, mut count) = (1, 1);
        while n / one >= 10 || count < least {
            one *= 10;
            count += 1;
        }
        while one > 0 {
            self.byte(b'0' + (n / one % 10) as u8);
            one /= 10;
        }
    }

    /// What the host reads: a length, and as many bytes.
    fn write(&mut self, viewer: &Row, plan: fn(&Row, &mut Plan)) {
        self.raw(b"{\"and\":[");
        plan(viewer, self);
        if self.nothing {
            self.length = 0;
            self.raw(b"{\"or\":[");
        }
        self.raw(b"]}");
    }
}

/// Exports a function as the plan of the rule: sluice::plan!(plan);
#[allow(unused_macros)]
macro_rules! plan {
    ($plan:path) => {
        #[no_mangle]
        pub extern "C" fn sluice_plan(batch: u32) -> u32 {
            sluice::planned(batch, $plan)
        }
    };
}
#[allow(unused_imports)]
pub(crate) use plan;

// ---- what follows is the interface to the host ----

static mut PLAN: Plan = Plan { length: 0, text: [0; PLAN_BYTES], said: 0, nothing: false };

/// Makes the plan for the viewer of a batch, and returns where it stands.
pub fn planned(batch: u32, plan: fn(&Row, &mut Plan)) -> u32 {
    if read::<u32>(batch) != 1 {
        return 0;
    }
    // One call at a time, and the host puts it back after each.
    let out = unsafe { &mut *core::ptr::addr_of_mut!(PLAN) };
    out.write(&Row { at: read(batch + 16) }, plan);
    (out as *const Plan as usize).wrapping_sub(base()) as u32
}

/// What an address counts from: 0 in a module, where memory begins.
#[cfg(target_arch = "wasm32")]
fn base() -> usize {
    0
}

/// Natively, for tests, the start of the memory that stands for a module's.
#[cfg(not(target_arch = "wasm32"))]
pub static BASE: core::sync::atomic::AtomicUsize = core::sync::atomic::AtomicUsize::new(0);

#[cfg(not(target_arch = "wasm32"))]
fn base() -> usize {
    BASE.load(core::sync::atomic::Ordering::Relaxed)
}

fn read<T: Copy>(at: u32) -> T {
    // The host lays every batch out in the area of sluice_buf, each number where
    // the interface says, and nothing else writes there during a call.
    unsafe { ((base() + at as usize) as *const T).read_unaligned() }
}

fn write<T>(at: u32, value: T) {
    unsafe { ((base() + at as usize) as *mut T).write_unaligned(value) }
}

fn text_at<'a>(at: u32) -> &'a [u8] {
    let length: u32 = read(at + 4);
    if length == 0 {
        return &[];
    }
    unsafe { core::slice::from_raw_parts((base() + read::<u32>(at) as usize) as *const u8, length as usize) }
}

#[cfg(target_arch = "wasm32")]
extern "C" {
    // The first address that the program does not use. The batch stands there: do
    // not link an allocator that takes the same memory.
    static __heap_base: u8;
}

#[cfg(target_arch = "wasm32")]
#[no_mangle]
#[allow(unused_unsafe)] // older compilers want it
pub extern "C" fn sluice_buf(size: u32) -> u32 {
    let start = (unsafe { core::ptr::addr_of!(__heap_base) } as u32 + 7) & !7;
    let have = (core::arch::wasm32::memory_size::<0>() as u32) << 16;
    if start + size > have {
        let pages = (start + size - have + 0xffff) >> 16;
        if core::arch::wasm32::memory_grow::<0>(pages as usize) == usize::MAX {
            return 0;
        }
    }
    start
}

#[no_mangle]
pub extern "C" fn sluice_decide(batch: u32) -> i32 {
    let field = |i: u32| read::<u32>(batch + 4 * i);
    if field(0) != 1 {
        return 1;
    }
    let (n, stride, rows, grants, masks, reasons) = (field(1), field(2), field(5), field(6), field(7), field(8));
    let viewer = Row { at: field(4) };
    for i in 0..n {
        let mut out = Verdict::default();
        crate::rule(&viewer, &Row { at: rows + i * stride }, &mut out);
        write(grants + i, out.grant);
        write(masks + 8 * i, out.visible);
        write(reasons + i, out.reason);
    }
    0
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
