import { describe, expect, it } from "vitest";
import type { Manifest } from "../../host/module/manifest.js";
import { runtimeFeatures } from "../../host/module/manifest.js";
import {
  decodeManifest,
  encodeManifest,
  manifestLimit,
  manifestTag,
} from "../../host/module/manifest_codec.js";
import { FieldWriter, readFields } from "../../host/module/tlv.js";

const manifest: Manifest = {
  kind: "wasm",
  abi: 1,
  name: "digits-8x8",
  version: "0.1.0",
  payloadBytes: 20_480,
  payloadSha256: Uint8Array.from({ length: 32 }, (_, index) => index),
  linearMemoryBytes: 8192,
  runtimeBytes: 0,
  inputs: [{ offset: 0, bytes: 64 }],
  outputs: [{ offset: 8182, bytes: 10 }],
  features: runtimeFeatures.bulkMemory | runtimeFeatures.signExtension,
  opcodeBudget: 2 ** 40,
  layers: 0,
};

/** The manifest's fields, one of them replaced, left out (no bytes given) or doubled. */
function withField(tag: number, ...values: Uint8Array[]): Uint8Array {
  const writer = new FieldWriter();
  for (const field of readFields(encodeManifest(manifest))) {
    if (field.tag !== tag) writer.bytes(field.tag, field.value);
  }
  for (const value of values) writer.bytes(tag, value);
  return writer.finish();
}

const invalid = (message: RegExp) =>
  expect.objectContaining({ code: "WAMLET_INVALID_MANIFEST", message: expect.stringMatching(message) });

describe("the manifest's bytes", () => {
  it("are those of docs/MODULE.md", () => {
    const digest = Buffer.from(manifest.payloadSha256).toString("hex");
    expect(Buffer.from(encodeManifest(manifest)).toString("hex")).toBe(
      [
        "010101",
        "020101",
        `030a${Buffer.from("digits-8x8").toString("hex")}`,
        `0405${Buffer.from("0.1.0").toString("hex")}`,
        "05020050",
        `0620${digest}`,
        "07020020",
        "0800",
        "09080000000040000000",
        "0a08f61f00000a000000",
        "0b0103",
        "0c06000000000001",
        "0d00",
      ].join(""),
    );
  });

  it("come back as the manifest", () => {
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
  });

  it("may hold tags of a later release, which are skipped", () => {
    const later = new FieldWriter().text(200, "signature").integer(0, 7).finish();
    const bytes = Buffer.concat([encodeManifest(manifest), later]);
    expect(decodeManifest(bytes)).toEqual(manifest);
  });

  it("are refused where a field is missing, or comes twice", () => {
    for (const [name, tag] of Object.entries(manifestTag)) {
      expect(() => decodeManifest(withField(tag)), name).toThrow(invalid(/missing|names no/));
    }
    const twice = Uint8Array.of(1);
    expect(() => decodeManifest(withField(manifestTag.abi, twice, twice))).toThrow(
      invalid(/abi comes 2 times/),
    );
  });

  it("are refused beyond 512 bytes, in both directions", () => {
    const inputs = Array.from({ length: 50 }, () => ({ offset: 0, bytes: 1 }));
    expect(() => encodeManifest({ ...manifest, inputs })).toThrow(invalid(/512/));
    expect(() => decodeManifest(new Uint8Array(manifestLimit + 1))).toThrow(invalid(/512/));
  });

  it("are refused where a value cannot be", () => {
    const impossible: Partial<Manifest>[] = [
      { name: "" },
      { name: "UPPER" },
      { name: "x".repeat(32) },
      { version: "é".repeat(16) },
      { payloadSha256: new Uint8Array(31) },
      { payloadBytes: 2 ** 32 },
      { linearMemoryBytes: 0 },
      { opcodeBudget: 0 },
      { opcodeBudget: Number.NaN },
      { inputs: [{ offset: 8190, bytes: 3 }] },
      { outputs: [{ offset: 0, bytes: 0 }] },
      { outputs: [{ offset: -4, bytes: 4 }] },
    ];
    for (const values of impossible) {
      expect(() => encodeManifest({ ...manifest, ...values }), JSON.stringify(values)).toThrow(invalid(/./));
    }
    const short = withField(manifestTag.input, Uint8Array.of(1, 2, 3));
    expect(() => decodeManifest(short)).toThrow(invalid(/3 bytes, not 8/));
    const wide = withField(manifestTag.layers, new Uint8Array(9));
    expect(() => decodeManifest(wide)).toThrow(invalid(/9 bytes/));
    const text = withField(manifestTag.version, Uint8Array.of(0xff));
    expect(() => decodeManifest(text)).toThrow(invalid(/UTF-8/));
  });

  it("of another kind of payload are told apart from damaged ones", () => {
    expect(() => decodeManifest(withField(manifestTag.kind, Uint8Array.of(2)))).toThrow(
      expect.objectContaining({ code: "WAMLET_UNSUPPORTED_MODULE" }),
    );
  });
});
