/** Virtual boards for session tests: each with a flash of its own, closed when the test is over. */
import { SerialPortStream } from "@serialport/stream";
import { onTestFinished } from "vitest";
import { type BoardOptions, type BoardSession, openBoard } from "../../host/board/board_session.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { createEmulatorBinding } from "../../host/emulator/binding.js";
import { parseEmulatorUrl } from "../../host/emulator/emulator_url.js";
import type { VirtualBoard } from "../../host/emulator/virtual_board.js";
import type { ByteStream } from "../../host/transport/byte_stream.js";
import { DuplexStream } from "../../host/transport/duplex_stream.js";

export interface TestBoard {
  readonly session: BoardSession;
  /** The board itself: its clock, its line, its reset. */
  readonly board: VirtualBoard;
  /** Opens the same board, with what it stored, once it is closed. */
  reopen(): Promise<TestBoard>;
}

/** @param url `emulator:esp32?baud=…` */
export async function virtualBoard(url = "emulator:esp32", options: BoardOptions = {}): Promise<TestBoard> {
  const binding = createEmulatorBinding();
  const path = url;
  const open = async (): Promise<TestBoard> => {
    const stream = await openStream();
    const session = await openBoard(stream, options);
    onTestFinished(() => session.close());
    const board = binding.board(path);
    if (board === undefined) throw new Error("the port is open, so there is a board");
    return { session, board, reopen: open };
  };
  const openStream = async (): Promise<ByteStream> => {
    const { board, baudRate = loadBoard(board).line.baudRate } = parseEmulatorUrl(url);
    const port = new SerialPortStream({ binding, path, baudRate, autoOpen: false });
    await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
    const close = () =>
      new Promise<void>((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()));
    return new DuplexStream(port, path, baudRate, close);
  };
  return open();
}

/** Deploys, activates and loads. */
export async function deployed(session: BoardSession, module: Parameters<BoardSession["deploy"]>[0]) {
  await session.deploy(module, { activate: true });
  return session.load();
}
