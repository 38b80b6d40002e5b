/* Hides the phone number of customers outside the viewer's own region. */
#include "sluice_rule.h"

enum { VIEWER_REGION };
enum { REGION };
enum { SHOW_PHONE = 1 << 0 };
enum { REASON_OWN_REGION = 1 };

static void rule(const sl_row *viewer, const sl_row *customer, sl_verdict *out) {
  if (sl_is_null(viewer, VIEWER_REGION) || sl_is_null(customer, REGION)) return;
  if (!sl_same(sl_string(viewer, VIEWER_REGION), sl_string(customer, REGION))) return;
  out->visible = SHOW_PHONE;
  out->reason = REASON_OWN_REGION;
}
