/**
 * A board as data: what `boards/<name>.json` becomes once it is checked. Figures carry their source, so that
 * whatever is printed from them can say where it comes from.
 */

/** A figure with where it comes from: a datasheet, a measurement, or "assumed: …". */
export interface Sourced {
  readonly value: number;
  readonly source: string;
}

/** A radio as a device would use it to send a raw frame instead of its answer. */
export interface Radio {
  /** `Wi-Fi`, `BLE`, `LoRa SF7`. */
  readonly name: string;
  /** Energy to send any message at all (wake-up, association kept, headers), nanojoules. */
  readonly messageNanojoules: Sourced;
  /** Energy per payload byte, nanojoules. */
  readonly byteNanojoules: Sourced;
  /** Longest payload of one message, bytes: a frame longer than it takes several messages. */
  readonly messageBytes: number;
}

export interface UsbId {
  readonly vendor: number;
  readonly product: number;
  /** `CP2102N bridge`. */
  readonly description: string;
}

/** A boot loader that shows a drive and takes UF2 files on it. */
export interface Uf2Loader {
  /** The chip's family, of uf2families.json. */
  readonly familyId: number;
  /** How the drive's INFO_UF2.TXT begins its Board-ID. */
  readonly boardId: string;
  /** What somebody does to see the drive. */
  readonly enter: string;
}

/** Executed instructions per opcode class and per byte moved, for one architecture (boards/costs/*.json). */
export interface CostTable {
  readonly name: string;
  readonly source: string;
  /** Keyed by opcode class, see `host/module/opcode_class.ts`. */
  readonly opcode: Readonly<Record<string, number>>;
  readonly memoryInit: { readonly call: number; readonly byte: number };
  readonly memoryCopy: { readonly call: number; readonly byte: number };
  /** Instructions of one host call of `infer`, entry and exit. */
  readonly call: number;
}

export interface Board {
  readonly name: string;
  readonly title: string;
  readonly chip: string;
  /** `xtensa-lx6`, `riscv32imc`, `armv7e-m`… */
  readonly architecture: string;
  readonly clockHertz: Sourced;
  readonly memory: {
    /** RAM that the agent can give to WAMR's pool (module code, instance, stack and linear memory). */
    readonly poolBytes: Sourced;
    /** Largest single block (linear memory is one allocation). */
    readonly largestBlockBytes: Sourced;
    /** What the agent itself keeps (stack, protocol, runtime), for the RAM account. */
    readonly agentBytes: Sourced;
    /** Buffer for frames that arrive while an inference runs. */
    readonly receiveBufferBytes: number;
    readonly flashBytes: Sourced;
  };
  readonly store: {
    readonly slots: number;
    readonly slotBytes: number;
    readonly sectorBytes: number;
    readonly wordBytes: number;
  };
  readonly line: { readonly baudRate: number };
  readonly runtime: { readonly name: string; readonly version: string; readonly pageBytes: number };
  readonly cost: CostTable;
  readonly cyclesPerInstruction: Sourced;
  readonly power: {
    readonly volts: number;
    readonly activeMilliamperes: Sourced;
    readonly sleepMilliamperes: Sourced;
  };
  readonly radios: readonly Radio[];
  readonly usb: readonly UsbId[];
  /** Null where the board's boot loader takes no UF2 files. */
  readonly uf2: Uf2Loader | null;
}
