/** USB identities as text, the way lsusb prints them and descriptors write them: `10c4:ea60`. */

export interface UsbIdentity {
  readonly vendor: number;
  readonly product: number;
}

export function usbText({ vendor, product }: UsbIdentity): string {
  return [vendor, product].map((part) => part.toString(16).padStart(4, "0")).join(":");
}

/** @param text four hexadecimal digits, a colon, four more; the schema has checked it */
export function parseUsbId(text: string): UsbIdentity {
  const [vendor = 0, product = 0] = text.split(":").map((part) => Number.parseInt(part, 16));
  return { vendor, product };
}
