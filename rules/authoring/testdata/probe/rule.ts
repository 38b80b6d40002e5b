// Lets a record through for which every function of the library answers as the
// cases expect, and else names the first that does not.
import { Batch, Row, DAY as ONE_DAY, HOUR, MINUTE, SECOND, dayOf, days, units, weekday } from "./sluice";
export { sluice_buf } from "./sluice";

const TEAM = 0;
const YES = 0, NOTHING = 1, AMOUNT = 2, DAY = 3, MOMENT = 4, CLOCK = 5, SPAN = 6, TAGS = 7, COUNT = 8, TITLE = 9, WEEKDAY = 10;

function failed(viewer: Row, r: Row): u8 {
  const team = viewer.text(TEAM);
  if (!r.bool(YES)) return 1;
  if (!r.isNull(NOTHING) || r.isNull(YES) || r.int(NOTHING) != 0) return 2;
  if (r.decimal(AMOUNT) != units(-12, 2) - 34) return 3;
  if (r.date(DAY) != days(2024, 2, 29)) return 4;
  if (dayOf(r.datetime(MOMENT)) != r.date(DAY)) return 5;
  if (weekday(r.date(DAY)) != r.int(WEEKDAY)) return 6;
  if (r.time(CLOCK) != 15 * HOUR + 4 * MINUTE + 5 * SECOND) return 7;
  if (r.duration(SPAN) != ONE_DAY + 2 * HOUR) return 8;
  if (!r.has(TAGS, team)) return 9;
  if (!r.hasLiteral(TAGS, "press") || r.hasLiteral(TAGS, "pres")) return 10;
  if (!r.text(TITLE).starts(team) || team.starts(r.text(TITLE))) return 11;
  if (r.count(TAGS) != 2 || !r.item(TAGS, 1).is("north")) return 12;
  if (r.int(COUNT) != -9000000000000000000) return 13;
  return 0;
}

function rule(batch: Batch, i: u32): void {
  const reason = failed(batch.viewer, batch.record(i));
  if (reason == 0) batch.letThrough(i);
  else batch.because(i, reason);
}

export function sluice_decide(batch: Batch): i32 {
  if (!batch.known) return 1;
  for (let i: u32 = 0; i < batch.count; i++) rule(batch, i);
  return 0;
}
