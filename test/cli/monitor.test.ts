import { execFileSync, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { afterAll, describe, expect, it } from "vitest";
import { packagePath } from "../../host/package_root.js";
import { riscvAbort, xtensaAssert } from "./fixtures/panics.js";
import { Running, Workplace } from "./workplace.js";

const hasRiscvTools = ["gcc", "addr2line"].every((tool) =>
  existsSync(`/usr/bin/riscv64-unknown-elf-${tool}`),
);
const place = new Workplace();
afterAll(() => place.close());

/** A board without an agent: it says what it is told to, in these pieces, whoever listens. */
async function talker(...pieces: string[]): Promise<{ url: string; end: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}).resume());
    void (async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const end = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url: `tcp://127.0.0.1:${port}`, end };
}

describe.skipIf(process.platform === "win32")("wamlet monitor", () => {
  it("shows the console of a board without an agent, unable to steer the terminal", async () => {
    const board = await talker(
      "I (31) boot: ESP-IDF\r\n\x1b[0;31mE (40) heap: no memory\x1b[0m\r\n\x1b[2Jrst:0x3\r\n",
    );
    const monitor = place.start("monitor", "--timestamps", "--port", board.url);
    await monitor.saw(/rst:0x3/);
    expect(await monitor.end()).toBe(0);
    const lines = monitor.stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} /, ""))).toEqual([
      "I (31) boot: ESP-IDF",
      "E (40) heap: no memory",
      "rst:0x3",
    ]);
    board.end();
  });

  it("--json tells where a line comes from and how grave it is", async () => {
    const board = await talker("W (7) psram: none\n");
    const monitor = place.start("monitor", "--json", "--port", board.url);
    await monitor.saw(/psram/);
    await monitor.end();
    expect(JSON.parse(monitor.stdout)).toMatchObject({
      from: "console",
      level: "warning",
      text: "W (7) psram: none",
    });
    board.end();
  });

  it("follows a panic with the command that finds its addresses in the source", async () => {
    // Cut in the middle of an address.
    const cut = xtensaAssert.indexOf("0x4037c1d1") + 4;
    const board = await talker(xtensaAssert.slice(0, cut), xtensaAssert.slice(cut));
    const monitor = place.start("monitor", "--port", board.url);
    await monitor.saw(/Rebooting/);
    await monitor.end();
    const lines = monitor.stdout.trimEnd().split("\n");
    const at = lines.findIndex((line) => line.startsWith("Backtrace: 0x403764f2:0x3fceb120 0x4037c1d1:"));
    expect(lines.slice(at + 1)).toEqual([
      "ELF file SHA256: a6759c6aa",
      "-- where it happened (or give --elf): xtensa-esp32s3-elf-addr2line -pfiaC -e build/*.elf 0x403764f2 0x4037c1d1 0x40382c31 0x4200a803",
      "Rebooting...",
    ]);
    board.end();
  });

  it("a panic that is the board's last word is explained without a line after it", async () => {
    const board = await talker(riscvAbort.slice(0, riscvAbort.indexOf("\r\n\r\n\r\nELF file")));
    const monitor = place.start("monitor", "--port", board.url);
    const [, addresses] = await monitor.saw(/riscv32-esp-elf-addr2line -pfiaC -e build\/\*\.elf (.*)/);
    expect(addresses).toBe("0x42074ead 0x403808c0 0x40389572 0x4038ff10 0x42074eae 0x42075f10");
    await monitor.end();
    board.end();
  });

  it("colours a panic, and its addresses otherwise", async () => {
    const board = await talker("abort() was called at PC 0x42074ead on core 0\r\nRebooting...\r\n");
    const child = spawn(
      process.execPath,
      [packagePath("dist", "host", "cli", "main.js"), "monitor", "--port", board.url],
      {
        env: { ...process.env, NO_COLOR: "", FORCE_COLOR: "1" },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const monitor = new Running(child);
    await monitor.saw(/Rebooting/);
    await monitor.end();
    expect(monitor.stdout).toContain(
      "\x1b[31mabort() was called at PC \x1b[1m\x1b[36m0x42074ead\x1b[31m\x1b[22m on core 0\x1b[39m",
    );
    board.end();
  });

  it("--elf says clearly where the tool is missing, and refuses what is no firmware", async () => {
    const elf = place.path("agent.elf");
    const header = Buffer.alloc(52);
    header.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
    header.writeUInt16LE(94, 18);
    writeFileSync(elf, header);
    const board = await talker(xtensaAssert);
    const monitor = place.start("monitor", "--port", board.url, "--elf", elf);
    const [said] = await monitor.saw(/-- .*addr2line.*/);
    expect(said).toBe(
      `-- xtensa-esp32s3-elf-addr2line is not on PATH; ESP-IDF's export script puts it there. It decodes with: xtensa-esp32s3-elf-addr2line -pfiaC -e ${elf} 0x403764f2 0x4037c1d1 0x40382c31 0x4200a803`,
    );
    await monitor.end();
    header.writeUInt16LE(62, 18);
    writeFileSync(elf, header);
    expect((await place.run("monitor", "--port", board.url, "--elf", elf)).stderr).toContain(
      "another processor",
    );
    expect((await place.run("monitor", "--port", board.url, "--elf", "none.elf")).stderr).toContain(
      "WAMLET_FILE_NOT_FOUND",
    );
    board.end();
  });

  it.skipIf(!hasRiscvTools)("--elf shows the places in the source", async () => {
    const source = place.path("crash.c");
    const elf = place.path("crash.elf");
    writeFileSync(
      source,
      "int depth;\nvoid crash(void)\n{\n    depth++;\n}\nvoid _start(void)\n{\n    crash();\n}\n",
    );
    const options = [
      "-g",
      "-O0",
      "-nostdlib",
      "-march=rv32imac",
      "-mabi=ilp32",
      "-Wl,-Ttext=0x42074000",
      "-Wl,--build-id=none",
    ];
    execFileSync("riscv64-unknown-elf-gcc", [...options, source, "-o", elf]);
    const board = await talker("abort() was called at PC 0x42074004 on core 0\r\nRebooting...\r\n");
    const monitor = place.start("monitor", "--port", board.url, "--elf", elf);
    const [, place_] = await monitor.saw(/-- 0x42074004: crash at (.*)/);
    expect(place_).toMatch(/crash\.c:[34]$/);
    await monitor.end();
    board.end();
  });

  it("ends with a typed error where the line is gone", async () => {
    const board = await talker("hello\n");
    const monitor = place.start("monitor", "--port", board.url);
    await monitor.saw(/hello/);
    board.end();
    expect(await monitor.ended).toBe(1);
    expect(monitor.stderr).toContain("WAMLET_LINE_CLOSED");
  });

  it.skipIf(!existsSync("/usr/bin/script"))(
    "on a terminal, Ctrl-R resets the board and Ctrl-C leaves",
    async () => {
      const board = await place.emulate("--pace", "fast");
      const command = `'${process.execPath}' '${packagePath("dist", "host", "cli", "main.js")}' monitor --port ${board.url}`;
      // script(1) runs a command on a terminal of its own and passes on what it is given.
      const child = spawn("script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "pipe"] });
      const monitor = new Running(child);
      await monitor.saw(/esp32.*Ctrl-R resets/);
      child.stdin.write("\x12");
      await monitor.saw(/the board has restarted/);
      child.stdin.write("\x03");
      expect(await monitor.ended).toBe(0);
      expect((await place.json("modules", "--port", board.url)).modules).toEqual([]);
      await board.end();
    },
  );
});
