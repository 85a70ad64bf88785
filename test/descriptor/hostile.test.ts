/** Damaged board descriptors, and damaged cost tables and radios that they refer to. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { packagePath } from "../../host/package_root.js";
import { mutatedJson } from "../fuzz/mutations.js";
import { describeSurvival } from "../fuzz/survival.js";

const folder = mkdtempSync(join(tmpdir(), "wamlet-descriptor-"));
afterAll(() => rmSync(folder, { recursive: true }));

const board = join(folder, "board.json");
const bytes = (...path: string[]) => Uint8Array.from(readFileSync(packagePath("boards", ...path)));
// Without the indentation, damage meets more than spaces.
const compact = (value: unknown) => Uint8Array.from(Buffer.from(JSON.stringify(value)));
const parsed = (...path: string[]) => JSON.parse(Buffer.from(bytes(...path)).toString("utf8"));

/** Every figure that arithmetic relies on is a number. */
function loads(): void {
  const { cost, memory, clockHertz, store } = loadBoard(board);
  const figures = [...Object.values(cost.opcode), memory.poolBytes.value, clockHertz.value, store.slotBytes];
  for (const figure of figures) expect(Number.isFinite(figure)).toBe(true);
}

describeSurvival({
  name: "board descriptors",
  file: compact(parsed("esp32c3.json")),
  wholeOnly: true,
  mutate: mutatedJson,
  read(damaged) {
    writeFileSync(board, damaged);
    loads();
  },
});

describeSurvival({
  name: "cost tables",
  file: compact(parsed("costs", "rv32imac.json")),
  wholeOnly: true,
  mutate: mutatedJson,
  read(damaged) {
    const own = parsed("esp32c3.json");
    own.cost.table = "./table.json";
    writeFileSync(board, JSON.stringify(own));
    writeFileSync(join(folder, "table.json"), damaged);
    loads();
  },
});
