import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Radio } from "../../host/descriptor/board.js";
import { computeOrSend } from "../../host/measure/compute_or_send.js";

const radio = (message: number, byte: number, messageBytes: number): Radio => ({
  name: "LoRa SF7",
  messageNanojoules: { value: message, source: "datasheet, table 3" },
  byteNanojoules: { value: byte, source: "assumed: 20 dBm" },
  messageBytes,
});

describe("computeOrSend", () => {
  it("weighs the raw frame against inference and answer, and keeps the sources", () => {
    // Frame: 3 messages and 490 bytes. Answer: 1 message and 1 byte.
    expect(computeOrSend({ radios: [radio(1000, 10, 200)] }, 490, 1, 500)).toEqual([
      {
        radio: "LoRa SF7",
        send: { messages: 3, nanojoules: 7900 },
        compute: { messages: 1, nanojoules: 1510 },
        ratio: 7900 / 1510,
        verdict: "compute",
        sources: { message: "datasheet, table 3", byte: "assumed: 20 dBm" },
      },
    ]);
  });

  it("says send where the inference costs more than it saves", () => {
    const [comparison] = computeOrSend({ radios: [radio(1000, 10, 200)] }, 100, 1, 1e6);
    expect(comparison).toMatchObject({ verdict: "send" });
    expect(comparison?.ratio).toBeLessThan(1);
  });

  it("says equal where nothing differs, and has no ratio where nothing costs", () => {
    expect(computeOrSend({ radios: [radio(5, 1, 10)] }, 4, 4, 0)[0]).toMatchObject({
      ratio: 1,
      verdict: "equal",
    });
    expect(computeOrSend({ radios: [radio(0, 0, 10)] }, 4, 4, 0)[0]).toMatchObject({
      ratio: null,
      verdict: "equal",
    });
  });

  it("compares each radio of the board, and none where it has none", () => {
    const radios = [radio(1, 1, 10), { ...radio(2, 2, 10), name: "BLE" }];
    expect(computeOrSend({ radios }, 1, 1, 1).map((comparison) => comparison.radio)).toEqual([
      "LoRa SF7",
      "BLE",
    ]);
    expect(computeOrSend({ radios: [] }, 1, 1, 1)).toEqual([]);
  });

  it("takes a message for an answer without bytes", () => {
    expect(computeOrSend({ radios: [radio(7, 1, 10)] }, 20, 0, 0)[0]?.compute).toEqual({
      messages: 1,
      nanojoules: 7,
    });
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])("refuses %d as size or energy", (figure) => {
    const board = { radios: [radio(1, 1, 1)] };
    expect(() => computeOrSend(board, figure, 1, 1)).toThrow(RangeError);
    expect(() => computeOrSend(board, 1, figure, 1)).toThrow(RangeError);
    expect(() => computeOrSend(board, 1, 1, figure)).toThrow(RangeError);
  });

  it("has verdict and ratio agree, and enough messages for every byte, whatever the figures", () => {
    const energy = fc.integer({ min: 1, max: 1e9 });
    const size = fc.integer({ min: 1, max: 1e6 });
    fc.assert(
      fc.property(
        energy,
        energy,
        size,
        size,
        size,
        energy,
        (message, byte, payload, frame, answer, inference) => {
          const [comparison] = computeOrSend(
            { radios: [radio(message, byte, payload)] },
            frame,
            answer,
            inference,
          );
          if (comparison === undefined || comparison.ratio === null) throw new Error("no comparison");
          const { ratio, verdict, send } = comparison;
          expect(verdict).toBe(ratio > 1 ? "compute" : ratio < 1 ? "send" : "equal");
          expect(send.messages * payload).toBeGreaterThanOrEqual(frame);
          expect((send.messages - 1) * payload).toBeLessThan(frame);
        },
      ),
      { seed: 2026, numRuns: 300 },
    );
  });
});
