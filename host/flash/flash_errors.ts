/** What can go wrong between a port and a loader, in words that say what to do about it. */
import { WamletError } from "../errors.js";

const buttons = "Hold BOOT (IO0), press and let go of RESET (EN), let go of BOOT, and run the command again";
const again =
  "the chip's ROM loader cannot be damaged, so running wamlet flash again mends whatever was left";

export function unplugged(url: string, cause: unknown): WamletError {
  const why = cause instanceof Error ? ` (${cause.message.replace(/\.$/, "")})` : "";
  return new WamletError(
    "WAMLET_LINE_CLOSED",
    `The connection to ${url} ended in the middle of the work${why}.`,
    `Plug the board in again and run the command again: ${again}.`,
    { cause },
  );
}

/** What was heard of a board that did not answer the loader's greeting. */
export interface Silence {
  readonly url: string;
  readonly heardBytes: number;
  readonly heardText: string;
  /** Whether DTR and RTS were used to bring it into download mode. */
  readonly wasReset: boolean;
}

/** Why no loader answered. */
export function noLoader({ url, heardBytes, heardText, wasReset }: Silence): WamletError {
  const mode = /boot:(0x[0-9a-f]+)/i.exec(heardText)?.[1];
  if (heardText.includes("waiting for download")) {
    return new WamletError(
      "WAMLET_NO_LOADER",
      `The chip at ${url} is in download mode, but does not hear what it is sent.`,
      "Check the wire to the chip's RX pin, and that nothing else drives it; then run the command again.",
    );
  }
  if (heardBytes > 0) {
    const is = mode === undefined ? "runs something else" : `started its firmware (boot mode ${mode})`;
    const reset = wasReset ? "DTR and RTS did not bring it into download mode" : "this port cannot reset it";
    return new WamletError(
      "WAMLET_NOT_IN_DOWNLOAD_MODE",
      `The board at ${url} ${is}: ${reset}.`,
      `${buttons}.`,
    );
  }
  return new WamletError(
    "WAMLET_NO_LOADER",
    `Nothing answers at ${url}.`,
    `${buttons}; check that this is the port of an ESP32 board, that it is powered, and that RX and TX are not swapped.`,
  );
}

/** A port of no board: the usual cause is the cable. */
export function noSerialDevice(cause: unknown): WamletError {
  return new WamletError(
    "WAMLET_NO_SERIAL_DEVICE",
    "No serial device is attached to this machine.",
    "Many USB cables only charge: try one that carries data. If the board still does not show, its bridge may need a driver (CP210x, CH340), or a container may need the device handed in; --port names a port that is not listed.",
    { cause },
  );
}

/** The loader was reached and then did not answer, or not in time. */
export function lostTrack(url: string, cause: Error): WamletError {
  return new WamletError(
    "WAMLET_LINE_TIMEOUT",
    `The loader at ${url} stopped answering: ${cause.message.replace(/\.$/, "")}.`,
    `Use a lower --baud-rate (115200), a shorter cable, or another USB port; ${again}.`,
    { cause },
  );
}

/** The loader answered that it cannot. */
export function refused(url: string, cause: Error): WamletError {
  return new WamletError(
    "WAMLET_FLASH_FAILED",
    `The loader at ${url} could not do its work: ${cause.message.replace(/\s+/g, " ").replace(/\.$/, "")}.`,
    "Check the board's supply; --no-stub has the chip's ROM do the work, more slowly, where the stub cannot.",
    { cause },
  );
}

export function flashSilent(url: string): WamletError {
  return new WamletError(
    "WAMLET_FLASH_FAILED",
    `The chip at ${url} answers, but its flash does not.`,
    "Check the supply (500 mA), and take off whatever is wired to the flash's pins (GPIO6 to 11 on ESP32).",
  );
}

export function differs(what: string): WamletError {
  return new WamletError(
    "WAMLET_FLASH_VERIFY",
    `What the flash holds is not what was written: ${what}.`,
    `Use a lower --baud-rate (115200) or another cable; ${again}. A flash that fails again and again is worn out.`,
  );
}

export function locked(name: string, why: string): WamletError {
  return new WamletError(
    "WAMLET_CHIP_LOCKED",
    `This ${name} has ${why}; firmware that is not made for it would make it unusable.`,
    "Use the tools of whoever set it up, or another board.",
  );
}

export function unknownChip(url: string, what: string): WamletError {
  return new WamletError(
    "WAMLET_UNKNOWN_CHIP",
    `At ${url} is ${what}, which Wamlet does not flash.`,
    "Wamlet flashes ESP32, ESP32-S2, S3, C3, C6 and H2; for other chips use their own tools.",
  );
}
