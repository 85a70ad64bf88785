/** Counts the instructions of every model and variant on one emulated board. */
import type { Answer } from "../../host/board/answer.js";
import { type BoardSession, openBoard } from "../../host/board/board_session.js";
import type { Board } from "../../host/descriptor/board.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { type AgentBoard, buildAgent } from "../../host/emulator/agent_build.js";
import { type RunningAgent, startAgent } from "../../host/emulator/agent_process.js";
import { WamletError } from "../../host/errors.js";
import { type BenchBytes, type BenchRow, layerName } from "../../host/measure/bench.js";
import { requireEqual } from "../../host/measure/bench_model.js";
import type { WamletModule } from "../../host/module/layout.js";
import type { BenchedModel, BoardVariant } from "./board_models.js";
import { clangMissing } from "./clang_wasm.js";
import { gccMissing, runNative } from "./native.js";

export interface BoardRequest {
  readonly board: AgentBoard;
  /** The smallest of the boards that are measured: modules are made for it and run on all. */
  readonly smallest: Board;
  readonly models: readonly BenchedModel[];
  readonly variants: readonly BoardVariant[];
  readonly layers: boolean;
  readonly signal: AbortSignal;
  /** Told after each measurement. */
  readonly onDone: (what: string) => void;
}

export interface BoardResult {
  readonly rows: readonly BenchRow[];
  /** What was not measured, and why. */
  readonly skipped: readonly string[];
  /** What was measured otherwise than the rest. */
  readonly notes: readonly string[];
}

/** A plain network of gigabytes of instructions on a busy machine: the board answers nothing meanwhile. */
const patienceSeconds = 900;

/** Where a module of clang's does not fit a board, it is counted on one with as much RAM as QEMU's machine has. */
const roomyBytes = 1 << 20;

/** What one variant counted. */
interface Measured {
  readonly instructions: number;
  readonly layers: readonly { readonly name: string; readonly macs: number; readonly instructions: number }[];
  readonly bytes: BenchBytes;
  /** What else is to be said of it. */
  readonly note?: string;
}

/** @throws WamletError WAMLET_NOT_EXACT where an answer differs; what building and starting the board throw */
export async function benchBoard(request: BoardRequest): Promise<BoardResult> {
  const { board, models, variants, signal } = request;
  const missing = gccMissing(board);
  if (missing !== null) return { rows: [], skipped: [`${board}: ${missing}`], notes: [] };
  const rows: BenchRow[] = [];
  const skipped: string[] = [];
  const notes: string[] = [];
  const agents = { usual: new Agent(board, signal), roomy: new Agent(board, signal, roomyBytes) };
  try {
    for (const model of models) {
      for (const variant of variants) {
        signal.throwIfAborted();
        const what = `${board} ${model.name} ${variant}`;
        const measured = await measureOrReason(request, agents, model, variant);
        if (typeof measured === "string") skipped.push(`${what}: ${measured}`);
        else rows.push(...rowsOf(model, variant, board, measured));
        if (typeof measured !== "string" && measured.note) notes.push(`${what}: ${measured.note}`);
        request.onDone(typeof measured === "string" ? `${what}: skipped, ${measured}` : what);
      }
    }
  } finally {
    await agents.usual.close();
    await agents.roomy.close();
  }
  return { rows, skipped, notes };
}

/** A reason instead of figures where this machine or the board lacks something, or the reference an operator. */
async function measureOrReason(
  request: BoardRequest,
  agents: { readonly usual: Agent; readonly roomy: Agent },
  model: BenchedModel,
  variant: BoardVariant,
): Promise<Measured | string> {
  const plainC = variant === "clang-wasm" || variant === "native";
  if (plainC && model.uncovered.length > 0) return `the C reference lacks ${model.uncovered.join(", ")}`;
  const missing = variant === "clang-wasm" ? clangMissing() : null;
  if (missing !== null) return missing;
  try {
    if (variant === "native") return await native(request, model);
    if (variant === "clang-wasm") return await clangWasm(request, agents, model);
    return await underAgent(request, agents.usual, model, variant);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof WamletError && /DOES_NOT_FIT|UNSUPPORTED|BOARD_REFUSED/.test(error.code))
      return text;
    // The linker's words where a native image does not fit.
    const overflow = /region `?\w+'? overflowed by \d+ bytes/.exec(text)?.[0];
    if (overflow !== undefined) return `does not fit: ${overflow}`;
    throw error;
  }
}

/** Plain C keeps its weights in linear memory: what is too much of them for the board is counted all the same. */
async function clangWasm(
  request: BoardRequest,
  agents: { readonly usual: Agent; readonly roomy: Agent },
  model: BenchedModel,
): Promise<Measured> {
  try {
    return await underAgent(request, agents.usual, model, "clang-wasm");
  } catch (error) {
    if (!(error instanceof WamletError) || error.code !== "WAMLET_DOES_NOT_FIT") throw error;
    const measured = await underAgent(request, agents.roomy, model, "clang-wasm");
    return { ...measured, note: "does not fit the board's RAM; counted on one with 1 MiB of it" };
  }
}

async function native({ board, layers, signal }: BoardRequest, model: BenchedModel): Promise<Measured> {
  const frame = Uint8Array.from(Buffer.concat(model.input.inputs));
  const {
    instructions,
    layers: counts,
    output,
    bytes,
  } = await runNative(board, model.c, frame, layers, signal);
  requireEqual(`${model.name}, native on ${board}`, output, model.expected);
  return {
    instructions,
    bytes,
    layers: counts.map((count, index) => ({
      name: `${index} ${model.graph.operators[index]?.name}`,
      macs: model.macs[index] ?? 0,
      instructions: count,
    })),
  };
}

async function underAgent(
  { board, smallest, layers }: BoardRequest,
  agent: Agent,
  model: BenchedModel,
  variant: Exclude<BoardVariant, "native">,
): Promise<Measured> {
  const infer = async (profile: boolean) => {
    const { module, bytes } = await model.module(variant, profile, smallest);
    return { ...(await agent.once(module, () => runOnce(module))), bytes, module };
  };
  const runOnce = async (module: WamletModule): Promise<Counted> => {
    const session = await agent.session();
    await session.deploy(module);
    const loaded = await session.load(module.manifest.name);
    try {
      if (module.abi.state) await loaded.resetState();
      const answer = await loaded.infer(model.input.inputs, { layers: module.manifest.layers > 0 });
      const outputs = Uint8Array.from(Buffer.concat(answer.outputs));
      requireEqual(`${model.name}, ${variant} on ${board}`, outputs, model.expected);
      return { answer, runtimeBytes: loaded.description.runtimeBytes };
    } finally {
      await loaded.unload();
      await session.remove(module.manifest.name);
    }
  };
  const { answer, runtimeBytes, ...plain } = await infer(false);
  const bytes = { ...plain.bytes, runtimeBytes };
  if (!layers) return { instructions: answer.count.value, bytes, layers: [] };
  const profiled = await infer(true);
  return {
    instructions: answer.count.value,
    bytes,
    layers: profiled.module.description.layers.map((layer, index) => ({
      name: layerName(model.graph, layer),
      macs: layer.macs,
      instructions: profiled.answer.layers?.[index] ?? 0,
    })),
  };
}

function rowsOf(model: BenchedModel, variant: BoardVariant, port: string, measured: Measured): BenchRow[] {
  const { instructions, layers, bytes } = measured;
  const fixed = { model: model.name, port, variant };
  return [
    { ...fixed, layer: null, instructions, macs: model.totalMacs, ...bytes },
    ...layers.map(({ name, macs, instructions: count }) => ({
      ...fixed,
      layer: name,
      instructions: count,
      macs,
      ...bytes,
    })),
  ];
}

/** What the agent said of one inference of a module. */
interface Counted {
  readonly answer: Answer;
  readonly runtimeBytes: number;
}

/** The board's agent in QEMU, built and started by the first module that needs it. */
class Agent {
  #running: RunningAgent | null = null;
  #session: BoardSession | null = null;
  readonly #counted = new Map<string, Promise<Counted>>();

  constructor(
    readonly board: AgentBoard,
    readonly signal: AbortSignal,
    readonly ramBytes?: number,
  ) {}

  /** Variants may come out as the same bytes (`size` and `plain` often do): one run counts for all of them. */
  once({ manifest }: WamletModule, run: () => Promise<Counted>): Promise<Counted> {
    const key = Buffer.from(manifest.payloadSha256).toString("hex");
    const counted = this.#counted.get(key) ?? run();
    this.#counted.set(key, counted);
    return counted;
  }

  async session(): Promise<BoardSession> {
    if (this.#session !== null) return this.#session;
    const { signal, ramBytes } = this;
    const executable = await buildAgent(this.board, { environment: process.env, signal, ramBytes });
    this.#running = await startAgent({ board: loadBoard(this.board), executable, listen: "tcp:0" });
    this.#session = await openBoard(this.#running.url, { timeout: patienceSeconds * 1000 });
    return this.#session;
  }

  async close(): Promise<void> {
    await this.#session?.close();
    await this.#running?.close();
  }
}
