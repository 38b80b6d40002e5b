/* sluice_rule.h: write a Sluice custom rule in C (ABI sluice.rule/1).
 *
 * Include it in one file, define rule(), and build with
 *
 *   clang --target=wasm32 -O2 -nostdlib -ffreestanding -fvisibility=hidden \
 *         -Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=8192 -o rule.wasm rule.c
 *
 * A rule is a pure function of one record and one viewer: it keeps nothing
 * between calls. What it does not answer is answered "no".
 */
#ifndef SLUICE_RULE_H
#define SLUICE_RULE_H

typedef unsigned char      sl_u8;
typedef unsigned int       sl_u32;
typedef unsigned long long sl_u64;
typedef long long          sl_i64;

/* sl_row is the viewer or a record: look at it with the functions below.
 * Columns are numbered from 0 in the order of the manifest. */
typedef struct sl_row sl_row;

/* sl_text is UTF-8 text, not terminated by 0. */
typedef struct { const char *data; sl_u32 length; } sl_text;

/* sl_list is a list of texts (multi-choice). */
typedef struct { const sl_text *items; sl_u32 length; } sl_list;

/* sl_verdict is the answer for one record. Leave it as it is to deny. */
typedef struct {
  sl_u8  grant;   /* share: SL_VIEW, SL_EDIT or SL_DELETE; restrict: SL_LET_THROUGH */
  sl_u8  reason;  /* number of a reason in the manifest, from 1; 0 for none */
  sl_u64 visible; /* mask: bit i shows field i of the manifest's "mask" */
} sl_verdict;

enum { SL_NONE = 0, SL_VIEW = 1, SL_EDIT = 2, SL_DELETE = 3 };
enum { SL_KEEP_OUT = 0, SL_LET_THROUGH = 1 };

/* rule is yours: decide about one record for one viewer. */
static void rule(const sl_row *viewer, const sl_row *record, sl_verdict *out);

static inline int sl_is_null(const sl_row *row, sl_u32 column) {
  return (int)(*(const sl_u64 *)row >> column & 1);
}

/* sl_int reads an integer, a decimal times 10^scale, a date (days since
 * 1970-01-01) or a date-time (microseconds); 0 for null. */
static inline sl_i64 sl_int(const sl_row *row, sl_u32 column) {
  return ((const sl_i64 *)row)[1 + column];
}

/* sl_bool reads a boolean; 0 for null. */
static inline int sl_bool(const sl_row *row, sl_u32 column) {
  return sl_int(row, column) != 0;
}

/* sl_string reads text, long text, choice, email, user or lookup (an id in its
 * 36 character form); empty for null. */
static inline sl_text sl_string(const sl_row *row, sl_u32 column) {
  return ((const sl_text *)row)[1 + column];
}

/* sl_items reads a multi-choice; empty for null. */
static inline sl_list sl_items(const sl_row *row, sl_u32 column) {
  return ((const sl_list *)row)[1 + column];
}

/* sl_same compares two texts byte by byte. */
static inline int sl_same(sl_text a, sl_text b) {
  if (a.length != b.length) return 0;
  for (sl_u32 i = 0; i < a.length; i++)
    if (a.data[i] != b.data[i]) return 0;
  return 1;
}

/* SL_IS compares a text with a literal: SL_IS(status, "open"). */
#define SL_IS(text, literal) sl_same((text), (sl_text){(literal), sizeof(literal) - 1})

/* ---- what follows is the interface to the host ---- */

typedef struct {
  sl_u32 abi, n, stride, flags;
  const sl_row *viewer;
  const sl_u8 *records;
  sl_u8 *grants;
  sl_u64 *masks;
  sl_u8 *reasons;
  sl_u32 zero[3];
} sl_batch;

/* The first address that the program does not use. The batch stands there: do
 * not link an allocator that takes the same memory. */
extern sl_u8 __heap_base;

__attribute__((export_name("sluice_buf"))) sl_u32 sluice_buf(sl_u32 size) {
  sl_u32 base = ((sl_u32)&__heap_base + 7) & ~7u;
  sl_u32 have = (sl_u32)__builtin_wasm_memory_size(0) << 16;
  if (base + size > have) {
    sl_u32 pages = (base + size - have + 0xffff) >> 16;
    if (__builtin_wasm_memory_grow(0, pages) == (unsigned long)-1) return 0;
  }
  return base;
}

__attribute__((export_name("sluice_decide"))) int sluice_decide(sl_batch *b) {
  if (b->abi != 1) return 1;
  for (sl_u32 i = 0; i < b->n; i++) {
    sl_verdict v = {0, 0, 0};
    rule(b->viewer, (const sl_row *)(b->records + i * b->stride), &v);
    b->grants[i] = v.grant;
    b->masks[i] = v.visible;
    b->reasons[i] = v.reason;
  }
  return 0;
}

#endif
