/* RULE_NAME: shows the large open orders of a team to everybody in that team.
 *
 * Columns are numbered from 0 in the order of manifest.json. Returning without
 * writing to out denies. */
#include "sluice_rule.h"

enum { VIEWER_TEAM };
enum { TEAM, STATUS, AMOUNT };
enum { REASON_SAME_TEAM = 1 };

static void rule(const sl_row *viewer, const sl_row *order, sl_verdict *out) {
  if (sl_is_null(viewer, VIEWER_TEAM) || sl_is_null(order, TEAM)) return;
  if (!sl_same(sl_string(viewer, VIEWER_TEAM), sl_string(order, TEAM))) return;
  if (!SL_IS(sl_string(order, STATUS), "open")) return;
  if (sl_decimal(order, AMOUNT) < sl_units(1000, 2)) return;
  out->grant = SL_VIEW;
  out->reason = REASON_SAME_TEAM;
}
