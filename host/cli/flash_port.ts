/** The port that a chip is flashed through: chosen as for every verb, with what tells how the chip is reset. */
import type { UsbIdentity } from "../descriptor/usb_id.js";
import type { OpenLine } from "../transport/web_serial.js";
import type { PortArguments } from "./board_connection.js";
import type { Context } from "./verb.js";

export interface FlashPort {
  readonly url: string;
  readonly open: OpenLine;
  /** Of the device behind a serial port of this machine; null where it is not known. */
  readonly usb: UsbIdentity | null;
}

/**
 * @throws WamletError WAMLET_NO_SERIAL_DEVICE where nothing is attached at all; as `choosePort`; WAMLET_USAGE for a
 *   virtual board
 */
export async function chooseFlashPort(args: PortArguments, context: Context): Promise<FlashPort> {
  const { choosePort } = await import("../board/choose_port.js");
  const { findConfig } = await import("../board/config.js");
  const { listPorts } = await import("../board/ports.js");
  const { WamletError } = await import("../errors.js");
  const config = findConfig(context.workingDirectory);
  const board = args.board ?? config?.board ?? undefined;
  try {
    const choice = await choosePort({ flag: args.port, environment: context.environment, config, board });
    return await flashPort(choice.url, context.signal);
  } catch (error) {
    const missing = error instanceof WamletError && error.code === "WAMLET_PORT_NOT_FOUND";
    if (!missing || (await listPorts()).length > 0) throw error;
    const { noSerialDevice } = await import("../flash/flash_errors.js");
    throw noSerialDevice(error);
  }
}

/** A port by its name. */
export async function flashPort(url: string, signal: AbortSignal): Promise<FlashPort> {
  const { WamletError } = await import("../errors.js");
  if (url.startsWith("emulator:")) {
    throw new WamletError(
      "WAMLET_USAGE",
      `${url} is a virtual board; it has its agent built in.`,
      "Name the port of a real board with --port; virtual ones need no flashing.",
    );
  }
  const { listPorts } = await import("../board/ports.js");
  const { lineOpener } = await import("../transport/web_serial.js");
  const listed = /^(tcp|unix):/i.test(url) ? [] : await listPorts().catch(() => []);
  return {
    url,
    open: lineOpener(url, signal),
    usb: listed.find(({ path }) => path === url)?.usb ?? null,
  };
}
