/** Damaged wamlet.config.json. */
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { expect } from "vitest";
import { parseConfig } from "../../host/board/config.js";
import { mutatedJson } from "../fuzz/mutations.js";
import { describeSurvival } from "../fuzz/survival.js";

const place = join(tmpdir(), "project", "wamlet.config.json");
const config = { port: "/dev/ttyUSB0", baudRate: 921600, board: "./boards/mine.json", labels: "labels.txt" };

describeSurvival({
  name: "configurations",
  file: Uint8Array.from(Buffer.from(JSON.stringify(config))),
  wholeOnly: true,
  mutate: mutatedJson,
  read(bytes) {
    const { baudRate, labels } = parseConfig(Buffer.from(bytes).toString("utf8"), place);
    if (baudRate !== null) expect(Number.isInteger(baudRate)).toBe(true);
    if (labels !== null) expect(isAbsolute(labels)).toBe(true);
  },
});
