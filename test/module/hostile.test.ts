/** Damaged and hostile modules, manifests and descriptions. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkAbi } from "../../host/module/abi.js";
import { ByteWriter } from "../../host/module/byte_writer.js";
import { decodeDescription, encodeDescription } from "../../host/module/description_codec.js";
import { instrumentForCounting } from "../../host/module/instrument.js";
import { manifestSection, modelSection, readModule } from "../../host/module/layout.js";
import { decodeManifest, encodeManifest } from "../../host/module/manifest_codec.js";
import { runtimeMemory } from "../../host/module/runtime_memory.js";
import { sectionId } from "../../host/module/sections.js";
import { webAssembly } from "../../host/module/webassembly.js";
import { mutated, mutatedJson, patience, rounds, seeded } from "../fuzz/mutations.js";
import { describeSurvival, endure, expectEndured } from "../fuzz/survival.js";
import { buildModule } from "./build_module.js";
import { exampleDescription, exampleModule } from "./example_module.js";
import { randomModule } from "./random_module.js";

/** Everything that is done with a payload before it runs. */
function digest(payload: Uint8Array): void {
  const { module } = checkAbi(payload);
  runtimeMemory(module, { inputs: [], layers: 0 });
  const { wasm } = instrumentForCounting(payload, { fuel: true });
  // What is instrumented must still be valid, or the payload would be refused too late.
  if (!webAssembly.validate(wasm)) throw new Error("instrumented to invalid WebAssembly");
}

const file = exampleModule();
const { payload, manifest, manifestBytes } = readModule(file);
const description = encodeDescription(exampleDescription);

/** A module file around a payload, with its right hash and length, as an attacker would make one. */
function moduleAround(changed: Uint8Array): Uint8Array {
  const payloadSha256 = createHash("sha256").update(changed).digest();
  const fields = encodeManifest({ ...manifest, payloadBytes: changed.length, payloadSha256 });
  return new ByteWriter()
    .raw(changed)
    .section(sectionId.custom, new ByteWriter().name(modelSection).raw(description).finish())
    .section(sectionId.custom, new ByteWriter().name(manifestSection).raw(fields).finish())
    .finish();
}

describeSurvival({
  name: "module files",
  file,
  wholeOnly: true,
  // Only the JSON can change into other JSON unnoticed: the payload has its hash, the manifest its checks.
  read: (bytes) => expect(Buffer.compare(readModule(bytes).payload, payload)).toBe(0),
});

describeSurvival({
  name: "module files with a right hash",
  file: payload,
  wholeOnly: true,
  read: (bytes) => readModule(moduleAround(bytes)),
});

describeSurvival({ name: "manifests", file: manifestBytes, wholeOnly: true, read: decodeManifest });

describeSurvival({
  name: "descriptions",
  file: description,
  wholeOnly: true,
  mutate: mutatedJson,
  // What is read can be written and read again.
  read: (bytes) => decodeDescription(encodeDescription(decodeDescription(bytes))),
});

describeSurvival({ name: "payloads", file: payload, wholeOnly: true, read: digest });

describe("hostile input", () => {
  it(
    `${rounds} damaged payloads of random code are counted or refused`,
    async () => {
      const below = seeded(3);
      const tally = await endure(rounds, (round) => digest(mutated(randomModule(round % 40), below)));
      expectEndured(tally);
      // Both occur, so both sides of the promise were tried.
      expect(tally.read).toBeGreaterThan(rounds / 40);
      expect(tally.refused).toBeGreaterThan(rounds / 20);
    },
    patience(rounds),
  );

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
    expect(() => digest(around(Uint8Array.from([...nested, 0x0b])))).not.toThrow();
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
