/** `wamlet validate --suite … --port …`: a board is held against golden outputs as this computer is. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runWamlet } from "../cli/run_wamlet.js";
import { conformanceFolder, conformanceMissing, operatorCases } from "../reference/conformance.js";
import { boardsMissing, boardsUnderTest } from "./board_under_test.js";

const folder = conformanceFolder ?? "";
const missing = conformanceFolder === null ? conformanceMissing : boardsMissing;
/** Of each operator the first cases: all of them take minutes on an emulated line. */
const casesPerOperator = 2;

describe.skipIf(boardsUnderTest.length === 0 || folder === "")(`suites (else ${missing})`, () => {
  for (const board of boardsUnderTest) {
    it(`${board.name}: every operator's suite is exact on the board`, { timeout: 900_000 }, async () => {
      const taken = new Map<string, number>();
      const cases = operatorCases().filter(({ op }) => {
        taken.set(op, (taken.get(op) ?? 0) + 1);
        return (taken.get(op) ?? 0) <= casesPerOperator;
      });
      const place = mkdtempSync(join(tmpdir(), "wamlet-suite-"));
      onTestFinished(() => rmSync(place, { recursive: true }));
      const index = join(place, "index.json");
      const absolute = (path: string) => join(folder, "ops", path);
      writeFileSync(
        index,
        JSON.stringify(
          cases.map(({ model, input, output, ...rest }) => ({
            ...rest,
            model: absolute(model),
            input: absolute(input),
            output: absolute(output),
          })),
        ),
      );
      const running = await board.start();
      onTestFinished(() => running.close());
      const { exitCode, stdout, stderr } = await runWamlet([
        "validate",
        "--suite",
        index,
        "--port",
        running.url,
        "--json",
      ]);
      const result = JSON.parse(stdout);
      expect(result.on, stderr).toBe(running.url);
      expect(result.exact).toBe(cases.length);
      expect(exitCode).toBe(0);
    });
  }
});
