/* Shares nothing, and says in its plan all that a plan can say. */
#define SL_PLAN
#include "sluice_rule.h"

enum { TEAM, DAY, AMOUNT };

static void rule(const sl_row *viewer, const sl_row *record, sl_verdict *out) {
  (void)viewer, (void)record, (void)out;
}

static void plan(const sl_row *viewer, sl_plan *out) {
  const sl_text statuses[] = {SL_TEXT("open"), SL_TEXT("the \"held\"")};
  if (SL_IS(sl_string(viewer, TEAM), "nobody")) sl_plan_nothing(out);
  sl_plan_text(out, "team", "eq", sl_string(viewer, TEAM));
  sl_plan_in(out, "status", statuses, 2);
  sl_plan_int(out, "count", "ne", -9000000000000000000);
  sl_plan_decimal(out, "amount", "gte", sl_decimal(viewer, AMOUNT), 2);
  sl_plan_date(out, "day", "lt", sl_date(viewer, DAY));
  sl_plan_bool(out, "yes", 1);
  sl_plan_null(out, "tags", 0);
  sl_plan_text(out, "tags", "has", SL_TEXT("press"));
  if (SL_IS(sl_string(viewer, TEAM), "many"))
    for (int i = 0; i < 300; i++) sl_plan_text(out, "team", "startsWith", SL_TEXT("m"));
}
