// Hides the phone number of customers outside the viewer's own region.
import { Batch } from "../../../sdk/assemblyscript/sluice";
export { sluice_buf } from "../../../sdk/assemblyscript/sluice";

const VIEWER_REGION = 0;
const REGION = 0;
const PHONE: u64 = 1 << 0; // the first field of "mask"
const OWN_REGION: u8 = 1; // reason

function rule(batch: Batch, i: u32): void {
  const viewer = batch.viewer, customer = batch.record(i);
  if (viewer.isNull(VIEWER_REGION) || customer.isNull(REGION)) return;
  if (!viewer.text(VIEWER_REGION).equals(customer.text(REGION))) return;
  batch.show(i, PHONE, OWN_REGION);
}

export function sluice_decide(batch: Batch): i32 {
  if (!batch.known) return 1;
  for (let i: u32 = 0; i < batch.count; i++) rule(batch, i);
  return 0;
}
