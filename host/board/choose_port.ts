/**
 * Which port a command talks to: `--port`, else WAMLET_PORT, else wamlet.config.json, else the only attached
 * device that a descriptor knows. Never a guess: where several match, the user says which.
 */
import { usbText } from "../descriptor/usb_id.js";
import { WamletError } from "../errors.js";
import type { Config } from "./config.js";
import { type AttachedPort, listPorts } from "./ports.js";

export interface PortChoice {
  /** What to open: a path of this machine, `tcp://host:port`, `unix:/path` or `emulator:<board>`. */
  readonly url: string;
  /** Who said so, for the user to see. */
  readonly chosenBy: "--port" | "WAMLET_PORT" | "wamlet.config.json" | "the only match";
  /** The attached device, where the choice needed to look for it. */
  readonly attached: AttachedPort | null;
}

export interface PortWishes {
  /** Value of `--port`. */
  readonly flag?: string | undefined;
  /** Environment variables, of which WAMLET_PORT is read. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly config?: Pick<Config, "port"> | null;
  /** Only devices that may be this board are candidates for the only match. */
  readonly board?: string | undefined;
  /** Where the attached ports come from; by default this machine. */
  readonly list?: () => Promise<readonly AttachedPort[]>;
}

/** `--port serial:0001`: the device with this USB serial number, wherever it is plugged in. */
const serialPrefix = "serial:";

/**
 * @throws WamletError WAMLET_PORT_NOT_FOUND where nothing matches, WAMLET_PORT_AMBIGUOUS where several do
 */
export async function choosePort(wishes: PortWishes): Promise<PortChoice> {
  const list = wishes.list ?? listPorts;
  const said: [PortChoice["chosenBy"], string | null | undefined][] = [
    ["--port", wishes.flag],
    ["WAMLET_PORT", wishes.environment?.WAMLET_PORT],
    ["wamlet.config.json", wishes.config?.port],
  ];
  for (const [chosenBy, wish] of said) {
    const url = wish?.trim() ?? "";
    if (url === "") continue;
    if (!url.startsWith(serialPrefix)) return { url, chosenBy, attached: null };
    const attached = bySerialNumber(await list(), url.slice(serialPrefix.length));
    return { url: attached.path, chosenBy, attached };
  }
  const attached = onlyMatch(await list(), wishes.board);
  return { url: attached.path, chosenBy: "the only match", attached };
}

function bySerialNumber(ports: readonly AttachedPort[], wanted: string): AttachedPort {
  const found = ports.filter(({ serialNumber }) => serialNumber?.toLowerCase() === wanted.toLowerCase());
  const [first, ...others] = found;
  if (first === undefined) {
    throw notFound(`No attached device has the serial number ${wanted}.${listing("Attached", ports)}`);
  }
  if (others.length > 0) throw ambiguous(`${found.length} devices have the serial number ${wanted}`, found);
  return first;
}

function onlyMatch(ports: readonly AttachedPort[], board: string | undefined): AttachedPort {
  const found = ports.filter(({ boards }) =>
    board === undefined ? boards.length > 0 : boards.includes(board),
  );
  const [first, ...others] = found;
  if (first === undefined) {
    const wanted = board === undefined ? "that a board descriptor knows" : `that may be ${board}`;
    throw notFound(`No device ${wanted} is attached.${listing("Other ports", ports)}`);
  }
  if (others.length > 0) throw ambiguous(`${found.length} attached devices match`, found);
  return first;
}

function notFound(what: string): WamletError {
  return new WamletError(
    "WAMLET_PORT_NOT_FOUND",
    what,
    "Plug the board in with a data cable, name a port with --port, or use the built-in virtual board with --port emulator:esp32.",
  );
}

function ambiguous(what: string, ports: readonly AttachedPort[]): WamletError {
  const first = ports[0]?.path ?? "";
  return new WamletError(
    "WAMLET_PORT_AMBIGUOUS",
    `${what}: ${ports.map(describePort).join(", ")}.`,
    `Say which one with --port (for example --port ${first}), with WAMLET_PORT, or with "port" in wamlet.config.json; --port serial:<number> follows a device from port to port.`,
  );
}

function listing(title: string, ports: readonly AttachedPort[]): string {
  return ports.length === 0 ? "" : ` ${title}: ${ports.map(describePort).join(", ")}.`;
}

/** `/dev/ttyUSB0 (CP210x bridge, 10c4:ea60, serial 0001)`. */
function describePort({ path, usb, description, serialNumber }: AttachedPort): string {
  const facts = [description, usb && usbText(usb), serialNumber && `serial ${serialNumber}`].filter(Boolean);
  return facts.length === 0 ? path : `${path} (${facts.join(", ")})`;
}
