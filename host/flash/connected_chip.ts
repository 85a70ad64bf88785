/** A chip whose loader answers: what it is, and what can be done with its flash. */
import { createHash } from "node:crypto";
import { ESPError, UnexpectedChipIdError, UnexpectedChipMagicError } from "esptool-js";
import type { UsbIdentity } from "../descriptor/usb_id.js";
import { WamletError } from "../errors.js";
import type { OpenLine } from "../transport/web_serial.js";
import { WebSerialPort } from "../transport/web_serial.js";
import { type Chip, findChip } from "./chip.js";
import { ChipLoader, romBaudRate } from "./chip_loader.js";
import { lockOf } from "./chip_lock.js";
import { differs, flashSilent, lostTrack, noLoader, refused, unknownChip } from "./flash_errors.js";
import { LoaderTransport } from "./loader_transport.js";

/** Fast, and within what every usual bridge can do. */
export const usualFlashBaudRate = 460_800;
const resetMilliseconds = 100;
const padding = 4;
/** How often the loader is sought anew where the line damaged its first answers. */
const handshakes = 3;
const perhapsNoise: readonly string[] = ["WAMLET_LINE_TIMEOUT", "WAMLET_FLASH_FAILED"];
const connectAttempts = 7;
/** esptool's own assumption for a flash whose size code nobody knows. */
const assumedFlashBytes = 4 << 20;

export interface ConnectOptions {
  /** Names the port in messages. */
  readonly url: string;
  readonly open: OpenLine;
  /** Identity of the USB device, which tells how the chip is reset; null where it is not known. */
  readonly usb?: UsbIdentity | null | undefined;
  /** Rate for the work; the ROM is greeted at 115200. Without effect where the port has no rate. */
  readonly baudRate?: number | undefined;
  /** False has the ROM do the work instead of Espressif's stub. */
  readonly stub?: boolean | undefined;
  /** False leaves DTR and RTS alone: the chip is in download mode already. */
  readonly reset?: boolean | undefined;
  /** Multiplies every time-out. */
  readonly patience?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ChipFacts {
  readonly chip: Chip;
  /** `ESP32-D0WD-V3 (revision v3.0)`. */
  readonly description: string;
  /** major × 100 + minor; null where the description does not say. */
  readonly revision: number | null;
  readonly mac: string;
  readonly flashBytes: number;
  /** What keeps it from being flashed, as `secure boot`; null for an open chip. */
  readonly lock: string | null;
}

export class ConnectedChip {
  /** Use `connectChip`. */
  constructor(
    readonly facts: ChipFacts,
    /** Rate of the line now; null where it has none. */
    readonly baudRate: number | null,
    /** `stub` or `ROM`. */
    readonly loaderKind: "stub" | "ROM",
    /** Whether the chip can be reset from here. */
    readonly canReset: boolean,
    private readonly loader: ChipLoader,
    private readonly transport: LoaderTransport,
    private readonly port: WebSerialPort,
  ) {}

  /** Erases the whole flash. */
  erase(): Promise<void> {
    return guarded(this.transport, async () => {
      if (this.loader.IS_STUB) await this.loader.eraseFlash();
      else await this.loader.flashBegin(this.facts.flashBytes, 0);
    });
  }

  /**
   * Writes an image, and has the chip compute the MD5 of what its flash then holds.
   * @param onProgress with the share that is written, 0 to 1
   * @throws WamletError WAMLET_FLASH_VERIFY, WAMLET_LINE_TIMEOUT, WAMLET_LINE_CLOSED, WAMLET_FLASH_FAILED
   */
  write(
    image: { readonly name: string; readonly offset: number; readonly data: Uint8Array },
    {
      compress = true,
      onProgress = () => {},
    }: { compress?: boolean; onProgress?: (share: number) => void } = {},
  ): Promise<void> {
    return guarded(this.transport, async () => {
      const data = padded(image.data);
      await this.loader.writeFlash({
        fileArray: [{ data, address: image.offset }],
        // The image is written as it was built; esptool-js would change flash mode and size in its header.
        flashMode: "keep",
        flashFreq: "keep",
        flashSize: "keep",
        eraseAll: false,
        compress,
        reportProgress: (_file, written, total) => onProgress(written / total),
      });
      const expected = createHash("md5").update(data).digest("hex");
      const found = await this.loader.flashMd5sum(image.offset, data.length);
      if (found !== expected) {
        throw differs(
          `MD5 of ${image.name} at 0x${image.offset.toString(16)} is ${found}, and should be ${expected}`,
        );
      }
    });
  }

  /**
   * Reads the flash, checked by the MD5 that the stub sends after it.
   * @throws WamletError as `write`; WAMLET_USAGE where the ROM does the work, as it cannot
   */
  read(offset: number, bytes: number, onProgress: (share: number) => void = () => {}): Promise<Uint8Array> {
    if (!this.loader.IS_STUB) {
      throw new WamletError("WAMLET_USAGE", "The ROM does not read flash.", "Leave out --no-stub.");
    }
    return guarded(this.transport, async () => {
      const data = await this.loader.readFlash(offset, bytes, (_packet, read, total) =>
        onProgress(read / total),
      );
      const digest = Buffer.from(await this.transport.read(this.loader.DEFAULT_TIMEOUT)).toString("hex");
      if (data.length !== bytes || digest !== createHash("md5").update(data).digest("hex")) {
        throw differs(`the MD5 of what came over the line is not that of the flash`);
      }
      return data;
    });
  }

  /** Starts the firmware, where the port can reset the chip. */
  async reset(): Promise<void> {
    if (!this.canReset) return;
    await restart(this.port);
  }

  close(): Promise<void> {
    return this.transport.end();
  }
}

/**
 * Brings a chip into download mode, finds out what it is, and starts the stub on it.
 * @throws WamletError as opening the port; WAMLET_NO_LOADER, WAMLET_NOT_IN_DOWNLOAD_MODE, WAMLET_UNKNOWN_CHIP,
 *   WAMLET_LINE_TIMEOUT, WAMLET_LINE_CLOSED, WAMLET_FLASH_FAILED, WAMLET_INTERRUPTED
 */
export async function connectChip(options: ConnectOptions): Promise<ConnectedChip> {
  for (let handshake = 1; ; handshake++) {
    const port = new WebSerialPort(options.open, options.usb ?? null);
    const transport = new LoaderTransport(port, options.url, options.patience ?? 1, options.signal);
    try {
      return await handshakeWith(port, transport, options);
    } catch (error) {
      // A board that is left in its loader looks dead.
      if (options.reset !== false && port.hasControlLines) await restart(port);
      await transport.end();
      const noise = error instanceof WamletError && perhapsNoise.includes(error.code);
      if (!noise || handshake === handshakes) throw error;
    }
  }
}

async function handshakeWith(
  port: WebSerialPort,
  transport: LoaderTransport,
  { baudRate = usualFlashBaudRate, stub = true, reset = true }: ConnectOptions,
): Promise<ConnectedChip> {
  const loader = new ChipLoader(transport, port, baudRate, reset);
  await findLoader(loader, port, transport, reset);
  return guarded(transport, async () => {
    const chip = findChip(loader.chip.CHIP_NAME);
    if (chip === null) throw unknownChip(transport.url, `an ${loader.chip.CHIP_NAME}`);
    const lock = await lockOf(loader, chip);
    // In secure download mode registers are closed, and with them everything that follows.
    const description = loader.secureDownloadMode ? chip.name : await loader.chip.getChipDescription(loader);
    const mac = loader.secureDownloadMode ? "" : await loader.chip.readMac(loader);
    if (!loader.secureDownloadMode) {
      await loader.chip.postConnect?.(loader);
      if (stub || loader.stubWasRunning) await loader.runStub();
      else await loader.useRom();
      if (port.setBaudRate !== undefined && baudRate !== romBaudRate) await loader.changeBaud();
    }
    const flashBytes = loader.secureDownloadMode ? 0 : await flashSize(loader, transport.url);
    if (flashBytes > 0) await loader.setFlashSize(flashBytes);
    const revision = /revision v(\d+)\.(\d+)/.exec(description);
    return new ConnectedChip(
      {
        chip,
        description,
        revision: revision === null ? null : Number(revision[1]) * 100 + Number(revision[2]),
        mac,
        flashBytes,
        lock,
      },
      port.setBaudRate === undefined ? null : transport.baudrate,
      loader.IS_STUB ? "stub" : "ROM",
      reset && port.hasControlLines,
      loader,
      transport,
      port,
    );
  });
}

/** EN is low while RTS is asserted and DTR is not; IO0 stays high. Works for a user who has had enough, too. */
async function restart(port: WebSerialPort): Promise<void> {
  await port.setSignals({ dataTerminalReady: false, requestToSend: true });
  await new Promise((resolve) => setTimeout(resolve, resetMilliseconds));
  await port.setSignals({ dataTerminalReady: false, requestToSend: false });
}

/** Resets the chip into its loader and greets it. */
async function findLoader(
  loader: ChipLoader,
  port: WebSerialPort,
  transport: LoaderTransport,
  reset: boolean,
): Promise<void> {
  try {
    await loader.connect("default_reset", connectAttempts);
  } catch (error) {
    if (error instanceof WamletError) throw error;
    if (error instanceof UnexpectedChipIdError || error instanceof UnexpectedChipMagicError) {
      throw unknownChip(transport.url, "a chip that its loader does not name");
    }
    transport.check();
    if (!(error instanceof ESPError)) throw error;
    // Once it has greeted back it is there, and the line is to blame for the rest.
    if (!/Failed to connect/.test(error.message)) throw lostTrack(transport.url, error);
    const { url, heardBytes, heardText } = transport;
    throw noLoader({ url, heardBytes, heardText, wasReset: reset && port.hasControlLines });
  }
}

async function flashSize(loader: ChipLoader, url: string): Promise<number> {
  const id = (await loader.readFlashId()) & 0xffffff;
  if (id === 0 || id === 0xffffff) throw flashSilent(url);
  const size = /^(\d+)([KM])B$/.exec(loader.DETECTED_FLASH_SIZES[id >> 16] ?? "");
  return size === null ? assumedFlashBytes : Number(size[1]) * (size[2] === "M" ? 2 ** 20 : 2 ** 10);
}

/** Turns esptool-js's errors into ours. */
async function guarded<Value>(transport: LoaderTransport, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    transport.check();
    if (error instanceof WamletError || !(error instanceof Error)) throw error;
    if (!(error instanceof ESPError)) throw error;
    if (/status/.test(error.message)) throw refused(transport.url, error);
    throw lostTrack(transport.url, error);
  }
}

/** Flash is written by words; the rest of the last one stays erased. */
function padded(data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(data.length / padding) * padding).fill(0xff);
  whole.set(data);
  return whole;
}
