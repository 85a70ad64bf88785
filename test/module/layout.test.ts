import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../host/module/byte_writer.js";
import { layPayload, readModule, writeModule } from "../../host/module/layout.js";
import { runtimeFeatures } from "../../host/module/manifest.js";
import { encodeManifest } from "../../host/module/manifest_codec.js";
import { readSections, sectionId, writeSections } from "../../host/module/sections.js";
import { webAssembly } from "../../host/module/webassembly.js";
import { abiModule } from "./build_module.js";
import { exampleDescription, exampleFields, exampleModule, exampleWasm } from "./example_module.js";

const custom = (name: string, body: Uint8Array) =>
  new ByteWriter().section(sectionId.custom, new ByteWriter().name(name).raw(body).finish()).finish();

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(message),
    hint: expect.stringMatching(/wamlet/),
  });

describe("the module file", () => {
  it("gives back what was written", () => {
    const bytes = exampleModule();
    const module = readModule(bytes);
    expect(module.description).toEqual(exampleDescription);
    expect(module.manifest).toMatchObject({
      ...exampleFields,
      kind: "wasm",
      abi: 1,
      linearMemoryBytes: 4096,
      features: runtimeFeatures.bulkMemory,
      payloadBytes: module.payload.length,
    });
    expect(encodeManifest(module.manifest)).toEqual(Uint8Array.from(module.manifestBytes));
  });

  it("has the payload as its beginning and the manifest as its end", () => {
    const bytes = exampleModule();
    const { payload, manifest, manifestBytes, sections } = readModule(bytes);
    expect(Buffer.compare(payload, bytes.subarray(0, manifest.payloadBytes))).toBe(0);
    expect(Buffer.compare(manifestBytes, bytes.subarray(-manifestBytes.length))).toBe(0);
    expect(sections.slice(-2).map(({ name }) => name)).toEqual(["wamlet.model", "wamlet.manifest"]);
    const digest = createHash("sha256").update(payload).digest();
    expect(digest.equals(manifest.payloadSha256)).toBe(true);
  });

  it("deploys neither the JSON nor the manifest: the payload is a module without both", () => {
    const { payload } = readModule(exampleModule());
    expect(readSections(payload).some(({ name }) => name?.startsWith("wamlet."))).toBe(false);
    const { exports } = new webAssembly.Instance(new webAssembly.Module(payload));
    expect((exports.infer as () => number)()).toBe(0);
  });

  it("gives the same bytes for the same input", () => {
    expect(exampleModule()).toEqual(exampleModule());
  });

  it("aligns the weights to 4 in the payload, whatever lies before them", () => {
    const paddings = new Set<number>();
    for (let weights = 1; weights < 200; weights += 3) {
      const wasm = exampleWasm(weights);
      const bytes = writeModule(wasm, exampleDescription, exampleFields);
      const { abi, payload } = readModule(bytes);
      expect(abi.weights).toMatchObject({ bytes: weights });
      expect((abi.weights?.offset ?? 1) % 4).toBe(0);
      expect(payload[abi.weights?.offset ?? 0]).toBe("w".charCodeAt(0));
      expect(webAssembly.validate(payload)).toBe(true);
      paddings.add(payload.length - layPayload(wasm).length);
    }
    expect([...paddings]).toEqual([0]);
  });

  it("pads with three to five bytes or none, and drops names and other custom sections", () => {
    const grown = new Set<number>();
    const core = exampleWasm();
    const plain = writeSections(readSections(core).filter(({ id }) => id !== sectionId.custom));
    for (let length = 1; length < 12; length++) {
      const functions = `(func (export "infer") (result i32) ${"(nop)".repeat(length)}
        (memory.init $weights (i32.const 0) (i32.const 0) (i32.const 1)) (i32.const 0))`;
      const wasm = abiModule(functions, { weights: "x" });
      const named = Buffer.concat([wasm, custom("name", Uint8Array.of(1, 2, 3))]);
      expect(layPayload(named)).toEqual(layPayload(wasm));
      grown.add(layPayload(wasm).length - wasm.length);
    }
    expect(layPayload(plain).length - plain.length).toBeLessThanOrEqual(6);
    for (const bytes of grown) expect([0, 3, 4, 5, 6]).toContain(bytes);
  });
});

describe("a module file that is not what it says", () => {
  const bytes = exampleModule();
  const { payload, manifest, manifestBytes } = readModule(bytes);
  const model = new TextEncoder().encode(JSON.stringify(exampleDescription));
  const file = (parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

  it("is refused with a hint where it is WebAssembly of somebody else", () => {
    expect(() => readModule(exampleWasm())).toThrow(
      refused("WAMLET_INVALID_MODULE", /no module of Wamlet's/),
    );
  });

  it("is refused where a byte of the weights was changed", () => {
    const changed = bytes.slice();
    changed[payload.length - 1] = (changed[payload.length - 1] ?? 0) ^ 1;
    expect(() => readModule(changed)).toThrow(refused("WAMLET_HASH_MISMATCH", /SHA-256/));
  });

  it("is refused where the sections stand elsewhere, or twice", () => {
    const manifestSection = custom("wamlet.manifest", manifestBytes);
    const modelSection = custom("wamlet.model", model);
    const swapped = file([payload, manifestSection, modelSection]);
    expect(() => readModule(swapped)).toThrow(refused("WAMLET_INVALID_MODULE", /last two sections/));
    const appended = file([bytes, custom("more", Uint8Array.of(1))]);
    expect(() => readModule(appended)).toThrow(refused("WAMLET_INVALID_MODULE", /last two sections/));
    const twice = file([payload, modelSection, manifestSection, manifestSection]);
    expect(() => readModule(twice)).toThrow(refused("WAMLET_INVALID_MODULE", /twice/));
  });

  it("is refused where the manifest lies about the payload", () => {
    const lies: [object, RegExp][] = [
      [{ payloadBytes: payload.length + 4 }, /bytes of payload/],
      [{ linearMemoryBytes: 8192 }, /linear memory/],
      [{ features: 31 }, /features/],
      [{ layers: 3 }, /wamlet\.layer/],
      [{ inputs: [{ offset: 0, bytes: 16 }] }, /inputs/],
    ];
    for (const [lie, message] of lies) {
      const lying = encodeManifest({ ...manifest, ...lie });
      const forged = file([payload, custom("wamlet.model", model), custom("wamlet.manifest", lying)]);
      expect(() => readModule(forged)).toThrow(refused("WAMLET_INVALID_MODULE", message));
    }
    const future = encodeManifest({ ...manifest, abi: 2 });
    const forged = file([payload, custom("wamlet.model", model), custom("wamlet.manifest", future)]);
    expect(() => readModule(forged)).toThrow(refused("WAMLET_UNSUPPORTED_MODULE", /ABI 2/));
  });

  it("is refused where the description is damaged, naming the field", () => {
    const damages: [object, RegExp][] = [
      [{ name: 5 }, /wamlet\.model\.name is not text/],
      [{ inputs: [{ ...exampleDescription.inputs[0], type: "int7" }] }, /inputs\[0\]\.type/],
      [{ labels: "zero" }, /labels is not a list/],
      [{ memory: null }, /memory\.planBytes/],
      [{ layers: [{ ...exampleDescription.layers[0], macs: -1 }] }, /layers\[0\]\.macs/],
    ];
    for (const [damage, message] of damages) {
      const json = new TextEncoder().encode(JSON.stringify({ ...exampleDescription, ...damage }));
      const forged = file([payload, custom("wamlet.model", json), custom("wamlet.manifest", manifestBytes)]);
      expect(() => readModule(forged)).toThrow(refused("WAMLET_INVALID_MODULE", message));
    }
  });

  it("is not written in the first place", () => {
    const write = (fields: object, description: object = {}) =>
      writeModule(exampleWasm(), { ...exampleDescription, ...description }, { ...exampleFields, ...fields });
    expect(() => write({ inputs: [{ offset: 4090, bytes: 16 }] })).toThrow(/inputs|linear memory/);
    expect(() => write({ outputs: [] })).toThrow(/outputs|output/);
    expect(() => write({ layers: 2 })).toThrow(/wamlet\.layer/);
    expect(() => write({ linearMemoryBytes: 8192 })).toThrow(/linear memory/);
    expect(() => write({ name: "Not A Name" })).toThrow(/name/);
  });
});
