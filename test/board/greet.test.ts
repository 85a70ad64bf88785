import { SerialPortStream } from "@serialport/stream";
import { describe, expect, it } from "vitest";
import { greet } from "../../host/board/greet.js";
import { lineRates, ratesOf } from "../../host/board/line_rates.js";
import { createEmulatorBinding } from "../../host/emulator/binding.js";
import type { ByteStream } from "../../host/transport/byte_stream.js";
import { DuplexStream } from "../../host/transport/duplex_stream.js";

const code = (name: string) => expect.objectContaining({ code: name });

/** A board whose line has a speed of its own, opened at any. */
function boardAt(baudRate: number) {
  const binding = createEmulatorBinding();
  const path = `emulator:esp32?baud=${baudRate}`;
  const tried: (number | undefined)[] = [];
  const open = async (rate: number | undefined): Promise<ByteStream> => {
    tried.push(rate);
    const port = new SerialPortStream({ binding, path, baudRate: rate ?? baudRate, autoOpen: false });
    await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
    return new DuplexStream(
      port,
      path,
      rate ?? baudRate,
      () => new Promise((resolve) => port.close(() => resolve())),
    );
  };
  return { open, tried };
}

describe("greeting a board", () => {
  it("finds the agent at the first speed without trying another", async () => {
    const { open, tried } = boardAt(921_600);
    const { stream, conversation } = await greet(open, [921_600, 115_200], {});
    expect(stream.baudRate).toBe(921_600);
    expect(tried).toEqual([921_600]);
    await conversation.close();
  });

  it("finds an agent that listens at the other speed", async () => {
    const { open, tried } = boardAt(115_200);
    const { stream, conversation } = await greet(open, [921_600, 115_200], {});
    expect(stream.baudRate).toBe(115_200);
    expect(tried).toEqual([921_600, 115_200]);
    await conversation.close();
  });

  it("names every speed that it tried where no agent answers", async () => {
    const { open, tried } = boardAt(9600);
    await expect(greet(open, [921_600, 115_200], { connectTimeout: 1400 })).rejects.toMatchObject({
      code: "WAMLET_LINE_TIMEOUT",
      message: "No Wamlet agent has answered within 1.4 s at 921600 or 115200 baud.",
    });
    expect(tried).toEqual([921_600, 115_200]);
  });

  it("stays at the speed at which a board without an agent can be read", async () => {
    const opened: (number | undefined)[] = [];
    const open = async (rate: number | undefined): Promise<ByteStream> => {
      opened.push(rate);
      return {
        url: "test",
        baudRate: rate ?? null,
        write: async () => {},
        onData: (receive) => {
          if (rate === 115_200) receive(Buffer.from("I (31) boot: ESP-IDF v5.3\r\n\0"));
        },
        onClose: () => {},
        close: async () => {},
      };
    };
    const texts: string[] = [];
    const greeting = greet(open, [921_600, 115_200], {
      connectTimeout: 4000,
      onConsole: (text) => texts.push(text),
    });
    await expect(greeting).rejects.toEqual(code("WAMLET_LINE_TIMEOUT"));
    expect(opened).toEqual([921_600, 115_200, 115_200]);
    expect(texts).toEqual(["I (31) boot: ESP-IDF v5.3\r\n", "I (31) boot: ESP-IDF v5.3\r\n"]);
  });

  it("can be interrupted", async () => {
    const { open } = boardAt(9600);
    const signal = AbortSignal.timeout(200);
    await expect(greet(open, [921_600, 115_200], { signal })).rejects.toEqual(code("WAMLET_INTERRUPTED"));
  });
});

describe("the speed of a line", () => {
  it("is what the user says, else what the board's descriptor says, alone", async () => {
    expect(await lineRates("/dev/ttyUSB7", { baudRate: 9600, board: "nrf52840" })).toEqual([9600]);
    expect(await lineRates("/dev/ttyUSB7", { board: "nrf52840" })).toEqual([1_000_000]);
    await expect(lineRates("/dev/ttyUSB7", { board: "none" })).rejects.toEqual(code("WAMLET_UNKNOWN_BOARD"));
  });

  it("is tried where the board is not known, beginning with those that the port may be", async () => {
    expect(await lineRates("/dev/ttyWamletNone", {})).toEqual([921_600, 115_200]);
    expect(ratesOf(["nrf52840"])).toEqual([1_000_000, 921_600, 115_200]);
    expect(ratesOf(["esp32", "esp32s3"])).toEqual([921_600, 115_200]);
  });

  it("is left to what has its own, or none", async () => {
    for (const url of ["emulator:esp32", "tcp://localhost:7070", "unix:/tmp/board.sock"]) {
      expect(await lineRates(url, { board: "esp32" })).toEqual([]);
    }
  });
});
