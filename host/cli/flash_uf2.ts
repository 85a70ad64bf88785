/** `wamlet flash firmware.uf2`: onto the drive that the board's boot loader shows. */
import { listPorts } from "../board/ports.js";
import type { Board, Uf2Loader } from "../descriptor/board.js";
import { listBoards, loadBoard } from "../descriptor/load_board.js";
import { WamletError } from "../errors.js";
import { readUf2, type Uf2File } from "../flash/uf2.js";
import { chooseUf2Drive, copyToDrive, driveRoots, findUf2Drives } from "../flash/uf2_drive.js";
import { awaitAgent } from "./await_agent.js";
import { showInfo } from "./flash_report.js";
import { formatBytes } from "./format.js";
import type { Context } from "./verb.js";

export interface Uf2Arguments {
  readonly board?: string | undefined;
  readonly port?: string | undefined;
  /** Path of the boot loader's drive. */
  readonly drive?: string | undefined;
  readonly list: boolean;
}

/** The board starts, and its USB device appears. */
const appearMilliseconds = 8000;
const pauseMilliseconds = 200;
const agentMilliseconds = 8000;

type Uf2Board = Board & { readonly uf2: Uf2Loader };

/**
 * @throws WamletError WAMLET_INVALID_IMAGE, WAMLET_WRONG_CHIP, WAMLET_NO_UF2_DRIVE, WAMLET_PORT_AMBIGUOUS,
 *   WAMLET_LINE_CLOSED
 */
export async function flashUf2(
  path: string,
  bytes: Uint8Array,
  args: Uf2Arguments,
  context: Context,
): Promise<void> {
  const { output, progress } = context;
  const board = boardOf(readUf2(bytes, path), path, args.board);
  const held = { board: board.name, chip: board.chip, bytes: bytes.length };
  if (args.list) {
    output.result(held, () =>
      output.line(`${output.colors.bold(board.chip)}  UF2, ${formatBytes(bytes.length)}`),
    );
    return;
  }
  // A drive that is named is looked for in its own folder, wherever that is.
  const roots =
    args.drive === undefined ? driveRoots() : [args.drive.replace(/[/\\][^/\\]+[/\\]?$/, "") || "/"];
  const drive = chooseUf2Drive(await findUf2Drives(roots), board.uf2, board.title, args.drive);
  await copyToDrive(
    drive,
    bytes,
    (share) => progress.show(`Copying to ${drive.path}`, share),
    context.signal,
  );
  progress.show("Waiting for the agent");
  const url = args.port ?? (await portOf(board, context));
  const info = url === null ? null : await awaitAgent(url, agentMilliseconds, context);
  progress.clear();
  output.result({ ...held, drive: drive.path, info }, () => {
    output.line(`${output.colors.green("✔")} ${formatBytes(bytes.length)} copied to ${drive.path}`);
    if (info !== null) showInfo(info, output);
  });
  if (info === null)
    progress.note(progress.colors.dim("No agent answers; the boot loader has taken the file."));
}

/** By `--board`, or the only descriptor of the family. */
function boardOf({ families }: Uf2File, path: string, named: string | undefined): Uf2Board {
  const known = (named === undefined ? listBoards() : [named]).map(loadBoard).filter(takesUf2);
  const found = known.find(({ uf2 }) => families.has(uf2.familyId));
  if (found !== undefined) return found;
  const shown = [...families.keys()].map((family) => `0x${family.toString(16).padStart(8, "0")}`).join(", ");
  const boards = known.map(({ name }) => name).join(", ");
  throw new WamletError(
    "WAMLET_WRONG_CHIP",
    `${path} is for chips of the family ${shown}${named === undefined ? "" : `, and ${named} takes none of it`}.`,
    boards === ""
      ? `The descriptor of ${named} names no UF2 boot loader ("uf2"); choose another board with --board.`
      : `Boards that take UF2 files: ${boards}. For one of your own, give its descriptor with --board.`,
  );
}

function takesUf2(board: Board): board is Uf2Board {
  return board.uf2 !== null;
}

/** The port that the board's own USB shows once it runs. */
async function portOf({ name }: Board, { signal }: Context): Promise<string | null> {
  const deadline = Date.now() + appearMilliseconds;
  for (;;) {
    signal.throwIfAborted();
    const [port, ...others] = (await listPorts()).filter(({ boards }) => boards.includes(name));
    if (port !== undefined) return others.length === 0 ? port.path : null;
    if (Date.now() >= deadline) return null;
    await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
  }
}
