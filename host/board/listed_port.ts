/** What a listing of serial ports says of one, before descriptors are asked: serialport's PortInfo, or sysfs. */

/** A port as serialport lists it (its PortInfo), ids in hexadecimal without 0x. */
export interface ListedPort {
  readonly path: string;
  readonly manufacturer?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
}
