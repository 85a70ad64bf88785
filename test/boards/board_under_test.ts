/**
 * The boards that test/boards/device.test.ts runs on: agents that this computer emulates, or one that is attached.
 * They take minutes to build, so only `npm run test:boards` asks for them.
 *
 *     npm run test:boards                              every emulated board
 *     npm run test:boards -- --board linux             one of them
 *     npm run test:boards -- --port /dev/ttyUSB0       the board that is attached there
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { agentBoards, buildAgent } from "../../host/emulator/agent_build.js";
import { type RunningAgent, startAgent } from "../../host/emulator/agent_process.js";
import { type FaultRates, LineFaults } from "../../host/emulator/line_faults.js";
import { buildDesk, deskMissing } from "./esp_idf_on_a_desk.js";

const asked = process.env.WAMLET_TEST_BOARDS ?? "";

export interface BoardUnderTest {
  readonly name: string;
  /** Starts it, or names the port where it is. */
  start(): Promise<Pick<RunningAgent, "url" | "close">>;
}

export const boardsMissing = "run by npm run test:boards";

/** The ESP-IDF port's own code, with an ESP-IDF that is played: test/boards/esp_idf_on_a_desk.ts. */
const espIdf: BoardUnderTest = {
  name: "esp-idf",
  async start() {
    const desk = await buildDesk();
    const { uart, close } = await desk.start();
    return { url: uart, close: () => close().finally(desk.remove) };
  },
};

/** What to test, empty where nobody asked. */
export const boardsUnderTest: readonly BoardUnderTest[] = chooseBoards();

function chooseBoards(): readonly BoardUnderTest[] {
  if (asked === "") return [];
  const known = [...agentBoards.map(emulated), ...(deskMissing === null ? [espIdf] : [])];
  if (asked === "all") return known;
  const named = known.filter(({ name }) => name === asked);
  return named.length > 0
    ? named
    : [{ name: asked, start: async () => ({ url: asked, close: async () => {} }) }];
}

function emulated(name: (typeof agentBoards)[number]): BoardUnderTest {
  return {
    name,
    async start() {
      const executable = await buildAgent(name, { environment: process.env, sanitize: true });
      return startAgent({ board: loadBoard(name), executable, listen: "tcp:0" });
    },
  };
}

/** A bad cable to a board on TCP: what passes it is lost, doubled or damaged at these rates, in both directions. */
export async function badCable(url: string, rates: FaultRates, seed: number) {
  const { hostname, port } = new URL(url);
  const server = createServer({ noDelay: true }, (host) => {
    const board = connect({ host: hostname, port: Number(port), noDelay: true });
    const [outward, inward] = [new LineFaults(rates, seed), new LineFaults(rates, seed + 1)];
    host.on("data", (bytes) => board.write(outward.pass(bytes)));
    board.on("data", (bytes) => host.write(inward.pass(bytes)));
    for (const [one, other] of [
      [host, board],
      [board, host],
    ] as const) {
      one.on("error", () => {});
      one.on("close", () => other.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("a TCP server has a port");
  return { url: `tcp://127.0.0.1:${address.port}`, close: () => server.close() };
}
