/**
 * Lines to a simulated chip: a TCP port, and a serial port with DTR and RTS wired as on Espressif's boards. Both can
 * damage what they carry, stop carrying, or end.
 */
import { createServer, type Socket } from "node:net";
import { SerialPortStream } from "@serialport/stream";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import type {
  BindingPortInterface,
  EmulatorBindingInterface,
  OpenOptions,
  PortStatus,
  SetOptions,
  UpdateOptions,
} from "../../host/emulator/serialport_types.js";
import { lineOverSerialPort, type OpenLine } from "../../host/transport/web_serial.js";
import type { SimulatedChip } from "./rom_loader.js";

export interface Damage {
  /** Probability that a byte has a wrong bit. */
  readonly bitErrors?: number;
  /** Probability that a byte does not arrive. */
  readonly drops?: number;
  readonly seed?: number;
  /** Number of the one byte, of either direction, that gets a wrong bit. */
  readonly flipAt?: number;
  /** Bytes to the chip after which the line carries nothing more. */
  readonly deafAfter?: number;
  /** Bytes to the chip after which the line ends. */
  readonly endsAfter?: number;
}

/** Passes bytes on, or not. */
export class DamagedLine {
  readonly #random: SeededRandom;
  damaged = 0;
  passed = 0;

  constructor(readonly damage: Damage) {
    this.#random = new SeededRandom(damage.seed ?? 1);
  }

  pass(bytes: Uint8Array): Uint8Array {
    const { bitErrors = 0, drops = 0, deafAfter = Infinity } = this.damage;
    const arrived: number[] = [];
    for (const byte of bytes) {
      if (this.passed++ >= deafAfter) continue;
      if (this.passed === this.damage.flipAt) {
        this.damaged++;
        arrived.push(byte ^ 0x10);
      } else if (this.#random.chance(drops)) this.damaged++;
      else if (this.#random.chance(bitErrors)) {
        this.damaged++;
        arrived.push(byte ^ (1 << this.#random.below(8)));
      } else arrived.push(byte);
    }
    return Uint8Array.from(arrived);
  }

  get over(): boolean {
    return this.passed >= (this.damage.endsAfter ?? Infinity);
  }
}

export interface ServedChip {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** @param onLeave called when a client goes away: what a user does meanwhile, as pressing the button */
export async function serveChip(
  chip: SimulatedChip,
  damage: Damage = {},
  onLeave: () => void = () => {},
): Promise<ServedChip> {
  const sockets = new Set<Socket>();
  const line = new DamagedLine(damage);
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    chip.send = (bytes) => void socket.write(line.pass(bytes));
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      chip.receive(line.pass(bytes));
      if (line.over) socket.destroy();
    });
    socket.on("close", () => {
      sockets.delete(socket);
      onLeave();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `tcp://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

export interface Wiring {
  /** `classic`: transistors from DTR and RTS to EN and IO0. `usb-jtag`: the chip's own USB. `none`: RX, TX only. */
  readonly reset: "classic" | "usb-jtag" | "none";
  /** A bridge cannot do this rate and garbles it. */
  readonly fastestBaudRate?: number;
}

/** A serial port of this machine with a chip behind it, as serialport's streams see it. */
export function wireChip(
  chip: SimulatedChip,
  wiring: Wiring = { reset: "classic" },
  damage: Damage = {},
): { readonly open: OpenLine; readonly line: DamagedLine } {
  const line = new DamagedLine(damage);
  const binding: EmulatorBindingInterface = {
    list: async () => [],
    open: async (options) => new WiredPort(chip, wiring, line, options),
  };
  const open: OpenLine = (baudRate) =>
    lineOverSerialPort(new SerialPortStream({ binding, path: "wired", baudRate, autoOpen: false }));
  return { open, line };
}

class WiredPort implements BindingPortInterface {
  isOpen = true;
  readonly openOptions: Required<OpenOptions>;
  readonly #chip: SimulatedChip;
  readonly #wiring: Wiring;
  readonly #line: DamagedLine;
  #lines = { dtr: true, rts: true };
  #download = false;
  #unread = Buffer.alloc(0);
  #wake: (error: Error | null) => void = () => {};
  #gone = false;

  constructor(chip: SimulatedChip, wiring: Wiring, line: DamagedLine, options: OpenOptions) {
    this.#chip = chip;
    this.#wiring = wiring;
    this.#line = line;
    this.openOptions = {
      dataBits: 8,
      lock: true,
      stopBits: 1,
      parity: "none",
      rtscts: false,
      xon: false,
      xoff: false,
      xany: false,
      hupcl: false,
      ...options,
    };
    chip.hostBaudRate = options.baudRate;
    chip.send = (bytes) => {
      this.#unread = Buffer.concat([this.#unread, this.#garbled(this.#line.pass(bytes))]);
      this.#wake(null);
    };
  }

  async close(): Promise<void> {
    this.isOpen = false;
    this.#chip.send = () => {};
    this.#wake(Object.assign(new Error("closed"), { canceled: true }));
  }

  async read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }> {
    while (this.#unread.length === 0) {
      if (this.#gone) throw Object.assign(new Error("read: No such device"), { disconnect: true });
      const error = await new Promise<Error | null>((resolve) => {
        this.#wake = resolve;
      });
      if (error !== null) throw error;
    }
    const bytesRead = this.#unread.copy(buffer, offset, 0, length);
    this.#unread = this.#unread.subarray(bytesRead);
    return { buffer, bytesRead };
  }

  async write(buffer: Buffer): Promise<void> {
    if (this.#gone) throw new Error("write: No such device");
    // As a real line does, it answers later.
    const arrived = this.#garbled(this.#line.pass(buffer));
    setImmediate(() => {
      if (this.isOpen) this.#chip.receive(arrived);
    });
    if (!this.#line.over) return;
    this.#gone = true;
    this.#wake(null);
  }

  async update({ baudRate }: UpdateOptions): Promise<void> {
    this.#chip.hostBaudRate = baudRate;
  }

  async set({ dtr = true, rts = true }: SetOptions): Promise<void> {
    const before = this.#lines;
    this.#lines = { dtr, rts };
    if (this.#wiring.reset === "classic") this.#classic(before);
    else if (this.#wiring.reset === "usb-jtag") this.#usbJtag(before);
  }

  /** EN is low while RTS is asserted and DTR is not, IO0 while DTR is asserted and RTS is not. */
  #classic(before: { readonly dtr: boolean; readonly rts: boolean }): void {
    const { dtr, rts } = this.#lines;
    const held = rts && !dtr;
    if (held) this.#chip.hold();
    else if (before.rts && !before.dtr) this.#chip.reset(dtr && !rts);
  }

  /**
   * ESP32-C3 technical reference manual, "USB Serial/JTAG": DTR without RTS sets the download flag, neither clears it,
   * RTS without DTR resets; both do nothing.
   */
  #usbJtag(before: { readonly dtr: boolean; readonly rts: boolean }): void {
    const { dtr, rts } = this.#lines;
    if (dtr && !rts) this.#download = true;
    if (!dtr && !rts) this.#download = false;
    if (rts && !dtr && !(before.rts && !before.dtr)) this.#chip.reset(this.#download);
  }

  async get(): Promise<PortStatus> {
    return { cts: true, dsr: true, dcd: false };
  }

  async getBaudRate(): Promise<{ baudRate: number }> {
    return { baudRate: this.#chip.hostBaudRate };
  }

  async flush(): Promise<void> {
    this.#unread = Buffer.alloc(0);
  }

  async drain(): Promise<void> {}

  /** A rate that is not the other side's makes other bytes of every byte. */
  #garbled(bytes: Uint8Array): Uint8Array {
    const { hostBaudRate, baudRate, detectsRate } = this.#chip;
    const tooFast = hostBaudRate > (this.#wiring.fastestBaudRate ?? Infinity);
    if (!tooFast && (hostBaudRate === baudRate || detectsRate)) return bytes;
    return bytes.map((byte) => (byte * 5 + 3) & 0x7f);
  }
}
