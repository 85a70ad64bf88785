import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as format from "../../host/cli/format.js";
import { colorsFor } from "../../host/cli/output.js";
import { formatTable } from "../../host/cli/table.js";

describe("numbers for people", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [50_400, "49.2 KiB"],
    [393_216, "384 KiB"],
    [1_048_575, "1 MiB"],
    [4_194_304, "4 MiB"],
  ])("%d bytes are %s", (bytes, text) => expect(format.formatBytes(bytes).replace(".00", "")).toBe(text));

  it.each([
    [0, "0 nJ"],
    [812, "812 nJ"],
    [38_200, "38.2 µJ"],
    [999_700, "1.00 mJ"],
    [1_400_000, "1.40 mJ"],
    [5.4e10, "54 J"],
  ])("%d nanojoules are %s", (nanojoules, text) => expect(format.formatEnergy(nanojoules)).toBe(text));

  it.each([
    [0.5, "500 ns"],
    [740, "740 µs"],
    [12_500, "12.5 ms"],
    [3_100_000, "3.10 s"],
    [99_000_000, "99 s"],
    [5e9, "5000 s"],
  ])("%d microseconds are %s", (microseconds, text) => expect(format.formatTime(microseconds)).toBe(text));

  it.each([
    [981, "981"],
    [981.26, "981"],
    [58_400, "58.4 k"],
    [2_656_768, "2.66 M"],
  ])("a count of %d is %s", (count, text) => expect(format.formatCount(count)).toBe(text));

  it("frequencies and shares", () => {
    expect(format.formatFrequency(240e6)).toBe("240 MHz");
    expect(format.formatFrequency(32_768)).toBe("32.8 kHz");
    expect(format.formatShare(0.9342)).toBe("93.4 %");
  });

  it("never shows four digits before the point below the last unit, nor an exponent", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e11, noNaN: true }), (value) => {
        for (const text of [format.formatEnergy(value), format.formatCount(value)]) {
          expect(text).toMatch(/^\d{1,3}(\.\d+)?( |$)/);
        }
      }),
      { seed: 5 },
    );
  });
});

describe("bars", () => {
  it("have always the same width, and grow with the share", () => {
    expect(format.bar(0, 4)).toBe("    ");
    expect(format.bar(0.5, 4)).toBe("██  ");
    expect(format.bar(0.53125, 4)).toBe("██▏ ");
    expect(format.bar(1, 4)).toBe("████");
  });

  it("stand any number", () => {
    for (const share of [-1, 2, Number.NaN, Number.POSITIVE_INFINITY])
      expect(format.bar(share, 3)).toHaveLength(3);
  });
});

describe("wrapped text", () => {
  it("loses no word and keeps the width", () => {
    const text = "a frame that does not fit beside the running one waits";
    const lines = format.wrapText(text, 16);
    expect(lines.join(" ")).toBe(text);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(16);
  });
});

describe("tables", () => {
  const colors = colorsFor(process.stdout, { NO_COLOR: "1" });

  it("align left and right, without trailing spaces", () => {
    const table = formatTable(
      [{ heading: "layer" }, { heading: "MACs", align: "right" }, { heading: "kernel" }],
      [
        ["CONV_2D", "1", "plain"],
        ["ADD", "1024", ""],
      ],
      colors,
    );
    expect(table).toBe(["layer    MACs  kernel", "CONV_2D     1  plain", "ADD      1024"].join("\n"));
  });

  it("measure coloured cells by what is seen", () => {
    const forced = colorsFor(process.stdout, { FORCE_COLOR: "1" });
    const table = formatTable([{ heading: "a" }, { heading: "b" }], [[forced.red("x"), "y"]], forced);
    expect(table.split("\n")[1]).toBe(`${forced.red("x")}  y`);
  });
});
