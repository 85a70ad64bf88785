import { describe, expect, it } from "vitest";
import { WamletError } from "../../host/errors.js";
import { checkAbi } from "../../host/module/abi.js";
import { instrumentForCounting } from "../../host/module/instrument.js";
import { readModule } from "../../host/module/layout.js";
import { decodeManifest } from "../../host/module/manifest_codec.js";
import { runtimeMemory } from "../../host/module/runtime_memory.js";
import { webAssembly } from "../../host/module/webassembly.js";
import { buildModule } from "./build_module.js";
import { exampleModule } from "./example_module.js";
import { Random } from "./random.js";
import { randomModule } from "./random_module.js";

/** Runs a reader on hostile bytes: it may answer or refuse with a typed error, nothing else. */
function survives(read: () => unknown): "answered" | "refused" {
  try {
    read();
    return "answered";
  } catch (error) {
    if (error instanceof WamletError && error.hint.length > 0) return "refused";
    throw error;
  }
}

/** One to four bytes changed, inserted or removed. */
function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = [...bytes];
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(changed.length);
    const kind = random.below(4);
    if (kind === 0) changed[at] = random.below(256);
    else if (kind === 1) changed[at] = (changed[at] as number) ^ (1 << random.below(8));
    else if (kind === 2) changed.splice(at, 0, random.below(256));
    else changed.splice(at, 1 + random.below(3));
  }
  return Uint8Array.from(changed);
}

/** Everything that is done with a payload before it runs. */
function digest(payload: Uint8Array): void {
  const { module } = checkAbi(payload);
  runtimeMemory(module);
  const { wasm } = instrumentForCounting(payload, { fuel: true });
  // What is instrumented must still be valid, or the payload would be refused too late.
  if (!webAssembly.validate(wasm)) throw new Error("instrumented to invalid WebAssembly");
}

describe("hostile input", () => {
  const file = exampleModule();
  const { payload, manifestBytes } = readModule(file);

  it("cut off at any byte, a module file is refused", () => {
    for (let length = 0; length < file.length; length++) {
      expect(
        survives(() => readModule(file.slice(0, length))),
        `${length} bytes`,
      ).toBe("refused");
    }
  });

  it("cut off at any byte, a manifest is refused", () => {
    for (let length = 0; length < manifestBytes.length; length++) {
      expect(
        survives(() => decodeManifest(manifestBytes.slice(0, length))),
        `${length} bytes`,
      ).toBe("refused");
    }
  });

  it("cut off at any byte, a payload is refused", () => {
    for (let length = 0; length < payload.length; length++) {
      expect(
        survives(() => digest(payload.slice(0, length))),
        `${length} bytes`,
      ).toBe("refused");
    }
  });

  it("mutated 2 000 times, a module file is never read as another one", () => {
    const random = new Random(1);
    for (let round = 0; round < 2000; round++) {
      const changed = mutate(file, random);
      const outcome = survives(() => readModule(changed));
      // Only the JSON can change into other JSON unnoticed: the payload has its hash, the manifest its checks.
      if (outcome === "answered") expect(Buffer.compare(readModule(changed).payload, payload)).toBe(0);
    }
  });

  it("mutated 2 000 times, a manifest is read or refused", () => {
    const random = new Random(2);
    const outcomes = new Set<string>();
    for (let round = 0; round < 2000; round++) {
      outcomes.add(survives(() => decodeManifest(mutate(manifestBytes, random))));
    }
    expect([...outcomes].sort()).toEqual(["answered", "refused"]);
  });

  it("mutated 2 000 times, payloads are counted or refused", () => {
    const random = new Random(3);
    const outcomes = { answered: 0, refused: 0 };
    for (let round = 0; round < 2000; round++) {
      outcomes[survives(() => digest(mutate(randomModule(round % 40), random)))]++;
    }
    expect(outcomes.answered).toBeGreaterThan(50);
    expect(outcomes.refused).toBeGreaterThan(100);
  });

  it("does not grow with the number of hostile files", () => {
    const random = new Random(4);
    const rounds = (count: number) => {
      for (let round = 0; round < count; round++) survives(() => readModule(mutate(file, random)));
    };
    rounds(500);
    const before = process.memoryUsage().rss;
    rounds(4000);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  it("bounds what it takes on: code beyond 256 KiB, stacks beyond 1024 cells, too many blocks are refused", () => {
    const repeated = (count: number, ...bytes: number[]) => new Array(count).fill(bytes).flat() as number[];
    const zero = [0x41, 0];
    const hostile = {
      "much code": [...repeated(300_000, 0x01), ...zero],
      "a deep stack": [...repeated(2000, ...zero), ...repeated(1999, 0x6a)],
      "many branches": [0x02, 0x40, ...repeated(60_000, ...zero, 0x0d, 0), 0x0b, ...zero],
    };
    for (const [name, code] of Object.entries(hostile)) {
      expect(() => digest(around(Uint8Array.from([...code, 0x0b]))), name).toThrow(
        expect.objectContaining({ code: "WAMLET_UNSUPPORTED_MODULE" }),
      );
    }
    const nested = [...repeated(5000, 0x02, 0x40), ...repeated(5000, 0x0b), ...zero];
    expect(survives(() => digest(around(Uint8Array.from([...nested, 0x0b]))))).toBe("answered");
  });
});

/** A payload around the code of infer. */
function around(code: Uint8Array): Uint8Array {
  return buildModule({
    functions: [{ parameters: [], results: ["i32"], locals: [], code }],
    weights: new Uint8Array(4),
    heapBase: 4096,
  });
}
