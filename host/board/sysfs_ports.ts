/**
 * Serial ports as Linux's /sys shows them. serialport asks `udevadm`, which containers and small systems do not
 * have; the kernel's own tree says the same of USB devices.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ListedPort } from "./listed_port.js";

/** From a tty up to its USB device there are the interface and, for usb-serial, one folder more. */
const levelsToUsbDevice = 5;

/**
 * The ttys that belong to a USB device.
 * @param root where sysfs is mounted
 * @returns nothing where there is no such tree
 */
export function listSysfsPorts(root = "/sys"): ListedPort[] {
  const folder = join(root, "class", "tty");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const device = join(folder, name, "device");
    const usb = existsSync(device) ? usbDeviceAbove(realpathSync(device)) : null;
    if (usb === null) return [];
    const attribute = (file: string) => readAttribute(join(usb, file));
    return [
      {
        path: `/dev/${basename(name)}`,
        vendorId: attribute("idVendor"),
        productId: attribute("idProduct"),
        serialNumber: attribute("serial"),
        manufacturer: attribute("manufacturer"),
      },
    ];
  });
}

function usbDeviceAbove(start: string): string | null {
  let folder = start;
  for (let level = 0; level < levelsToUsbDevice; level++) {
    if (existsSync(join(folder, "idVendor"))) return folder;
    folder = dirname(folder);
  }
  return null;
}

/** An attribute may be absent, or vanish with its device while it is read. */
function readAttribute(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
