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

/* sl_int reads the number in a column, whatever its type: an integer, or what
 * sl_decimal, sl_date and the like read under their own names; 0 for null. */
static inline sl_i64 sl_int(const sl_row *row, sl_u32 column) {
  return ((const sl_i64 *)row)[1 + column];
}

/* sl_bool reads a boolean; 0 for null. */
static inline int sl_bool(const sl_row *row, sl_u32 column) {
  return sl_int(row, column) != 0;
}

/* sl_decimal reads a decimal, currency or percent in units of its last place:
 * 1000.00 at scale 2 is 100000. sl_units makes such a number of a whole one:
 * sl_decimal(order, AMOUNT) >= sl_units(1000, 2). scale is at most 9. */
static inline sl_i64 sl_decimal(const sl_row *row, sl_u32 column) {
  return sl_int(row, column);
}

static inline sl_i64 sl_units(sl_i64 whole, sl_u32 scale) {
  for (; scale > 0; scale--) whole *= 10;
  return whole;
}

/* Times: sl_date in days since 1970-01-01; sl_datetime in microseconds since
 * 1970-01-01T00:00:00Z; sl_time in microseconds since midnight; sl_duration in
 * microseconds. There is no clock: let a field or a viewer attribute carry the
 * date that a rule compares with. */
static inline sl_i64 sl_date(const sl_row *row, sl_u32 column) { return sl_int(row, column); }
static inline sl_i64 sl_datetime(const sl_row *row, sl_u32 column) { return sl_int(row, column); }
static inline sl_i64 sl_time(const sl_row *row, sl_u32 column) { return sl_int(row, column); }
static inline sl_i64 sl_duration(const sl_row *row, sl_u32 column) { return sl_int(row, column); }

#define SL_SECOND ((sl_i64)1000000)
#define SL_MINUTE (60 * SL_SECOND)
#define SL_HOUR   (60 * SL_MINUTE)
#define SL_DAY    (24 * SL_HOUR)

/* sl_days returns the date of a year, month (1 to 12) and day, like sl_date. */
static inline sl_i64 sl_days(sl_i64 year, sl_i64 month, sl_i64 day) {
  if (month <= 2) year--;
  sl_i64 era = (year >= 0 ? year : year - 399) / 400;
  sl_i64 of_era = year - era * 400;
  sl_i64 of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* sl_day_of returns the date, in UTC, of a date-time. */
static inline sl_i64 sl_day_of(sl_i64 datetime) {
  return datetime / SL_DAY - (datetime % SL_DAY < 0);
}

/* sl_weekday returns the day of the week of a date: 0 Monday to 6 Sunday. */
static inline int sl_weekday(sl_i64 date) {
  sl_i64 day = (date + 3) % 7;
  return (int)(day < 0 ? day + 7 : day);
}

/* sl_string reads text, long text, choice, email, phone, url, json, user or
 * lookup (an id in its 36 character form); empty for null. */
static inline sl_text sl_string(const sl_row *row, sl_u32 column) {
  return ((const sl_text *)row)[1 + column];
}

/* sl_items reads a multi-choice; empty for null. */
static inline sl_list sl_items(const sl_row *row, sl_u32 column) {
  return ((const sl_list *)row)[1 + column];
}

/* sl_same compares two texts byte by byte. Two nulls are the same: ask
 * sl_is_null first. */
static inline int sl_same(sl_text a, sl_text b) {
  if (a.length != b.length) return 0;
  for (sl_u32 i = 0; i < a.length; i++)
    if (a.data[i] != b.data[i]) return 0;
  return 1;
}

/* sl_starts reports whether a text begins with another. */
static inline int sl_starts(sl_text text, sl_text prefix) {
  if (text.length < prefix.length) return 0;
  return sl_same((sl_text){text.data, prefix.length}, prefix);
}

/* sl_has reports whether a list holds a text. */
static inline int sl_has(sl_list list, sl_text text) {
  for (sl_u32 i = 0; i < list.length; i++)
    if (sl_same(list.items[i], text)) return 1;
  return 0;
}

/* SL_TEXT makes a text of a literal: sl_has(tags, SL_TEXT("press")). */
#define SL_TEXT(literal) ((sl_text){(literal), sizeof(literal) - 1})

/* SL_IS compares a text with a literal: SL_IS(status, "open"). */
#define SL_IS(text, literal) sl_same((text), SL_TEXT(literal))

/* ---- plans, for share rules: #define SL_PLAN before the #include ---- */

#ifdef SL_PLAN

/* sl_plan says what every record satisfies that the rule shares with one viewer,
 * so that lists read an index in place of the whole form. All that is said holds
 * at once; say nothing, and any record may be shared. What the plan leaves out is
 * not shared, so say no more than rule() demands of every record. */
typedef struct { sl_u32 length; char text[4096]; sl_u32 said, nothing; } sl_plan;

/* plan is yours: it sees the viewer alone. */
static void plan(const sl_row *viewer, sl_plan *out);

/* What follows adds one condition each. column is the name in the manifest, op an
 * operator of filters: "eq", "ne", "lt", "lte", "gt", "gte", for texts also
 * "startsWith" and the like, for a multi-choice "has". A condition that does not
 * fit any more is left out, which makes the plan wider and nothing else. */
static inline void sl_plan_text(sl_plan *out, const char *column, const char *op, sl_text value);
static inline void sl_plan_in(sl_plan *out, const char *column, const sl_text *values, sl_u32 count);
static inline void sl_plan_int(sl_plan *out, const char *column, const char *op, sl_i64 value);
static inline void sl_plan_decimal(sl_plan *out, const char *column, const char *op, sl_i64 units, sl_u32 scale);
static inline void sl_plan_date(sl_plan *out, const char *column, const char *op, sl_i64 days);
static inline void sl_plan_bool(sl_plan *out, const char *column, int value);
static inline void sl_plan_null(sl_plan *out, const char *column, int is_null);
/* sl_plan_nothing says that nothing is shared with this viewer. */
static inline void sl_plan_nothing(sl_plan *out);

static inline void sl_plan_byte(sl_plan *out, char c) {
  if (out->length < sizeof(out->text)) out->text[out->length] = c;
  out->length++; /* beyond the end: sl_plan_close takes it back */
}

static inline void sl_plan_raw(sl_plan *out, const char *text) {
  while (*text) sl_plan_byte(out, *text++);
}

static inline void sl_plan_quoted(sl_plan *out, const char *text, sl_u32 length) {
  sl_plan_byte(out, '"');
  for (sl_u32 i = 0; i < length; i++) {
    sl_u8 c = (sl_u8)text[i];
    if (c == '"' || c == '\\') sl_plan_byte(out, '\\');
    if (c >= ' ') {
      sl_plan_byte(out, (char)c);
    } else {
      sl_plan_raw(out, "\\u00");
      sl_plan_byte(out, c < 16 ? '0' : '1');
      sl_plan_byte(out, "0123456789abcdef"[c & 15]);
    }
  }
  sl_plan_byte(out, '"');
}

static inline void sl_plan_digits(sl_plan *out, sl_u64 n, sl_u32 least) {
  char digits[20];
  sl_u32 count = 0;
  for (; n > 0 || count < least; n /= 10) digits[count++] = (char)('0' + n % 10);
  while (count > 0) sl_plan_byte(out, digits[--count]);
}

/* sl_plan_number writes a number of units of the last of scale places. */
static inline void sl_plan_number(sl_plan *out, sl_i64 units, sl_u32 scale) {
  sl_u64 n = units < 0 ? -(sl_u64)units : (sl_u64)units, one = 1;
  for (sl_u32 i = 0; i < scale; i++) one *= 10;
  if (units < 0) sl_plan_byte(out, '-');
  sl_plan_digits(out, n / one, 1);
  if (scale == 0) return;
  sl_plan_byte(out, '.');
  sl_plan_digits(out, n % one, scale);
}

static inline sl_u32 sl_plan_open(sl_plan *out, const char *column, const char *op) {
  sl_u32 from = out->length, length = 0;
  while (column[length]) length++;
  sl_plan_raw(out, out->said ? ",{" : "{");
  sl_plan_quoted(out, column, length);
  sl_plan_raw(out, ":{\"");
  sl_plan_raw(out, op);
  sl_plan_raw(out, "\":");
  return from;
}

static inline void sl_plan_close(sl_plan *out, sl_u32 from) {
  sl_plan_raw(out, "}}");
  /* The plan's own end has to fit, and a filter holds no more conditions. */
  if (out->length > sizeof(out->text) - 2 || out->said == 64) out->length = from;
  else out->said++;
}

/* sl_plan_fits reports whether a text is worth writing: one of more than 512 bytes
 * as JSON is left out, as it would cost much of a call's fuel. */
static inline int sl_plan_fits(const sl_plan *out, sl_text value) {
  sl_u32 need = value.length;
  if (need > 512 || out->said == 64) return 0;
  for (sl_u32 i = 0; i < value.length; i++) {
    sl_u8 c = (sl_u8)value.data[i];
    if (c < ' ') need += 5;
    else if (c == '"' || c == '\\') need++;
  }
  return need <= 512;
}

static inline void sl_plan_text(sl_plan *out, const char *column, const char *op, sl_text value) {
  if (!sl_plan_fits(out, value)) return;
  sl_u32 from = sl_plan_open(out, column, op);
  sl_plan_quoted(out, value.data, value.length);
  sl_plan_close(out, from);
}

static inline void sl_plan_in(sl_plan *out, const char *column, const sl_text *values, sl_u32 count) {
  if (count > 1000) return;
  sl_u32 from = sl_plan_open(out, column, "in");
  sl_plan_byte(out, '[');
  for (sl_u32 i = 0, n = 0; i < count; i++) {
    if (!sl_plan_fits(out, values[i])) { /* all of them, or none */
      out->length = from;
      return;
    }
    if (n++) sl_plan_byte(out, ',');
    sl_plan_quoted(out, values[i].data, values[i].length);
  }
  sl_plan_byte(out, ']');
  sl_plan_close(out, from);
}

static inline void sl_plan_int(sl_plan *out, const char *column, const char *op, sl_i64 value) {
  sl_plan_decimal(out, column, op, value, 0);
}

static inline void sl_plan_decimal(sl_plan *out, const char *column, const char *op, sl_i64 units, sl_u32 scale) {
  sl_u32 from = sl_plan_open(out, column, op);
  sl_plan_byte(out, '"');
  sl_plan_number(out, units, scale);
  sl_plan_byte(out, '"');
  sl_plan_close(out, from);
}

static inline void sl_plan_date(sl_plan *out, const char *column, const char *op, sl_i64 days) {
  if (days < sl_days(1, 1, 1) || days > sl_days(9999, 12, 31)) return;
  sl_i64 of_era = days + 719468, era = of_era / 146097; /* never before the year 0 */
  of_era -= era * 146097;
  sl_i64 year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  sl_i64 of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
  sl_u32 from = sl_plan_open(out, column, op);
  sl_plan_byte(out, '"');
  sl_plan_digits(out, (sl_u64)(year + era * 400 + (month >= 10)), 4);
  sl_plan_byte(out, '-');
  sl_plan_digits(out, (sl_u64)(month < 10 ? month + 3 : month - 9), 2);
  sl_plan_byte(out, '-');
  sl_plan_digits(out, (sl_u64)(of_year - (153 * month + 2) / 5 + 1), 2);
  sl_plan_byte(out, '"');
  sl_plan_close(out, from);
}

static inline void sl_plan_bool(sl_plan *out, const char *column, int value) {
  sl_u32 from = sl_plan_open(out, column, "eq");
  sl_plan_raw(out, value ? "true" : "false");
  sl_plan_close(out, from);
}

static inline void sl_plan_null(sl_plan *out, const char *column, int is_null) {
  sl_u32 from = sl_plan_open(out, column, "isNull");
  sl_plan_raw(out, is_null ? "true" : "false");
  sl_plan_close(out, from);
}

static inline void sl_plan_nothing(sl_plan *out) { out->nothing = 1; }

#endif

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

#ifdef SL_PLAN
__attribute__((export_name("sluice_plan"))) sl_u32 sluice_plan(const sl_batch *b) {
  static sl_plan out; /* the host puts it back to 0 */
  if (b->abi != 1) return 0;
  sl_plan_raw(&out, "{\"and\":[");
  plan(b->viewer, &out);
  if (out.nothing) {
    out.length = 0;
    sl_plan_raw(&out, "{\"or\":[");
  }
  sl_plan_raw(&out, "]}");
  return (sl_u32)&out;
}
#endif

#endif
