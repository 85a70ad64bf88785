/**
 * A port as the browser's Web Serial API shows it, for esptool-js, which is written against that API: opened and
 * closed again and again, with DTR and RTS, with a rate that changes while it is open. It stands on a serial port of
 * this machine or on any other transport; what has no DTR, RTS or rate keeps silent about them.
 */
import type { SerialPortStream } from "@serialport/stream";
import type { UsbIdentity } from "../descriptor/usb_id.js";
import { WamletError } from "../errors.js";
import { interrupted } from "./abort.js";
import type { ByteStream } from "./byte_stream.js";
import { DuplexStream } from "./duplex_stream.js";
import { openPort } from "./open_port.js";
import { explainOpening, serialTransport } from "./serial_transport.js";

/** The lines that Espressif's boards wire to EN and IO0. */
export interface ControlLines {
  readonly dtr: boolean;
  readonly rts: boolean;
}

/** An open line, with what only serial ports can do where it can. */
export interface LoaderLine {
  readonly stream: ByteStream;
  /** Null where the far end's rate is not ours to change. */
  readonly setBaudRate: ((baudRate: number) => Promise<void>) | null;
  /** Null where there are no such lines. */
  readonly setLines: ((lines: ControlLines) => Promise<void>) | null;
}

export type OpenLine = (baudRate: number) => Promise<LoaderLine>;

/**
 * How to open a URL for a ROM loader.
 * @throws WamletError as `openPort`, from the function that it returns
 */
export function lineOpener(url: string, signal?: AbortSignal): OpenLine {
  if (!serialTransport.accepts(url)) {
    return async () => ({ stream: await openPort(url, { signal }), setBaudRate: null, setLines: null });
  }
  return async (baudRate) => {
    if (signal?.aborted) throw interrupted();
    const { SerialPort } = await import("serialport");
    // Without hupcl the lines are not dropped at the end, which would reset the board.
    return lineOverSerialPort(new SerialPort({ path: url, baudRate, autoOpen: false, hupcl: false }));
  };
}

/** @param port not yet open */
export async function lineOverSerialPort(port: SerialPortStream): Promise<LoaderLine> {
  const failed = await new Promise<Error | null>((resolve) => port.open(resolve));
  if (failed instanceof WamletError) throw failed;
  if (failed !== null) throw await explainOpening(port.path, failed);
  const end = () => new Promise<void>((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()));
  return {
    stream: new DuplexStream(port, port.path, port.baudRate, end),
    setBaudRate: (baudRate) => answered((done) => port.update({ baudRate }, done)),
    setLines: (lines) => answered((done) => port.set({ ...lines }, done)),
  };
}

/** serialport calls back with an error, null or nothing. */
function answered(ask: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => ask((error) => (error ? reject(error) : resolve())));
}

/** The part of Web Serial's SerialPort that esptool-js uses. */
export class WebSerialPort {
  readonly #open: OpenLine;
  readonly #usb: UsbIdentity | null;
  #line: LoaderLine | null = null;
  #lines: ControlLines = { dtr: true, rts: true };
  #linesWork = true;
  readable: ReadableStream<Uint8Array> | null = null;
  writable: WritableStream<Uint8Array> | null = null;
  /** Present only while the line's rate can be changed; esptool-js looks for it, and reopens the port without it. */
  setBaudRate: ((baudRate: number) => Promise<void>) | undefined;

  /** @param usb identity of the USB device behind the port, which tells how a chip is reset; null where unknown */
  constructor(open: OpenLine, usb: UsbIdentity | null) {
    this.#open = open;
    this.#usb = usb;
  }

  /** Whether the open port has DTR and RTS. */
  get hasControlLines(): boolean {
    return this.#line !== null && this.#line.setLines !== null && this.#linesWork;
  }

  getInfo(): { usbVendorId?: number; usbProductId?: number } {
    return this.#usb === null ? {} : { usbVendorId: this.#usb.vendor, usbProductId: this.#usb.product };
  }

  /** @throws WamletError as `openPort` */
  async open({ baudRate }: { baudRate: number }): Promise<void> {
    await this.close();
    const line = await this.#open(baudRate);
    this.#line = line;
    this.#lines = { dtr: true, rts: true };
    this.#linesWork = true;
    this.setBaudRate = line.setBaudRate ?? undefined;
    this.readable = new ReadableStream<Uint8Array>({
      start(controller) {
        let over = false;
        line.stream.onData((bytes) => {
          if (!over) controller.enqueue(new Uint8Array(bytes));
        });
        line.stream.onClose((error) => {
          over = true;
          if (error === null) controller.close();
          else controller.error(error);
        });
      },
    });
    this.writable = new WritableStream<Uint8Array>({ write: (bytes) => line.stream.write(bytes) });
  }

  /** Ends the connection; `open` may follow. */
  async close(): Promise<void> {
    const line = this.#line;
    this.#line = null;
    this.readable = null;
    this.writable = null;
    this.setBaudRate = undefined;
    await line?.stream.close();
  }

  /** Lines that are not named stay as they are; serialport would assert them. */
  async setSignals(signals: { dataTerminalReady?: boolean; requestToSend?: boolean }): Promise<void> {
    const { dataTerminalReady: dtr = this.#lines.dtr, requestToSend: rts = this.#lines.rts } = signals;
    this.#lines = { dtr, rts };
    const line = this.#line;
    if (!this.#linesWork || line === null || line.setLines === null) return;
    try {
      await line.setLines(this.#lines);
    } catch {
      // A pseudo-terminal has no such lines. A device that is gone is noticed by its stream.
      this.#linesWork = false;
    }
  }
}
