/* Shows the orders of a team to everybody in that team: all that are open, and
 * those shipped from 1,000.00. It says in a plan where to look for them. */
#define SL_PLAN
#include "sluice_rule.h"

enum { VIEWER_TEAM };
enum { TEAM, STATUS, AMOUNT };
enum { REASON_TEAM = 1 };

static void rule(const sl_row *viewer, const sl_row *order, sl_verdict *out) {
  if (sl_is_null(viewer, VIEWER_TEAM) || sl_is_null(order, TEAM)) return;
  if (!sl_same(sl_string(viewer, VIEWER_TEAM), sl_string(order, TEAM))) return;
  if (!SL_IS(sl_string(order, STATUS), "open")) {
    if (!SL_IS(sl_string(order, STATUS), "shipped")) return;
    if (sl_decimal(order, AMOUNT) < sl_units(1000, 2)) return;
  }
  out->grant = SL_VIEW;
  out->reason = REASON_TEAM;
}

static void plan(const sl_row *viewer, sl_plan *out) {
  if (sl_is_null(viewer, VIEWER_TEAM)) {
    sl_plan_nothing(out);
    return;
  }
  const sl_text statuses[] = {SL_TEXT("open"), SL_TEXT("shipped")};
  sl_plan_text(out, "team", "eq", sl_string(viewer, VIEWER_TEAM));
  sl_plan_in(out, "status", statuses, 2);
}
