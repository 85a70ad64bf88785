/**
 * The whole of it: connect, check, erase, write and verify image by image, start the firmware. A line that fails is
 * tried again from the beginning of the image, at the ROM's own rate.
 */
import { WamletError } from "../errors.js";
import { romBaudRate } from "./chip_loader.js";
import { type ChipFacts, type ConnectedChip, type ConnectOptions, connectChip } from "./connected_chip.js";
import { type CheckedFirmware, checkTarget, type FirmwareImage } from "./firmware.js";
import { locked } from "./flash_errors.js";

/** How often an image is written before the line is given up. */
const attempts = 3;
/** What another attempt may mend. */
const passing: readonly string[] = ["WAMLET_LINE_TIMEOUT", "WAMLET_FLASH_FAILED", "WAMLET_FLASH_VERIFY"];

export interface FlashOptions extends ConnectOptions {
  /** Erase everything first: modules and settings too. */
  readonly erase?: boolean | undefined;
  readonly compress?: boolean | undefined;
  readonly onEvent?: ((event: FlashEvent) => void) | undefined;
}

export type FlashEvent =
  | { readonly type: "connecting" | "erasing" }
  | { readonly type: "connected"; readonly chip: ConnectedChip }
  | { readonly type: "writing"; readonly image: FirmwareImage; readonly share: number }
  | { readonly type: "verified"; readonly image: FirmwareImage }
  | { readonly type: "again"; readonly error: WamletError };

export interface Flashed {
  readonly facts: ChipFacts;
  readonly loader: "stub" | "ROM";
  /** Of the line at the end; null where it has no rate. */
  readonly baudRate: number | null;
  /** Whether the firmware was started; where not, somebody has to press the board's button. */
  readonly started: boolean;
}

/**
 * Writes firmware to a board's flash and verifies it.
 * @throws WamletError WAMLET_WRONG_CHIP, WAMLET_CHIP_LOCKED, WAMLET_FLASH_TOO_SMALL before anything is changed; as
 *   `connectChip` and `ConnectedChip.write` at any time
 */
export async function flashFirmware(firmware: CheckedFirmware, options: FlashOptions): Promise<Flashed> {
  const tell = options.onEvent ?? (() => {});
  tell({ type: "connecting" });
  const session = new Session(options, await connectChip(options));
  try {
    tell({ type: "connected", chip: session.chip });
    const { facts } = session.chip;
    if (facts.lock !== null) throw locked(facts.chip.name, facts.lock);
    checkTarget(firmware, facts);
    if (options.erase === true) {
      tell({ type: "erasing" });
      await session.tenaciously((chip) => chip.erase());
    }
    for (const image of firmware.images) {
      const onProgress = (share: number) => tell({ type: "writing", image, share });
      await session.tenaciously((chip) =>
        chip.write(image, { compress: options.compress ?? true, onProgress }),
      );
      tell({ type: "verified", image });
    }
    await session.chip.reset();
    return {
      facts,
      loader: session.chip.loaderKind,
      baudRate: session.chip.baudRate,
      started: session.chip.canReset,
    };
  } catch (error) {
    // A board that is left in its loader looks dead.
    await session.chip.reset().catch(() => {});
    throw error;
  } finally {
    await session.chip.close();
  }
}

/**
 * Reads a part of a board's flash.
 * @throws WamletError WAMLET_USAGE where the part is not in the flash; as `connectChip` and `ConnectedChip.read`
 */
export async function dumpFlash(
  part: { readonly offset: number; readonly bytes: number | null },
  options: FlashOptions,
): Promise<{ readonly facts: ChipFacts; readonly data: Uint8Array }> {
  const tell = options.onEvent ?? (() => {});
  tell({ type: "connecting" });
  const session = new Session(options, await connectChip(options));
  try {
    tell({ type: "connected", chip: session.chip });
    const { facts } = session.chip;
    if (facts.lock === "secure download mode") throw locked(facts.chip.name, facts.lock);
    const bytes = part.bytes ?? facts.flashBytes - part.offset;
    if (bytes <= 0 || part.offset + bytes > facts.flashBytes) {
      const end = `0x${(part.offset + Math.max(bytes, 0)).toString(16)}`;
      throw new WamletError(
        "WAMLET_USAGE",
        `The flash has ${facts.flashBytes} bytes; there is nothing from 0x${part.offset.toString(16)} to ${end}.`,
        "Give another --offset or --size.",
      );
    }
    const image = { name: "flash", offset: part.offset, data: new Uint8Array(0) };
    const data = await session.tenaciously((chip) =>
      chip.read(part.offset, bytes, (share) => tell({ type: "writing", image, share })),
    );
    return { facts, data };
  } finally {
    await session.chip.reset().catch(() => {});
    await session.chip.close();
  }
}

/** A chip that is connected anew where the line failed. */
class Session {
  readonly #options: FlashOptions;
  #chip: ConnectedChip;

  constructor(options: FlashOptions, chip: ConnectedChip) {
    this.#options = options;
    this.#chip = chip;
  }

  get chip(): ConnectedChip {
    return this.#chip;
  }

  /** Does a piece of work that may be begun again. */
  async tenaciously<Value>(work: (chip: ConnectedChip) => Promise<Value>): Promise<Value> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(this.#chip);
      } catch (error) {
        if (!(error instanceof WamletError) || !passing.includes(error.code) || attempt === attempts)
          throw error;
        this.#options.onEvent?.({ type: "again", error });
        await this.#reconnect();
      }
    }
  }

  /** At the rate that every line can carry. The chip must be the same: a port's name may have gone to another board. */
  async #reconnect(): Promise<void> {
    const before = this.#chip.facts;
    await this.#chip.close();
    this.#chip = await connectChip({ ...this.#options, baudRate: romBaudRate });
    if (this.#chip.facts.mac === before.mac) return;
    throw new WamletError(
      "WAMLET_WRONG_CHIP",
      `${this.#options.url} was the chip ${before.mac}, and is now ${this.#chip.facts.mac}.`,
      "Name the board with --port serial:<number>, and run the command again.",
    );
  }
}
