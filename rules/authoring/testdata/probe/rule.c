/* Lets a record through for which every function of the library answers as the
 * cases expect, and else names the first that does not. */
#include "sluice_rule.h"

enum { TEAM };
enum { YES, NOTHING, AMOUNT, DAY, MOMENT, CLOCK, SPAN, TAGS, COUNT, TITLE, WEEKDAY };

static sl_u8 failed(const sl_row *viewer, const sl_row *r) {
  sl_text team = sl_string(viewer, TEAM);
  if (!sl_bool(r, YES)) return 1;
  if (!sl_is_null(r, NOTHING) || sl_is_null(r, YES) || sl_int(r, NOTHING) != 0) return 2;
  if (sl_decimal(r, AMOUNT) != sl_units(-12, 2) - 34) return 3;
  if (sl_date(r, DAY) != sl_days(2024, 2, 29)) return 4;
  if (sl_day_of(sl_datetime(r, MOMENT)) != sl_date(r, DAY)) return 5;
  if (sl_weekday(sl_date(r, DAY)) != sl_int(r, WEEKDAY)) return 6;
  if (sl_time(r, CLOCK) != 15 * SL_HOUR + 4 * SL_MINUTE + 5 * SL_SECOND) return 7;
  if (sl_duration(r, SPAN) != SL_DAY + 2 * SL_HOUR) return 8;
  if (!sl_has(sl_items(r, TAGS), team)) return 9;
  if (!sl_has(sl_items(r, TAGS), SL_TEXT("press")) || sl_has(sl_items(r, TAGS), SL_TEXT("pres"))) return 10;
  if (!sl_starts(sl_string(r, TITLE), team) || sl_starts(team, sl_string(r, TITLE))) return 11;
  if (sl_items(r, TAGS).length != 2 || !SL_IS(sl_items(r, TAGS).items[1], "north")) return 12;
  if (sl_int(r, COUNT) != -9000000000000000000) return 13;
  return 0;
}

static void rule(const sl_row *viewer, const sl_row *record, sl_verdict *out) {
  out->reason = failed(viewer, record);
  if (out->reason == 0) out->grant = SL_LET_THROUGH;
}
