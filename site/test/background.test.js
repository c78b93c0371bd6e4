import assert from "node:assert/strict";
import { test } from "node:test";

import { RemoteDetection } from "../src/reading/background.js";

test("an answer to the detector before the change reaches no order of the new one", () => {
  const posted = [];
  const port = { postMessage: (message) => posted.push(message) };
  new RemoteDetection(port, "yunet").submit("grey", null, false);
  const after = new RemoteDetection(port, "haar");
  port.onmessage({ data: { number: posted[0].number, faces: ["old"], seconds: 1 } });
  const order = after.submit("grey", null, true);
  port.onmessage({ data: { number: posted[0].number, faces: ["old"], seconds: 1 } });
  assert.equal(order.done, false);
  port.onmessage({ data: { number: posted[1].number, faces: ["new"], seconds: 2 } });
  assert.deepEqual(order, { done: true, faces: ["new"] });
  assert.equal(after.interval(1), 4);
});
