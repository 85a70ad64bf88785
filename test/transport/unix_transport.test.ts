import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPort } from "../../host/transport/open_port.js";

const code = (name: string) => expect.objectContaining({ code: name });

describe.skipIf(process.platform === "win32")("unix:", () => {
  const folder = mkdtempSync(join(tmpdir(), "wamlet-unix-"));
  const path = join(folder, "line.sock");
  let server: Server;
  let sockets: Socket[];

  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", (bytes) => socket.write(bytes));
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it.each(["unix:", "unix://"])("carries bytes both ways for %s/path", async (scheme) => {
    const url = `${scheme}${path}`;
    const stream = await openPort(url);
    expect(stream).toMatchObject({ url, baudRate: null });
    const echoed = new Promise<string>((resolve) => {
      let text = "";
      stream.onData((bytes) => {
        text += Buffer.from(bytes).toString();
        if (text.length >= 5) resolve(text);
      });
    });
    await stream.write(Buffer.from("hello"));
    expect(await echoed).toBe("hello");
    await stream.close();
  });

  it("says that the other side is gone", async () => {
    const stream = await openPort(`unix:${path}`);
    stream.onData(() => {});
    const closed = new Promise((resolve) => stream.onClose(resolve));
    await expect.poll(() => sockets.length).toBe(1);
    for (const socket of sockets) socket.destroy();
    expect(await closed).toEqual(code("WAMLET_LINE_CLOSED"));
  });

  it("tells a path without a socket from one where nobody listens", async () => {
    await expect(openPort(`unix:${join(folder, "none.sock")}`)).rejects.toMatchObject({
      code: "WAMLET_PORT_NOT_FOUND",
      message: expect.stringContaining("there is no such socket"),
    });
    const file = join(folder, "file");
    writeFileSync(file, "");
    await expect(openPort(`unix:${file}`)).rejects.toMatchObject({ code: "WAMLET_PORT_NOT_FOUND" });
    await expect(openPort("unix:")).rejects.toEqual(code("WAMLET_INVALID_PORT"));
    await expect(openPort(`unix:${path}`, { signal: AbortSignal.abort() })).rejects.toEqual(
      code("WAMLET_INTERRUPTED"),
    );
    rmSync(folder, { recursive: true, force: true });
  });
});
