import { describe, expect, it, onTestFinished } from "vitest";
import { openPort } from "../../host/transport/open_port.js";

const code = (name: string) => expect.objectContaining({ code: name });

async function open(url: string, options = {}) {
  const stream = await openPort(url, options);
  onTestFinished(() => stream.close());
  return stream;
}

describe("emulator:", () => {
  it("has the speed of its board, of its URL, or the one that is asked for", async () => {
    expect((await open("emulator:esp32?seed=101")).baudRate).toBe(921_600);
    expect((await open("emulator:esp32?seed=102&baud=57600")).baudRate).toBe(57_600);
    expect((await open("emulator:esp32?seed=103", { baudRate: 9600 })).baudRate).toBe(9600);
  });

  it("sends bytes as soon as it is open: the board announces itself", async () => {
    const stream = await open("emulator:esp32?seed=104");
    const first = await new Promise<Uint8Array>((resolve) => stream.onData(resolve));
    expect(first.length).toBeGreaterThan(0);
  });

  it("is busy while somebody else has it open", async () => {
    await open("emulator:esp32?seed=105");
    await expect(openPort("emulator:esp32?seed=105")).rejects.toEqual(code("WAMLET_PORT_BUSY"));
  });

  it("can be opened again once it is closed", async () => {
    const stream = await openPort("emulator:esp32?seed=106");
    await stream.close();
    await open("emulator:esp32?seed=106");
  });

  it("refuses boards and options that it does not know", async () => {
    await expect(openPort("emulator:esp33")).rejects.toEqual(code("WAMLET_UNKNOWN_BOARD"));
    await expect(openPort("emulator:")).rejects.toEqual(code("WAMLET_INVALID_PORT"));
    await expect(openPort("emulator:esp32?baud=fast")).rejects.toEqual(code("WAMLET_INVALID_PORT"));
    await expect(openPort("emulator:esp32?colour=red")).rejects.toEqual(code("WAMLET_INVALID_PORT"));
  });
});
