// Shares nothing, and says in its plan all that a plan can say.
import { Batch, Plan } from "./sluice";
export { sluice_buf } from "./sluice";

const TEAM = 0, DAY = 1, AMOUNT = 2;

export function sluice_decide(batch: Batch): i32 { return batch.known ? 0 : 1; }

export function sluice_plan(batch: Batch): usize {
  const viewer = batch.viewer;
  if (viewer.text(TEAM).is("nobody")) return Plan.nothing();
  Plan.begin();
  Plan.text("team", "eq", viewer.text(TEAM));
  Plan.oneOf("status", "open", 'the "held"');
  Plan.int("count", "ne", -9000000000000000000);
  Plan.decimal("amount", "gte", viewer.decimal(AMOUNT), 2);
  Plan.date("day", "lt", viewer.date(DAY));
  Plan.bool("yes", true);
  Plan.isNull("tags", false);
  Plan.literal("tags", "has", "press");
  if (viewer.text(TEAM).is("many")) for (let i = 0; i < 300; i++) Plan.literal("team", "startsWith", "m");
  return Plan.done();
}
