import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPort } from "../../host/transport/open_port.js";

const code = (name: string) => expect.objectContaining({ code: name });

describe("tcp://", () => {
  let server: Server;
  let url: string;
  let sockets: Socket[];

  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", (bytes) => socket.write(bytes));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    url = `tcp://127.0.0.1:${address.port}`;
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it("carries bytes both ways", async () => {
    const stream = await openPort(url);
    expect(stream).toMatchObject({ url, baudRate: null });
    const echoed = new Promise<string>((resolve) => {
      let text = "";
      stream.onData((bytes) => {
        text += Buffer.from(bytes).toString();
        if (text.length >= 10) resolve(text);
      });
    });
    await stream.write(Buffer.from("hello"));
    await stream.write(Buffer.from("world"));
    expect(await echoed).toBe("helloworld");
    await stream.close();
  });

  it("says that the other side is gone, once, and to whoever writes after it", async () => {
    const stream = await openPort(url);
    stream.onData(() => {});
    const told: unknown[] = [];
    const closed = new Promise<void>((resolve) => {
      stream.onClose((error) => {
        told.push(error);
        resolve();
      });
    });
    await expect.poll(() => sockets.length).toBe(1);
    for (const socket of sockets) socket.destroy();
    await closed;
    expect(told).toEqual([code("WAMLET_LINE_CLOSED")]);
    await expect(stream.write(Buffer.from("x"))).rejects.toEqual(code("WAMLET_LINE_CLOSED"));
    await stream.close();
    expect(told.length).toBe(1);
  });

  it("tells a listener that comes late", async () => {
    const stream = await openPort(url);
    await stream.close();
    expect(await new Promise((resolve) => stream.onClose(resolve))).toBeNull();
    await expect(stream.write(Buffer.from("x"))).rejects.toEqual(code("WAMLET_LINE_CLOSED"));
  });

  it("names what to do where nothing listens", async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(openPort(url)).rejects.toEqual(code("WAMLET_PORT_NOT_FOUND"));
    await expect(openPort(url)).rejects.toMatchObject({ hint: expect.stringContaining("--listen") });
  });

  it("can be interrupted before it is open", async () => {
    await expect(openPort(url, { signal: AbortSignal.abort() })).rejects.toEqual(code("WAMLET_INTERRUPTED"));
  });

  it("refuses what is no address", async () => {
    for (const wrong of [
      "tcp://",
      "tcp://host",
      "tcp://host:0",
      "tcp://host:65536",
      "tcp:host:1",
      "tcp://a b:1",
    ]) {
      await expect(openPort(wrong)).rejects.toEqual(code("WAMLET_INVALID_PORT"));
    }
  });
});
