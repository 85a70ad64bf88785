/** Damaged manifests of a zoo. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { packagePath } from "../../host/package_root.js";
import { parseZoo } from "../../host/zoo/zoo_manifest.js";
import { mutatedJson } from "../fuzz/mutations.js";
import { describeSurvival } from "../fuzz/survival.js";

const zoo = JSON.parse(readFileSync(packagePath("examples", "zoo.json"), "utf8"));
// Two models say it all.
const small = { ...zoo, models: zoo.models.slice(0, 2) };

describeSurvival({
  name: "zoo manifests",
  file: Uint8Array.from(Buffer.from(JSON.stringify(small))),
  wholeOnly: true,
  mutate: mutatedJson,
  read(bytes) {
    for (const { file, source, bytes: length } of parseZoo(Buffer.from(bytes).toString("utf8"), "zoo.json")) {
      expect(basename(file)).toBe(file);
      expect(source.startsWith("https://")).toBe(true);
      expect(length).toBeGreaterThan(0);
    }
  },
});

describe("a zoo manifest", () => {
  it.each(["../../.bashrc.tflite", "/etc/model.tflite", "a\\b.tflite", "con:1.tflite", ".tflite"])(
    "cannot name the file %s",
    (file) => {
      const text = JSON.stringify({ ...zoo, models: [{ ...zoo.models[0], file }] });
      expect(() => parseZoo(text, "zoo.json")).toThrow(/models\[0\]\.file is missing, or not what/);
    },
  );
});
