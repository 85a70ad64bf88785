import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findConfig, parseConfig } from "../../host/board/config.js";
import { WamletError } from "../../host/errors.js";

const place = join(tmpdir(), "project", "wamlet.config.json");

function refusal(text: string): WamletError {
  try {
    parseConfig(text, place);
  } catch (error) {
    if (error instanceof WamletError) return error;
    throw error;
  }
  throw new Error(`not refused: ${text}`);
}

describe("wamlet.config.json", () => {
  it("may leave out every field", () => {
    expect(parseConfig("{}", place)).toEqual({
      path: place,
      port: null,
      baudRate: null,
      board: null,
      labels: null,
    });
  });

  it("resolves paths from its own folder, and leaves names and ports alone", () => {
    const config = parseConfig(
      '{"port": "/dev/ttyUSB0", "board": "./b.json", "labels": "labels.txt"}',
      place,
    );
    expect(config.port).toBe("/dev/ttyUSB0");
    expect(config.board).toBe(join(tmpdir(), "project", "b.json"));
    expect(config.labels).toBe(join(tmpdir(), "project", "labels.txt"));
    expect(parseConfig('{"board": "esp32"}', place).board).toBe("esp32");
  });

  it.each([
    ["{", /no JSON/],
    ["[]", /no JSON object/],
    ['{"prot": "COM3"}', /"prot" is no field .*Did you mean port\?/],
    ['{"baudRate": "fast"}', /"baudRate" must be a whole number/],
    ['{"baudRate": 9600.5}', /"baudRate"/],
    ['{"port": 3}', /"port" must be a text/],
    ['{"board": ""}', /"board" must be a text/],
  ])("refuses %s, naming file and field", (text, message) => {
    const error = refusal(text);
    expect(error.code).toBe("WAMLET_INVALID_CONFIG");
    expect(error.message).toContain(place);
    expect(error.message).toMatch(message);
  });

  it("answers any text with a config or a typed error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        try {
          parseConfig(text, place);
        } catch (error) {
          expect(error).toBeInstanceOf(WamletError);
        }
      }),
      { numRuns: 2000, seed: 7 },
    );
  });
});

describe("the search for it", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "wamlet-config-"));
    mkdirSync(join(folder, "a", "b"), { recursive: true });
    writeFileSync(join(folder, "wamlet.config.json"), '{"port": "COM3"}');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("walks up from the working directory, and the nearest counts", () => {
    expect(findConfig(join(folder, "a", "b"))?.port).toBe("COM3");
    writeFileSync(join(folder, "a", "wamlet.config.json"), '{"port": "COM4"}');
    expect(findConfig(join(folder, "a", "b"))?.port).toBe("COM4");
    expect(findConfig(folder)?.port).toBe("COM3");
  });

  it("gives null where there is none", () => {
    expect(findConfig(join(tmpdir(), "no", "such", "folder"))).toBeNull();
  });

  it("refuses a folder of that name", () => {
    mkdirSync(join(folder, "a", "b", "wamlet.config.json"));
    expect(() => findConfig(join(folder, "a", "b"))).toThrow(/cannot be read/);
  });
});
