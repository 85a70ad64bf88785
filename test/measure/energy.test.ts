import { describe, expect, it } from "vitest";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { withEnergy } from "../../host/measure/energy.js";
import { answerOf } from "./material.js";

const board = {
  clockHertz: { value: 160e6, source: "as the board says" },
  power: {
    volts: 3.3,
    activeMilliamperes: { value: 20, source: "datasheet" },
    sleepMilliamperes: { value: 1, source: "datasheet" },
  },
};
const silent = { nanojoules: null, energySource: "none" } as const;
const cycles = { value: 1_600_000, unit: "cycles", source: "mpccr" } as const;

describe("energy of a board without a sensor", () => {
  it("is modelled by the descriptor from cycles: 10 ms at 20 mA and 3.3 V are 660 µJ", () => {
    const answer = withEnergy(answerOf([0, 0, 0], { ...silent, count: cycles }), board);
    expect(answer).toMatchObject({ nanojoules: 660_000, energySource: "modelled", count: cycles });
  });

  it("stays unknown without a descriptor", () => {
    const answer = answerOf([0, 0, 0], { ...silent, count: cycles });
    expect(withEnergy(answer, null)).toEqual(answer);
  });

  it.each([
    ["instructions", { value: 10, unit: "instructions", source: "instructions, QEMU -icount" }],
    ["time", { value: 10, unit: "cycles", source: "nanoseconds of processor time; not cycles" }],
  ] as const)("stays unknown where the board counts %s", (_, count) => {
    const answer = answerOf([0, 0, 0], { ...silent, count });
    expect(withEnergy(answer, loadBoard("linux"))).toEqual(answer);
  });

  it("is left alone where the board measures or models it", () => {
    for (const energySource of ["measured", "modelled"] as const) {
      const answer = answerOf([0, 0, 0], { nanojoules: 5, energySource, count: cycles });
      expect(withEnergy(answer, board)).toEqual(answer);
    }
  });
});
