/** docs/FLASHING.md says what is so. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { verbs } from "../../host/cli/verbs.js";
import { writeBundle } from "../../host/flash/bundle.js";
import { requireChip } from "../../host/flash/chip.js";
import { packagePath } from "../../host/package_root.js";
import { appImage } from "./firmware_material.js";

const document = readFileSync(packagePath("docs", "FLASHING.md"), "utf8");
const codes = readFileSync(packagePath("host", "errors.ts"), "utf8");

describe("FLASHING.md", () => {
  it("names every error of the flash room, and none that there is not", () => {
    const group = codes.slice(codes.indexOf("// flash"), codes.indexOf("// cli and files"));
    for (const [code] of group.matchAll(/WAMLET_\w+/g)) expect(document).toContain(`\`${code}\``);
    for (const [, code] of document.matchAll(/`(WAMLET_\w+)`/g)) expect(codes).toContain(`"${code}"`);
  });

  it("names only options that its verbs have", async () => {
    const named = await Promise.all([verbs.flash, verbs.monitor, verbs.boards].map((verb) => verb?.load()));
    const known = named.flatMap((verb) => Object.keys(verb?.options ?? {}));
    const options = known.flatMap((name) => [`--${name}`, `--no-${name}`]);
    for (const [option] of document.matchAll(/--[a-z][a-z-]+/g)) expect(options).toContain(option);
  });

  it("places a bundle's bytes where they are", () => {
    const image = appImage("esp32c3");
    const bundle = Buffer.from(
      writeBundle({
        chip: requireChip("esp32c3", "test"),
        agentVersion: null,
        images: [{ name: "app", offset: 0x10000, data: image }],
      }),
    );
    expect(bundle.toString("latin1", 0, 8)).toBe("WAMLETFW");
    expect(bundle.readUInt32LE(8)).toBe(1);
    const length = bundle.readUInt32LE(12);
    const description = JSON.parse(bundle.toString("utf8", 16, 16 + length));
    expect(description).toMatchObject({ chip: "esp32c3", agentVersion: null });
    expect(Object.keys(description.images[0])).toEqual(["name", "offset", "bytes", "sha256"]);
    expect(Buffer.compare(bundle.subarray(16 + length, -32), image)).toBe(0);
  });
});
