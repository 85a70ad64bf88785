/** `wamlet flash` and `wamlet boards --probe` as a user runs them, against simulated chips behind TCP. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { Flash } from "../../host/emulator/flash.js";
import { flashGeometry } from "../../host/emulator/flash_geometry.js";
import { VirtualBoard } from "../../host/emulator/virtual_board.js";
import { runWamlet } from "../cli/run_wamlet.js";
import { usualImages } from "./firmware_material.js";
import { SimulatedChip, type SimulatedChipOptions } from "./rom_loader.js";
import { type Damage, serveChip } from "./simulated_line.js";
import type { SimulatedChipName } from "./simulated_registers.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "wamlet-flash-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A build folder as ESP-IDF leaves it. */
function buildFolder(kind: SimulatedChipName, images = usualImages(kind)): string {
  const build = mkdtempSync(join(folder, "build-"));
  mkdirSync(join(build, "parts"));
  const entries = images.map(({ name, offset, data }) => {
    writeFileSync(join(build, "parts", `${name}.bin`), data);
    return { name, offset: `0x${offset.toString(16)}`, file: `parts/${name}.bin`, encrypted: "false" };
  });
  const named = entries.map(({ name, ...rest }) => [name, rest]);
  const args = {
    write_flash_args: ["--flash_mode", "dio"],
    flash_settings: { flash_mode: "dio", flash_size: "4MB", flash_freq: "80m" },
    flash_files: Object.fromEntries(entries.map(({ offset, file }) => [offset, file])),
    ...Object.fromEntries(named),
    extra_esptool_args: { after: "hard_reset", before: "default_reset", stub: true, chip: kind },
  };
  writeFileSync(join(build, "flasher_args.json"), JSON.stringify(args));
  return build;
}

/** A chip that starts in download mode; whoever holds its buttons lets go when the client has left. */
async function servedChip(options: SimulatedChipOptions = {}, damage: Damage = {}, pressesReset = false) {
  const chip = new SimulatedChip({ download: true, ...options });
  const served = await serveChip(chip, damage, () => {
    if (pressesReset && chip.flash.content[0x10000] === 0xe9 && chip.state !== "firmware") chip.reset(false);
  });
  onTestFinished(() => served.close());
  return { chip, url: served.url };
}

function expectFlashed(chip: SimulatedChip, images: ReturnType<typeof usualImages>): void {
  for (const { offset, data } of images) {
    expect(Buffer.compare(chip.flash.content.subarray(offset, offset + data.length), data)).toBe(0);
  }
}

describe("wamlet flash", () => {
  it("writes a build folder, waits for the agent and says what it is", async () => {
    const images = usualImages("esp32", { description: { project: "wamlet_agent", version: "0.1.0" } });
    const descriptor = loadBoard("esp32");
    const agent = new VirtualBoard({
      board: descriptor,
      flash: new Flash(flashGeometry(descriptor.store)),
      pace: "fast",
    });
    onTestFinished(() => agent.close());
    const { chip, url } = await servedChip(
      {
        onStart: (started) => {
          agent.connect(
            (bytes) => started.send(bytes),
            () => {},
          );
          started.firmware = (bytes) => agent.send(bytes);
        },
      },
      {},
      true,
    );
    const { exitCode, stdout, stderr } = await runWamlet([
      "flash",
      buildFolder("esp32", images),
      "--port",
      url,
    ]);
    expect(stderr).toContain("press its RESET button now");
    expect(stdout).toMatch(/3 images, .* verified on ESP32/);
    expect(stdout).toMatch(/esp32 {2}agent .* virtual board/);
    expect(exitCode).toBe(0);
    expectFlashed(chip, images);
  });

  it("makes a bundle, shows what it holds, and flashes it the same", async () => {
    const images = usualImages("esp32c3");
    const bundle = join(folder, "c3.wamfw");
    const made = await runWamlet(["flash", buildFolder("esp32c3", images), "--make-bundle", bundle]);
    expect(made.exitCode).toBe(0);
    const { stdout } = await runWamlet(["flash", bundle, "--list"]);
    expect(stdout).toContain("ESP32-C3");
    expect(stdout).toMatch(/0x10000 {2}app {2,}application .* agent 0\.1\.0/);
    expect(stdout).toMatch(/0x8000 {2}partition-table {2}partition table +3 KiB/);
    const { chip, url } = await servedChip({ kind: "esp32c3" });
    const flashed = await runWamlet(["flash", bundle, "--port", url, "--no-reset", "--json"]);
    expect(JSON.parse(flashed.stdout)).toMatchObject({
      chip: "ESP32-C3",
      loader: "stub",
      started: false,
      info: null,
    });
    expectFlashed(chip, images);
  });

  it("writes single files where they belong", async () => {
    const [, , app] = usualImages("esp32s3");
    const path = join(folder, "app.bin");
    writeFileSync(path, app?.data ?? "");
    const { chip, url } = await servedChip({ kind: "esp32s3" });
    const words = ["flash", "--image", `0x10000=${path}`, "--port", url, "--no-reset"];
    expect((await runWamlet(words)).exitCode).toBe(0);
    expectFlashed(chip, app === undefined ? [] : [app]);
    const twice = await runWamlet([...words, "--image", `0x20000=${path}`]);
    expect(twice.exitCode).toBe(2);
    expect(twice.stderr).toContain("--image is given 2 times");
  });

  it("dumps what the flash holds", async () => {
    const { chip, url } = await servedChip();
    chip.flash.content.set(Buffer.from("something"), 0x9004);
    const path = join(folder, "dump.bin");
    const words = ["flash", "dump", "--offset", "0x9000", "--size", "0x2345", "-o", path, "--port", url];
    expect((await runWamlet([...words])).exitCode).toBe(0);
    expect(Buffer.compare(readFileSync(path), chip.flash.content.subarray(0x9000, 0x9000 + 0x2345))).toBe(0);
    const beyond = await runWamlet(["flash", "dump", "--offset", "0x400000", "-o", path, "--port", url]);
    expect(beyond.stderr).toContain("WAMLET_USAGE");
  });

  it("leaves no trace of a failed flashing that the next one does not mend", async () => {
    const images = usualImages("esp32", { bytes: 200_000 });
    const build = buildFolder("esp32", images);
    const chip = new SimulatedChip({ download: true });
    const first = await serveChip(chip, { endsAfter: 60_000 });
    const broken = await runWamlet(["flash", build, "--port", first.url, "--no-reset"]);
    await first.close();
    expect(broken.exitCode).toBe(1);
    expect(broken.stderr).toMatch(/ended in the middle of the work.*\[WAMLET_LINE_CLOSED\]/);
    expect(broken.stderr).toContain("running wamlet flash again mends");
    // No reset in between: the stub still runs, in the middle of an image.
    expect(chip.state).toBe("stub");
    const second = await serveChip(chip);
    onTestFinished(() => second.close());
    const mended = await runWamlet(["flash", build, "--port", second.url, "--no-reset"]);
    expect(mended.exitCode).toBe(0);
    expect(chip.stubUploads).toBe(1);
    expectFlashed(chip, images);
  });

  it("says of a virtual board that it needs none", async () => {
    const { exitCode, stderr } = await runWamlet(["flash", buildFolder("esp32"), "--port", "emulator:esp32"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("it has its agent built in");
  });
});

describe("wamlet boards --probe", () => {
  it("names the chip behind a port", async () => {
    const { url } = await servedChip({ kind: "esp32c6", flashBytes: 8 << 20 });
    const { stdout, exitCode } = await runWamlet(["boards", "--probe", "--port", url]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`${url} {2}ESP32-C6.*8 MiB flash, MAC e8:f9:a4:b5:c6:d7`));
    const json = JSON.parse((await runWamlet(["boards", "--probe", "--port", url, "--json"])).stdout);
    expect(json.chips).toMatchObject([{ port: url, chip: "ESP32-C6", flashBytes: 8 << 20, lock: null }]);
  });

  it("says why a port that was named does not answer, shows the rest, and fails", async () => {
    const { url } = await servedChip({ download: false });
    const { stdout, exitCode } = await runWamlet(["boards", "--probe", "--port", url]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`Nothing answers at ${url}`);
    expect(stdout).toContain("esp32c3");
  });
});
