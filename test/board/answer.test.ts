import { describe, expect, it } from "vitest";
import { AnswerAssembly } from "../../host/board/answer.js";
import { message } from "../../host/wire/message.js";

const form = { outputBytes: [2], layers: 0, unit: "instructions", source: "QEMU" } as const;

describe("an answer", () => {
  it.each([
    ["none", 0, null],
    ["measured", 812, 812],
    ["modelled", 0, 0],
  ] as const)("with energy from %s (%d nJ on the line) says %s", (energySource, nanojoules, expected) => {
    const result = message("result", { data: Uint8Array.of(1, 2), count: 9, nanojoules, energySource });
    const answer = new AnswerAssembly(0, form, false).take(result);
    expect(answer).toMatchObject({ nanojoules: expected, energySource });
  });
});
