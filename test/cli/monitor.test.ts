import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { afterAll, describe, expect, it } from "vitest";
import { packagePath } from "../../host/package_root.js";
import { Running, Workplace } from "./workplace.js";

const place = new Workplace();
afterAll(() => place.close());

/** A board without an agent: it says what it is told to, whoever listens. */
async function talker(text: string): Promise<{ url: string; end: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}).resume());
    socket.write(text);
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
