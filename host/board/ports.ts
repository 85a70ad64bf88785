/**
 * What is plugged in: the serial ports that the operating system lists, each with the boards whose descriptor
 * names its USB identity.
 */
import { listBoards, loadBoard } from "../descriptor/load_board.js";
import type { UsbIdentity } from "../descriptor/usb_id.js";
import { WamletError } from "../errors.js";
import type { ListedPort } from "./listed_port.js";
import { listSysfsPorts } from "./sysfs_ports.js";

export interface AttachedPort {
  /** `/dev/ttyUSB0`, `COM3`: opens the port, but changes when another device is plugged in first. */
  readonly path: string;
  /** Serial number of the USB device: stays the same, `--port serial:<number>`. */
  readonly serialNumber: string | null;
  readonly manufacturer: string | null;
  readonly usb: UsbIdentity | null;
  /** What a descriptor calls the USB device, `CP210x bridge`; null where none knows it. */
  readonly description: string | null;
  /** Names of the boards that it may be; a bridge is used by many. */
  readonly boards: readonly string[];
}

/**
 * The serial ports of this machine that are worth showing, by path.
 * @throws WamletError WAMLET_PORT_PERMISSION where the system does not let us look
 */
export async function listPorts(): Promise<AttachedPort[]> {
  // The native binding is loaded only by those who ask for ports.
  const { SerialPort } = await import("serialport");
  try {
    return describePorts(await SerialPort.list());
  } catch (cause) {
    const withoutUdev = process.platform === "linux" && (cause as NodeJS.ErrnoException).code === "ENOENT";
    if (withoutUdev) return describePorts(listSysfsPorts());
    throw new WamletError(
      "WAMLET_PORT_PERMISSION",
      `The system does not list its serial ports: ${(cause as Error).message}.`,
      "Name the port yourself with --port.",
      { cause },
    );
  }
}

/**
 * Matches a listing against the descriptors. Hidden are macOS's `tty.*` (it blocks until carrier detect; the
 * same device is there as `cu.*`), and Linux's built-in `ttyS*` without hardware information, of which there
 * are dozens with nothing behind them.
 */
export function describePorts(listed: readonly ListedPort[]): AttachedPort[] {
  const known = listBoards().flatMap((name) => loadBoard(name).usb.map((usb) => ({ name, ...usb })));
  return listed
    .filter(
      ({ path, vendorId }) => !path.startsWith("/dev/tty.") && !(/^\/dev\/ttyS\d+$/.test(path) && !vendorId),
    )
    .map((port) => {
      const usb = usbIdentity(port);
      const matches = known.filter(
        ({ vendor, product }) => vendor === usb?.vendor && product === usb.product,
      );
      return {
        path: port.path,
        serialNumber: port.serialNumber || null,
        manufacturer: port.manufacturer || null,
        usb,
        description: matches[0]?.description ?? null,
        boards: [...new Set(matches.map(({ name }) => name))],
      };
    })
    .sort((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
}

function usbIdentity({ vendorId, productId }: ListedPort): AttachedPort["usb"] {
  const [vendor, product] = [vendorId, productId].map((id) => Number.parseInt(id ?? "", 16));
  if (vendor === undefined || product === undefined || Number.isNaN(vendor + product)) return null;
  return { vendor, product };
}
