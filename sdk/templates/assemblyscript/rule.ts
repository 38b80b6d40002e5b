// RULE_NAME: shows the large open orders of a team to everybody in that team.
//
// Columns are numbered from 0 in the order of manifest.json. Returning without
// an answer denies.
import { Batch, VIEW, units } from "./sluice";
export { sluice_buf } from "./sluice";

const VIEWER_TEAM = 0;
const TEAM = 0, STATUS = 1, AMOUNT = 2;
const SAME_TEAM: u8 = 1; // reason

function rule(batch: Batch, i: u32): void {
  const viewer = batch.viewer, order = batch.record(i);
  if (viewer.isNull(VIEWER_TEAM) || order.isNull(TEAM)) return;
  if (!viewer.text(VIEWER_TEAM).equals(order.text(TEAM))) return;
  if (!order.text(STATUS).is("open")) return;
  if (order.decimal(AMOUNT) < units(1000, 2)) return;
  batch.share(i, VIEW, SAME_TEAM);
}

export function sluice_decide(batch: Batch): i32 {
  if (!batch.known) return 1;
  for (let i: u32 = 0; i < batch.count; i++) rule(batch, i);
  return 0;
}
