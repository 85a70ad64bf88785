import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readModel } from "../../host/model/read_model.js";
import { findZooModel, listZoo, zooName } from "../../host/zoo/zoo_models.js";
import { conformanceFolder } from "../reference/conformance.js";

const models = listZoo();

describe("the zoo", () => {
  it("knows each model by one name that can be deployed, and one file", () => {
    expect(models.map(({ name }) => name)).toEqual(["kws", "vww", "ic", "ad", "micro_speech", "hello_world"]);
    for (const { name } of models) expect(name).toMatch(/^[a-z0-9_.-]{1,31}$/);
    expect(new Set(models.map(({ file }) => file)).size).toBe(models.length);
  });

  it.each(models)(
    "says of $name where it comes from, at a fixed commit, and under which licence",
    (model) => {
      expect(model.source).toMatch(/^https:\/\/raw\.githubusercontent\.com\/[^/]+\/[^/]+\/[0-9a-f]{40}\/.+/);
      expect(model.source.endsWith(`/${model.file}`)).toBe(true);
      expect(model.file).toMatch(/^[\w.-]+\.tflite$/);
      expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(model.licence).toBe("Apache-2.0");
      expect(model.goldens).not.toBe("");
      for (const text of [model.title, model.task]) expect(text).not.toBe("");
      if (model.quality) expect(model.quality.source).toMatch(/^https:/);
    },
  );

  it("finds a model by its name or its file, and guesses at a mistyped one", () => {
    expect(findZooModel("kws").file).toBe("kws_ref_model.tflite");
    expect(findZooModel("kws_ref_model.tflite").name).toBe("kws");
    expect(() => findZooModel("kwz")).toThrow(/no model "kwz". Did you mean kws\?/);
    expect(() => findZooModel("../etc/passwd")).toThrow(/no model/);
  });

  it("takes zoo:NAME for a name, and nothing else", () => {
    expect(zooName("zoo:kws")).toBe("kws");
    expect(zooName("./zoo:kws")).toBeNull();
    expect(zooName("kws.tflite")).toBeNull();
  });

  it.skipIf(conformanceFolder === null)("describes files as they are (needs the conformance data)", () => {
    let checked = 0;
    for (const model of models) {
      const folder = model.file.replace(/\.tflite$/, "");
      const path = join(conformanceFolder ?? "", "models", folder, "model.tflite");
      expect(existsSync(path), path).toBe(true);
      const bytes = readFileSync(path);
      expect(bytes.length).toBe(model.bytes);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(model.sha256);
      const graph = readModel(bytes);
      expect(model.inputs.map(({ type, shape }) => ({ type, shape }))).toEqual(
        graph.inputs.map(({ type, shape }) => ({ type, shape })),
      );
      if (model.labels.length > 0) expect(model.labels).toHaveLength(graph.outputs[0]?.elements ?? 0);
      checked++;
    }
    expect(checked).toBe(models.length);
  });
});
