/**
 * What the simulated chips differ in: how they say what they are, and where their registers lie (esptool 5.6,
 * targets/*.py, and the chips' technical reference manuals).
 */

export interface SimulatedChipKind {
  readonly name: string;
  /** Word at 0x40001000, by which esptool tells the older chips. */
  readonly magic: number;
  readonly imageId: number;
  /** Bytes that GET_SECURITY_INFO answers; 0 where the ROM does not know the command. */
  readonly securityInfoBytes: 0 | 12 | 20;
  readonly bootLoaderOffset: number;
  readonly spi: { readonly base: number; readonly user2: number; readonly data: number };
  /** eFuse words with the MAC, low and high. */
  readonly mac: readonly [number, number];
}

const newer = { user2: 0x20, data: 0x58 } as const;

export const simulatedChips = {
  esp32: {
    name: "ESP32",
    magic: 0x00f01d83,
    imageId: 0,
    securityInfoBytes: 0,
    bootLoaderOffset: 0x1000,
    spi: { base: 0x3ff42000, user2: 0x24, data: 0x80 },
    mac: [0x3ff5a004, 0x3ff5a008],
  },
  esp32s2: {
    name: "ESP32-S2",
    magic: 0x000007c6,
    imageId: 2,
    securityInfoBytes: 12,
    bootLoaderOffset: 0x1000,
    spi: { base: 0x3f402000, ...newer },
    mac: [0x3f41a044, 0x3f41a048],
  },
  esp32c3: {
    name: "ESP32-C3",
    magic: 0x1b31506f,
    imageId: 5,
    securityInfoBytes: 20,
    bootLoaderOffset: 0,
    spi: { base: 0x60002000, ...newer },
    mac: [0x60008844, 0x60008848],
  },
  esp32s3: {
    name: "ESP32-S3",
    magic: 0x9,
    imageId: 9,
    securityInfoBytes: 20,
    bootLoaderOffset: 0,
    spi: { base: 0x60002000, ...newer },
    mac: [0x60007044, 0x60007048],
  },
  esp32c6: {
    name: "ESP32-C6",
    magic: 0x2ce0806f,
    imageId: 13,
    securityInfoBytes: 20,
    bootLoaderOffset: 0,
    spi: { base: 0x60003000, ...newer },
    mac: [0x600b0844, 0x600b0848],
  },
  esp32h2: {
    name: "ESP32-H2",
    magic: 0xd7b73e80,
    imageId: 16,
    securityInfoBytes: 20,
    bootLoaderOffset: 0,
    spi: { base: 0x60003000, ...newer },
    mac: [0x600b0844, 0x600b0848],
  },
} as const satisfies Record<string, SimulatedChipKind>;

export type SimulatedChipName = keyof typeof simulatedChips;

/** SPI_CMD_REG: runs the command that the other registers describe. */
const runUserCommand = 1 << 18;
const readIdentification = 0x9f;

/** The chip's memory as single words, with the flash controller's registers behaving as such. */
export class SimulatedRegisters {
  readonly #kind: SimulatedChipKind;
  readonly #flashId: number;
  readonly #words = new Map<number, number>();

  /** @param flashId as RDID answers it: manufacturer in the low byte, size code in the high one */
  constructor(kind: SimulatedChipKind, flashId: number) {
    this.#kind = kind;
    this.#flashId = flashId;
    this.#words.set(0x40001000, kind.magic);
    this.#words.set(kind.mac[0], 0xa4b5c6d7);
    this.#words.set(kind.mac[1], 0x0000e8f9);
    // UART_CLKDIV_REG of ESP32 at 115200 baud from a crystal of 40 MHz: esptool computes the crystal from it.
    this.#words.set(0x3ff40014, 347);
  }

  read(address: number): number {
    return this.#words.get(address >>> 0) ?? 0;
  }

  write(address: number, value: number, mask: number): void {
    const merged = ((this.read(address) & ~mask) | (value & mask)) >>> 0;
    const { base, user2, data } = this.#kind.spi;
    if (address !== base || (merged & runUserCommand) === 0) {
      this.#words.set(address, merged);
      return;
    }
    const command = this.read(base + user2) & 0xff;
    this.#words.set(base + data, command === readIdentification ? this.#flashId : 0);
    this.#words.set(base, merged & ~runUserCommand);
  }
}
