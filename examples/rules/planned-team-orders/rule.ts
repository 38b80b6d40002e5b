// Shows the orders of a team to everybody in that team: all that are open, and
// those shipped from 1,000.00. It says in a plan where to look for them.
import { Batch, Plan, VIEW, units } from "../../../sdk/assemblyscript/sluice";
export { sluice_buf } from "../../../sdk/assemblyscript/sluice";

const VIEWER_TEAM = 0;
const TEAM = 0, STATUS = 1, AMOUNT = 2;
const OF_TEAM: u8 = 1; // reason

function rule(batch: Batch, i: u32): void {
  const viewer = batch.viewer, order = batch.record(i);
  if (viewer.isNull(VIEWER_TEAM) || order.isNull(TEAM)) return;
  if (!viewer.text(VIEWER_TEAM).equals(order.text(TEAM))) return;
  const status = order.text(STATUS);
  if (!status.is("open") && (!status.is("shipped") || order.decimal(AMOUNT) < units(1000, 2))) return;
  batch.share(i, VIEW, OF_TEAM);
}

export function sluice_decide(batch: Batch): i32 {
  if (!batch.known) return 1;
  for (let i: u32 = 0; i < batch.count; i++) rule(batch, i);
  return 0;
}

export function sluice_plan(batch: Batch): usize {
  const viewer = batch.viewer;
  if (viewer.isNull(VIEWER_TEAM)) return Plan.nothing();
  Plan.begin();
  Plan.text("team", "eq", viewer.text(VIEWER_TEAM));
  Plan.oneOf("status", "open", "shipped");
  return Plan.done();
}
