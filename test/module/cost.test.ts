import { describe, expect, it } from "vitest";
import type { CostTable } from "../../host/descriptor/board.js";
import { modelCycles, modelInstructions } from "../../host/module/cost.js";
import { type ExecutionCounts, noCounts } from "../../host/module/execution_counts.js";

const costs: CostTable = {
  name: "example",
  source: "made up for this test",
  opcode: { i32Arithmetic: 10, load8: 25, branchTaken: 12 },
  memoryInit: { call: 85, byte: 0.5 },
  memoryCopy: { call: 60, byte: 0.25 },
  call: 1000,
};

const counts: ExecutionCounts = {
  ...noCounts,
  classes: { ...noCounts.classes, i32Arithmetic: 3, load8: 2, branchTaken: 1, bulk: 4 },
  memoryInit: { calls: 2, bytes: 100 },
  memoryCopy: { calls: 1, bytes: 40 },
  memoryFill: { calls: 1, bytes: 8 },
};

describe("modelled cost", () => {
  it("is opcodes by class, and bulk memory by call and byte", () => {
    const opcodes = 3 * 10 + 2 * 25 + 1 * 12;
    const moves = 2 * 85 + 100 * 0.5 + (60 + 40 * 0.25) + (60 + 8 * 0.25);
    expect(modelInstructions(counts, costs)).toBe(opcodes + moves);
  });

  it("is nothing for nothing", () => {
    expect(modelInstructions(noCounts, costs)).toBe(0);
  });

  it("turns instructions into cycles by the board's factor", () => {
    const board = { cost: costs, cyclesPerInstruction: { value: 1.5, source: "assumed: example" } };
    expect(modelCycles(counts, board)).toBe(modelInstructions(counts, costs) * 1.5);
  });

  it("refuses a table without a price for what was executed, naming the class", () => {
    const unpriced = { ...counts, classes: { ...counts.classes, i64Multiply: 1 } };
    expect(() => modelInstructions(unpriced, costs)).toThrow(
      expect.objectContaining({
        code: "WAMLET_INVALID_DESCRIPTOR",
        message: expect.stringContaining("i64Multiply"),
      }),
    );
  });
});
