// sluice.ts: write a Sluice custom rule in AssemblyScript (ABI sluice.rule/1).
//
//   import { Batch, VIEW } from "./sluice";
//   export { sluice_buf } from "./sluice";
//
//   function rule(batch: Batch, i: u32): void {
//     const viewer = batch.viewer, record = batch.record(i);
//     if (record.text(0).equals(viewer.text(0))) batch.share(i, VIEW);
//   }
//
//   export function sluice_decide(batch: Batch): i32 {
//     if (!batch.known) return 1;
//     for (let i: u32 = 0; i < batch.count; i++) rule(batch, i);
//     return 0;
//   }
//
// Build with: asc rule.ts -o rule.wasm -O3 --runtime stub --noAssert
//
// A rule is a pure function of one record and one viewer: it keeps nothing
// between calls. What it does not answer is answered "no". Nothing here
// allocates but sluice_buf, so the stub runtime is enough as long as your code
// does not allocate much in one batch; strings, arrays and maps work best with
// "--runtime incremental", and cost more fuel.

export const VIEW: u8 = 1;
export const EDIT: u8 = 2;
export const DELETE: u8 = 3;

// Microseconds, to compute with date-times, times of day and durations.
export const SECOND: i64 = 1000000;
export const MINUTE: i64 = 60 * SECOND;
export const HOUR: i64 = 60 * MINUTE;
export const DAY: i64 = 24 * HOUR;

/** units makes a decimal of a whole number: units(1000, 2) is 1000.00 at scale
 * 2. scale is at most 9. */
@inline export function units(whole: i64, scale: u32): i64 {
  // Choices, not a loop: of constants the compiler makes a constant.
  return whole * <i64>(
    scale == 0 ? 1 : scale == 1 ? 10 : scale == 2 ? 100 : scale == 3 ? 1000 : scale == 4 ? 10000 :
    scale == 5 ? 100000 : scale == 6 ? 1000000 : scale == 7 ? 10000000 : scale == 8 ? 100000000 : 1000000000
  );
}

/** days returns the date of a year, month (1 to 12) and day, like Row.date. */
export function days(year: i64, month: i64, day: i64): i64 {
  if (month <= 2) year--;
  const era = (year >= 0 ? year : year - 399) / 400;
  const ofEra = year - era * 400;
  const ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719468;
}

/** dayOf returns the date, in UTC, of a date-time. */
@inline export function dayOf(datetime: i64): i64 {
  return datetime / DAY - <i64>(datetime % DAY < 0);
}

/** weekday returns the day of the week of a date: 0 Monday to 6 Sunday. */
@inline export function weekday(date: i64): i32 {
  const day = (date + 3) % 7;
  return <i32>(day < 0 ? day + 7 : day);
}

/** Text is the address and length of UTF-8 text in the batch. */
@unmanaged export class Text {
  private address: u32;
  length: u32;

  /** equals compares two texts byte by byte. Two nulls are equal: ask isNull
   * first. */
  @inline equals(other: Text): bool {
    const n = this.length;
    if (n != other.length) return false;
    const a = <usize>this.address, b = <usize>other.address;
    for (let i: u32 = 0; i < n; i++) {
      if (load<u8>(a + i) != load<u8>(b + i)) return false;
    }
    return true;
  }

  /** is compares with an ASCII literal: status.is("open"). */
  @inline is(literal: string): bool {
    const n = <u32>literal.length;
    if (n != this.length) return false;
    const a = <usize>this.address, b = changetype<usize>(literal);
    for (let i: u32 = 0; i < n; i++) {
      if (<u16>load<u8>(a + i) != load<u16>(b + (<usize>i << 1))) return false;
    }
    return true;
  }

  /** starts reports whether the text begins with another. */
  @inline starts(prefix: Text): bool {
    const n = prefix.length;
    if (this.length < n) return false;
    const a = <usize>this.address, b = <usize>prefix.address;
    for (let i: u32 = 0; i < n; i++) {
      if (load<u8>(a + i) != load<u8>(b + i)) return false;
    }
    return true;
  }

  /** byte returns byte i, which must be below length. */
  @inline byte(i: u32): u8 { return load<u8>(<usize>this.address + i); }
}

/** Row is the viewer or a record. Columns are numbered from 0 in the order of
 * the manifest. */
@unmanaged export class Row {
  private nulls: u64;

  @inline isNull(column: u32): bool { return ((this.nulls >> column) & 1) != 0; }

  /** int reads the number in a column, whatever its type: an integer, or what
   * decimal, date and the like read under their own names; 0 for null. */
  @inline int(column: u32): i64 { return load<i64>(this.slot(column)); }

  /** decimal reads a decimal, currency or percent in units of its last place:
   * order.decimal(AMOUNT) >= units(1000, 2). */
  @inline decimal(column: u32): i64 { return this.int(column); }

  /** date is days since 1970-01-01; datetime microseconds since
   * 1970-01-01T00:00:00Z; time microseconds since midnight; duration
   * microseconds. There is no clock: let a field or a viewer attribute carry the
   * date that a rule compares with. */
  @inline date(column: u32): i64 { return this.int(column); }
  @inline datetime(column: u32): i64 { return this.int(column); }
  @inline time(column: u32): i64 { return this.int(column); }
  @inline duration(column: u32): i64 { return this.int(column); }

  /** bool reads a boolean; false for null. */
  @inline bool(column: u32): bool { return this.int(column) != 0; }

  /** text reads text, long text, choice, email, phone, url, json, user or lookup
   * (an id in its 36 character form); empty for null. */
  @inline text(column: u32): Text { return changetype<Text>(this.slot(column)); }

  /** count and item read a multi-choice. */
  @inline count(column: u32): u32 { return load<u32>(this.slot(column), 4); }
  @inline item(column: u32, i: u32): Text {
    return changetype<Text>(<usize>load<u32>(this.slot(column)) + (<usize>i << 3));
  }

  /** has reports whether a multi-choice holds a text, hasLiteral an ASCII
   * literal: order.hasLiteral(TAGS, "press"). */
  has(column: u32, text: Text): bool {
    for (let i: u32 = 0, n = this.count(column); i < n; i++) {
      if (this.item(column, i).equals(text)) return true;
    }
    return false;
  }
  hasLiteral(column: u32, literal: string): bool {
    for (let i: u32 = 0, n = this.count(column); i < n; i++) {
      if (this.item(column, i).is(literal)) return true;
    }
    return false;
  }

  @inline private slot(column: u32): usize {
    return changetype<usize>(this) + 8 + (<usize>column << 3);
  }
}

/** Batch is what the host asks about: one viewer and some records. */
@unmanaged export class Batch {
  private abi: u32;
  /** count is the number of records. */
  count: u32;
  private stride: u32;
  private flags: u32;
  private viewerAt: u32;
  private recordsAt: u32;
  private grants: u32;
  private masks: u32;
  private reasons: u32;

  /** known reports whether this file understands the batch. */
  get known(): bool { return this.abi == 1; }

  get viewer(): Row { return changetype<Row>(<usize>this.viewerAt); }

  @inline record(i: u32): Row {
    return changetype<Row>(<usize>(this.recordsAt + i * this.stride));
  }

  /** share grants VIEW, EDIT or DELETE on record i. */
  @inline share(i: u32, level: u8, reason: u8 = 0): void {
    store<u8>(<usize>(this.grants + i), level);
    this.because(i, reason);
  }

  /** letThrough is the "yes" of a restrict rule. */
  @inline letThrough(i: u32, reason: u8 = 0): void {
    store<u8>(<usize>(this.grants + i), 1);
    this.because(i, reason);
  }

  /** show makes fields of record i visible: bit k is field k of the manifest's
   * "mask". */
  @inline show(i: u32, fields: u64, reason: u8 = 0): void {
    store<u64>(<usize>(this.masks + (i << 3)), fields);
    this.because(i, reason);
  }

  /** because gives a reason alone, also for a "no". */
  @inline because(i: u32, reason: u8): void {
    store<u8>(<usize>(this.reasons + i), reason);
  }
}

// A plan stands in memory that the host puts back after every call: its length, and
// at most PLAN_BYTES bytes of JSON.
const PLAN_BYTES: u32 = 4096;
const planAt: usize = memory.data(4100, 4);
let planLength: u32 = 0;
let planSaid: u32 = 0;

/** Plan says what every record satisfies that a share rule shares with one viewer,
 * so that lists read an index in place of the whole form:
 *
 *   export function sluice_plan(batch: Batch): usize {
 *     const viewer = batch.viewer;
 *     if (viewer.isNull(VIEWER_TEAM)) return Plan.nothing();
 *     Plan.begin();
 *     Plan.text("team", "eq", viewer.text(VIEWER_TEAM));
 *     Plan.oneOf("status", "open", "held");
 *     return Plan.done();
 *   }
 *
 * All that is said holds at once; say nothing, and any record may be shared. What
 * the plan leaves out is not shared, so say no more than the rule demands of every
 * record. column is the name in the manifest, op an operator of filters: "eq", "ne",
 * "lt", "lte", "gt", "gte", for texts also "startsWith" and the like, for a
 * multi-choice "has". A condition that does not fit any more is left out, which
 * makes the plan wider and nothing else. Names and literals are ASCII. */
export class Plan {
  static begin(): void {
    planLength = planSaid = 0;
    Plan.raw('{"and":[');
  }

  /** done returns the plan, for sluice_plan to return. */
  static done(): usize {
    Plan.raw("]}");
    store<u32>(planAt, planLength);
    return planAt;
  }

  /** nothing is the plan of a viewer with whom nothing is shared. */
  static nothing(): usize {
    planLength = 0;
    Plan.raw('{"or":[');
    return Plan.done();
  }

  /** text compares with a text of the viewer. One of more than 512 bytes as JSON is
   * left out, as it would cost much of a call's fuel. */
  static text(column: string, op: string, value: Text): void {
    let need = value.length;
    if (need > 512 || planSaid == 64) return;
    for (let i: u32 = 0; i < value.length; i++) {
      const c = value.byte(i);
      if (c < 0x20) need += 5;
      else if (c == 0x22 || c == 0x5c) need++;
    }
    if (need > 512) return;
    const from = Plan.open(column, op);
    Plan.byte(0x22);
    for (let i: u32 = 0; i < value.length; i++) Plan.escaped(value.byte(i));
    Plan.byte(0x22);
    Plan.close(from);
  }

  /** literal compares with an ASCII literal. */
  static literal(column: string, op: string, value: string): void {
    if (planSaid == 64) return;
    const from = Plan.open(column, op);
    Plan.quoted(value);
    Plan.close(from);
  }

  /** oneOf is for a column that is one of up to four ASCII literals. */
  static oneOf(column: string, a: string, b: string, c: string | null = null, d: string | null = null): void {
    const from = Plan.open(column, "in");
    Plan.byte(0x5b);
    Plan.quoted(a);
    Plan.byte(0x2c);
    Plan.quoted(b);
    if (c !== null) {
      Plan.byte(0x2c);
      Plan.quoted(c);
    }
    if (d !== null) {
      Plan.byte(0x2c);
      Plan.quoted(d);
    }
    Plan.byte(0x5d);
    Plan.close(from);
  }

  static int(column: string, op: string, value: i64): void { Plan.decimal(column, op, value, 0); }

  /** decimal compares with units of the last of scale places, as Row.decimal reads
   * them. */
  static decimal(column: string, op: string, value: i64, scale: u32): void {
    const from = Plan.open(column, op);
    const n = <u64>(value < 0 ? -value : value), one = <u64>units(1, scale);
    Plan.byte(0x22);
    if (value < 0) Plan.byte(0x2d);
    Plan.digits(n / one, 1);
    if (scale > 0) {
      Plan.byte(0x2e);
      Plan.digits(n % one, scale);
    }
    Plan.byte(0x22);
    Plan.close(from);
  }

  /** date compares with a date as Row.date reads it. */
  static date(column: string, op: string, date: i64): void {
    if (date < days(1, 1, 1) || date > days(9999, 12, 31)) return;
    const from = Plan.open(column, op);
    const era = (date + 719468) / 146097, n = date + 719468 - era * 146097;
    const year = (n - n / 1460 + n / 36524 - n / 146096) / 365;
    const day = n - (365 * year + year / 4 - year / 100), month = (5 * day + 2) / 153;
    Plan.byte(0x22);
    Plan.digits(<u64>(year + era * 400 + <i64>(month >= 10)), 4);
    Plan.byte(0x2d);
    Plan.digits(<u64>(month < 10 ? month + 3 : month - 9), 2);
    Plan.byte(0x2d);
    Plan.digits(<u64>(day - (153 * month + 2) / 5 + 1), 2);
    Plan.byte(0x22);
    Plan.close(from);
  }

  static bool(column: string, value: bool): void {
    const from = Plan.open(column, "eq");
    Plan.raw(value ? "true" : "false");
    Plan.close(from);
  }

  static isNull(column: string, value: bool): void {
    const from = Plan.open(column, "isNull");
    Plan.raw(value ? "true" : "false");
    Plan.close(from);
  }

  private static byte(c: u8): void {
    if (planLength < PLAN_BYTES) store<u8>(planAt + 4 + planLength, c);
    planLength++; // beyond the end: close takes it back
  }

  private static raw(ascii: string): void {
    for (let i = 0, n = ascii.length; i < n; i++) Plan.byte(load<u8>(changetype<usize>(ascii) + (<usize>i << 1)));
  }

  private static escaped(c: u8): void {
    if (c == 0x22 || c == 0x5c) Plan.byte(0x5c);
    if (c >= 0x20) {
      Plan.byte(c);
    } else {
      Plan.raw("\\u00");
      Plan.byte(c < 16 ? 0x30 : 0x31);
      Plan.byte((c & 15) < 10 ? 0x30 + (c & 15) : 0x57 + (c & 15));
    }
  }

  private static quoted(ascii: string): void {
    Plan.byte(0x22);
    for (let i = 0, n = ascii.length; i < n; i++) Plan.escaped(load<u8>(changetype<usize>(ascii) + (<usize>i << 1)));
    Plan.byte(0x22);
  }

  private static digits(n: u64, least: u32): void {
    let one: u64 = 1, count: u32 = 1;
    while (n / one >= 10 || count < least) { one *= 10; count++; }
    for (; one > 0; one /= 10) Plan.byte(<u8>(0x30 + n / one % 10));
  }

  private static open(column: string, op: string): u32 {
    const from = planLength;
    Plan.raw(planSaid > 0 ? ",{" : "{");
    Plan.quoted(column);
    Plan.raw(":{");
    Plan.quoted(op);
    Plan.byte(0x3a);
    return from;
  }

  private static close(from: u32): void {
    Plan.raw("}}");
    // The plan's own end has to fit, and a filter holds no more conditions.
    if (planLength > PLAN_BYTES - 2 || planSaid == 64) planLength = from;
    else planSaid++;
  }
}

/** sluice_buf gives the host an area for the batch, from the allocator of
 * whatever runtime the rule is built with. */
export function sluice_buf(size: i32): usize {
  return (heap.alloc(<usize>size + 8) + 7) & ~7;
}
