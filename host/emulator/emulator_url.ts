/**
 * `emulator:<board>?baud=…&flash=FILE&pace=fast|real&loss=…&duplication=…&corrupt=…&seed=…`: which virtual board a
 * port means, and how good its cable is.
 */
import { WamletError } from "../errors.js";
import type { Pace } from "./clock.js";
import type { FaultRates } from "./line_faults.js";

export interface EmulatorUrl {
  /** Name of a descriptor, or the path of one. */
  readonly board: string;
  /** Speed of the board's line; the descriptor's where it is not given. */
  readonly baudRate: number | undefined;
  /** File that keeps the flash; in memory where it is not given. */
  readonly flash: string | undefined;
  readonly pace: Pace;
  readonly faults: FaultRates | undefined;
  readonly seed: number;
}

const SCHEME = "emulator:";
const PARAMETERS = ["baud", "flash", "pace", "loss", "duplication", "corrupt", "seed"];

/** @throws WamletError WAMLET_INVALID_PORT where it cannot be understood */
export function parseEmulatorUrl(url: string): EmulatorUrl {
  if (!url.startsWith(SCHEME)) throw invalid(url, `it does not begin with ${SCHEME}`);
  const [board = "", query = ""] = url.slice(SCHEME.length).split("?", 2);
  if (board === "") throw invalid(url, "it names no board");
  const given = new URLSearchParams(query);
  for (const name of given.keys()) {
    if (!PARAMETERS.includes(name)) throw invalid(url, `it knows no ${name}`);
  }
  const number = (name: string, least: number, most: number): number | undefined => {
    const text = given.get(name);
    if (text === null) return undefined;
    const value = Number(text);
    if (text.trim() === "" || !(value >= least && value <= most)) {
      throw invalid(url, `${name} is ${JSON.stringify(text)}, not a number from ${least} to ${most}`);
    }
    return value;
  };
  const pace = given.get("pace") ?? "fast";
  if (pace !== "fast" && pace !== "real")
    throw invalid(url, `pace is ${JSON.stringify(pace)}, not fast or real`);
  const rates = {
    loss: number("loss", 0, 1) ?? 0,
    duplication: number("duplication", 0, 1) ?? 0,
    corruption: number("corrupt", 0, 1) ?? 0,
  };
  const flawless = Object.values(rates).every((rate) => rate === 0);
  return {
    board,
    baudRate: number("baud", 50, 100_000_000),
    flash: given.get("flash") ?? undefined,
    pace,
    faults: flawless ? undefined : rates,
    seed: Math.trunc(number("seed", 0, 0xffffffff) ?? 1),
  };
}

function invalid(url: string, why: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_PORT",
    `${url} is no virtual board: ${why}.`,
    `Write it as emulator:esp32, with what you want of ?${PARAMETERS.map((name) => `${name}=…`).join("&")}.`,
  );
}
