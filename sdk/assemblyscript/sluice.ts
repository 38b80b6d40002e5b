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

/** Text is the address and length of UTF-8 text in the batch. */
@unmanaged export class Text {
  private address: u32;
  length: u32;

  /** equals compares two texts byte by byte. */
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

  /** byte returns byte i, which must be below length. */
  @inline byte(i: u32): u8 { return load<u8>(<usize>this.address + i); }
}

/** Row is the viewer or a record. Columns are numbered from 0 in the order of
 * the manifest. */
@unmanaged export class Row {
  private nulls: u64;

  @inline isNull(column: u32): bool { return ((this.nulls >> column) & 1) != 0; }

  /** int reads an integer, a decimal times 10^scale, a date (days since
   * 1970-01-01) or a date-time (microseconds); 0 for null. */
  @inline int(column: u32): i64 { return load<i64>(this.slot(column)); }

  /** bool reads a boolean; false for null. */
  @inline bool(column: u32): bool { return this.int(column) != 0; }

  /** text reads text, long text, choice, email, user or lookup (an id in its 36
   * character form); empty for null. */
  @inline text(column: u32): Text { return changetype<Text>(this.slot(column)); }

  /** count and item read a multi-choice. */
  @inline count(column: u32): u32 { return load<u32>(this.slot(column), 4); }
  @inline item(column: u32, i: u32): Text {
    return changetype<Text>(<usize>load<u32>(this.slot(column)) + (<usize>i << 3));
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

/** sluice_buf gives the host an area for the batch, from the allocator of
 * whatever runtime the rule is built with. */
export function sluice_buf(size: i32): usize {
  return (heap.alloc(<usize>size + 8) + 7) & ~7;
}
