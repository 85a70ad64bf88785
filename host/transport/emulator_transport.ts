/**
 * The virtual board: `emulator:esp32?baud=921600&flash=board.flash`. It is reached through a serial port whose
 * binding is the emulator, so everything above the binding is what a real board sees.
 */
import { SerialPortStream } from "@serialport/stream";
import { loadBoard } from "../descriptor/load_board.js";
import { WamletError } from "../errors.js";
import { interrupted } from "./abort.js";
import type { ByteStream, OpenPortOptions, Transport } from "./byte_stream.js";
import { DuplexStream } from "./duplex_stream.js";

export const emulatorTransport: Transport = {
  name: "virtual board",
  example: "emulator:esp32",
  accepts: (url) => url.startsWith("emulator:"),
  open: openEmulator,
};

async function openEmulator(url: string, options: OpenPortOptions): Promise<ByteStream> {
  // Loaded here because most commands do not need a virtual board.
  const { emulatorBinding } = await import("../emulator/binding.js");
  const { parseEmulatorUrl } = await import("../emulator/emulator_url.js");
  const { board, baudRate: asked } = parseEmulatorUrl(url);
  const baudRate = options.baudRate ?? asked ?? loadBoard(board).line.baudRate;
  const port = new SerialPortStream({ binding: emulatorBinding, path: url, baudRate, autoOpen: false });
  const failed = await new Promise<Error | null>((resolve) => port.open(resolve));
  if (failed instanceof WamletError) throw failed;
  if (failed !== null) {
    throw new WamletError(
      "WAMLET_INVALID_PORT",
      `${url} cannot be opened: ${failed.message}.`,
      `A virtual board is written as ${emulatorTransport.example}; "wamlet boards" lists the names.`,
      { cause: failed },
    );
  }
  const close = () => new Promise<void>((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()));
  if (options.signal?.aborted) {
    await close();
    throw interrupted();
  }
  return new DuplexStream(port, url, baudRate, close);
}
