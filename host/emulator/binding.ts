/**
 * The virtual board behind a real serialport binding: `new SerialPortStream({binding: emulatorBinding, path:
 * "emulator:esp32", baudRate})` behaves as with a board on a USB port. Opening the port powers the board on, closing
 * it takes the power away; what it stored stays, in its flash file or for the life of the process.
 */

import type { Board } from "../descriptor/board.js";
import { listBoards, loadBoard } from "../descriptor/load_board.js";
import { WamletError } from "../errors.js";
import { EmulatorPort } from "./emulator_port.js";
import { type EmulatorUrl, parseEmulatorUrl } from "./emulator_url.js";
import { Flash } from "./flash.js";
import { FlashFile } from "./flash_file.js";
import { flashGeometry } from "./flash_geometry.js";
import type { EmulatorBindingInterface, OpenOptions, PortInfo } from "./serialport_types.js";
import { VirtualBoard } from "./virtual_board.js";

export type EmulatorBinding = EmulatorBindingInterface & {
  /** The board behind an open port, for measurements in virtual time and for tests; undefined while it is closed. */
  board(path: string): VirtualBoard | undefined;
};

/** A binding with boards of its own: what is stored on them is not seen through another binding. */
export function createEmulatorBinding(): EmulatorBinding {
  const open = new Map<string, VirtualBoard>();
  const memories = new Map<string, Flash>();

  return {
    list: () => Promise.resolve(listBoards().map(portInfo)),

    async open(options) {
      const { path, baudRate } = options;
      const url = parseEmulatorUrl(path);
      const descriptor = loadBoard(url.board);
      if (open.has(path)) throw busy(path);
      const file =
        url.flash === undefined ? undefined : FlashFile.open(url.flash, flashGeometry(descriptor.store));
      const flash =
        file === undefined
          ? memoryOf(path, descriptor, memories)
          : new Flash(flashGeometry(descriptor.store), file);
      const board = powerOn(url, descriptor, flash);
      open.set(path, board);
      return new EmulatorPort(board, openOptions(options, baudRate), async () => {
        open.delete(path);
        await board.close();
        file?.close();
      });
    },

    board: (path) => open.get(path),
  };
}

/** The binding that `emulator:` ports use. */
export const emulatorBinding: EmulatorBinding = createEmulatorBinding();

function powerOn(url: EmulatorUrl, board: Board, flash: Flash): VirtualBoard {
  const { pace, seed, baudRate, faults } = url;
  return new VirtualBoard({
    board,
    flash,
    pace,
    seed,
    ...(baudRate === undefined ? {} : { baudRate }),
    ...(faults === undefined ? {} : { faults }),
  });
}

/** Flash without a file lives as long as the process. */
function memoryOf(path: string, board: Board, memories: Map<string, Flash>): Flash {
  const known = memories.get(path);
  if (known !== undefined) return known;
  const flash = new Flash(flashGeometry(board.store));
  memories.set(path, flash);
  return flash;
}

function portInfo(name: string): PortInfo {
  return {
    path: `emulator:${name}`,
    manufacturer: "Wamlet virtual board",
    serialNumber: undefined,
    pnpId: undefined,
    locationId: undefined,
    productId: undefined,
    vendorId: undefined,
  };
}

function openOptions(options: OpenOptions, baudRate: number): Required<OpenOptions> {
  return {
    dataBits: 8,
    lock: true,
    stopBits: 1,
    parity: "none",
    rtscts: false,
    xon: false,
    xoff: false,
    xany: false,
    hupcl: true,
    ...options,
    baudRate,
  };
}

function busy(path: string): WamletError {
  return new WamletError(
    "WAMLET_PORT_BUSY",
    `${path} is open already.`,
    "Close it first, or open another board: a different seed makes it another one.",
  );
}
