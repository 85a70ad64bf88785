/** `npm run firmware -- esp-idf`: from ESP-IDF's build folder to a bundle that `wamlet flash` takes. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readBundle } from "../../host/flash/bundle.js";
import { checkFirmware } from "../../host/flash/firmware.js";
import { packagePath } from "../../host/package_root.js";
import { partitionTable, type TableEntry, usualImages } from "../flash/firmware_material.js";

const folder = mkdtempSync(join(tmpdir(), "wamlet-esp-idf-bundle-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const store: TableEntry = { label: "wamlet_store", type: 1, offset: 0x110000, bytes: 0x182000 };
const factory: TableEntry = { label: "factory", type: 0, offset: 0x10000, bytes: 0x100000 };

/** What `idf.py build` leaves, as ESP-IDF 5.5 names it. */
function buildFolder(project = "wamlet_agent", table: readonly TableEntry[] = [factory, store]): string {
  const build = mkdtempSync(join(folder, "build-"));
  const images = usualImages("esp32c3", { description: { project, version: "0.1.0" } }).map((image) =>
    image.name === "partition-table" ? { ...image, data: partitionTable(table) } : image,
  );
  const files: Record<string, string> = {
    bootloader: "bootloader/bootloader.bin",
    "partition-table": "partition_table/partition-table.bin",
    app: `${project}.bin`,
  };
  const entries = images.map(({ name, offset, data }) => {
    const file = files[name] ?? name;
    mkdirSync(join(build, file, ".."), { recursive: true });
    writeFileSync(join(build, file), data);
    return { name, offset: `0x${offset.toString(16)}`, file, encrypted: "false" };
  });
  const args = {
    write_flash_args: ["--flash_mode", "dio", "--flash_size", "4MB", "--flash_freq", "80m"],
    flash_settings: { flash_mode: "dio", flash_size: "4MB", flash_freq: "80m" },
    flash_files: Object.fromEntries(entries.map(({ offset, file }) => [offset, file])),
    ...Object.fromEntries(entries.map(({ name, ...rest }) => [name, rest])),
    extra_esptool_args: { after: "hard_reset", before: "default_reset", stub: true, chip: "esp32c3" },
  };
  writeFileSync(join(build, "flasher_args.json"), JSON.stringify(args, null, 4));
  return build;
}

function firmware(words: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const script = packagePath("boards", "ports", "firmware.mjs");
  return spawnSync(process.execPath, [script, "esp-idf", ...words], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, WAMLET_CACHE: join(folder, "cache"), ...environment },
  });
}

describe("npm run firmware -- esp-idf", () => {
  it("makes a build folder into a bundle that says chip and agent, and holds every image", () => {
    const build = buildFolder();
    const path = join(folder, "out.wamfw");
    const { status, stdout, stderr } = firmware(["--build", build, "-o", path]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toContain("agent 0.1.0 for ESP32-C3, 3 images");
    const { chip, agentVersion, images, partitions } = checkFirmware(readBundle(readFileSync(path), path));
    expect([chip?.target, agentVersion]).toEqual(["esp32c3", "0.1.0"]);
    expect(images.map(({ name, offset }) => [name, offset])).toEqual([
      ["bootloader", 0],
      ["partition-table", 0x8000],
      ["app", 0x10000],
    ]);
    expect(partitions.find(({ label }) => label === "wamlet_store")?.bytes).toBe(0x182000);
  });

  it("names the bundle after the chip, and the next command", () => {
    const { stdout } = firmware(["--build", buildFolder()]);
    expect(stdout).toContain("wamlet flash agent-esp32c3.wamfw");
    expect(existsSync(join(folder, "agent-esp32c3.wamfw"))).toBe(true);
  });

  it.each([
    ["another project", () => buildFolder("blink"), /holds no Wamlet agent/, "WAMLET_INVALID_IMAGE"],
    [
      "a partition table without the store",
      () => buildFolder("wamlet_agent", [factory]),
      /has no wamlet_store/,
      "WAMLET_INVALID_IMAGE",
    ],
    ["no build folder", () => join(folder, "nowhere"), /nowhere/, "WAMLET_FILE_NOT_FOUND"],
  ])("refuses %s, and writes nothing", (_, build, message, code) => {
    const path = join(folder, "refused.wamfw");
    const { status, stderr } = firmware(["--build", build(), "-o", path]);
    expect(stderr).toMatch(message);
    expect(stderr).toContain(code);
    expect(status).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it.each([[[]], [["--check", "--build", "x"]], [["--target", "esp8266"]], [["--quick"]]])(
    "says what it takes, given %j",
    (words) => {
      const { status, stderr } = firmware(words);
      expect(stderr).toMatch(/hint: Write --target with one of esp32, esp32s3, esp32c3, esp32c6/);
      expect(status).toBe(2);
    },
  );

  it("says what to install where there is no ESP-IDF", () => {
    const { status, stderr } = firmware(["--target", "esp32c3"], { PATH: folder });
    expect(stderr).toMatch(/idf\.py is not on the PATH/);
    expect(stderr).toMatch(/Install ESP-IDF 5\.3/);
    expect(status).toBe(1);
  });

  it("builds with ESP-IDF where it is, in a folder of its own for the chip", () => {
    const tools = mkdtempSync(join(folder, "tools-"));
    const built = buildFolder();
    // Stands in for ESP-IDF: it notes how it was called and leaves a build.
    writeFileSync(
      join(tools, "idf.py"),
      `#!/bin/sh\nprintf '%s\\n' "$@" > "${tools}/words"\ncp -r "${built}/." "$4"\n`,
    );
    chmodSync(join(tools, "idf.py"), 0o755);
    const path = join(folder, "built.wamfw");
    const PATH = `${tools}${delimiter}${process.env.PATH}`;
    const { status, stderr } = firmware(["--target", "esp32c3", "-o", path], { PATH });
    expect([status, stderr]).toEqual([0, ""]);
    const build = join(folder, "cache", "agents", "esp-idf", "esp32c3");
    expect(readFileSync(join(tools, "words"), "utf8").trim().split("\n")).toEqual([
      "-C",
      packagePath("boards", "ports", "esp-idf"),
      "-B",
      build,
      "-DIDF_TARGET=esp32c3",
      `-DSDKCONFIG=${join(build, "sdkconfig")}`,
      "build",
    ]);
    expect(readBundle(readFileSync(path), path).agentVersion).toBe("0.1.0");
  });

  it("hands on that ESP-IDF failed", () => {
    const tools = mkdtempSync(join(folder, "tools-"));
    writeFileSync(join(tools, "idf.py"), "#!/bin/sh\nexit 3\n");
    chmodSync(join(tools, "idf.py"), 0o755);
    const { status, stderr } = firmware(["--target", "esp32"], {
      PATH: `${tools}${delimiter}${process.env.PATH}`,
    });
    expect(stderr).toMatch(/idf\.py ended with 3/);
    expect(status).toBe(1);
  });
});
