/**
 * The device side of the serial protocol: what the C agent is on a chip. One loop takes one message after the other;
 * while it computes or writes flash, bytes gather in the receive buffer, and the window holds the host back.
 */
import type { Board } from "../descriptor/board.js";
import { WamletError } from "../errors.js";
import { deviceErrors } from "../wire/error_code.js";
import { maxPayloadLimit, minPayloadLimit, payloadWithin } from "../wire/frame.js";
import { controlReserve, Link } from "../wire/link.js";
import {
  decodeMessage,
  encodeMessage,
  type Message,
  type MessageOf,
  message,
  messageTypes,
  requestOf,
  type UnknownMessage,
} from "../wire/message.js";
import type { VirtualClock } from "./clock.js";
import { deployBegin, deployChunk, deployCommit } from "./deploy_messages.js";
import { hello } from "./device_info.js";
import { type DeviceState, type LogLevel, logLevels, type Outcome } from "./device_state.js";
import { type Flash, PowerCut } from "./flash.js";
import { counters, input, load, resetState, unload } from "./inference_messages.js";
import { MemoryAccount } from "./memory_account.js";
import type { RunnerOptions } from "./module_runner.js";
import { asRefusal, Refusal } from "./refusal.js";
import { ModuleStore } from "./store.js";
import { activate, list, remove } from "./store_messages.js";

export interface DeviceOptions {
  readonly board: Board;
  readonly flash: Flash;
  readonly clock: VirtualClock;
  readonly bootId: number;
  readonly runner: RunnerOptions;
  /** Puts bytes on the line. */
  readonly send: (bytes: Uint8Array) => void;
  /** Bytes that the line still has to carry. */
  readonly lineUnderWay: () => number;
  /** Asked for by RESET, and by a host that takes no answers. */
  readonly restart: () => void;
}

/** A message's text is cut here, docs/PROTOCOL.md. */
const ERROR_TEXT_BYTES = 96;
/** A host that lets this much gather unread has stopped reading. */
const MOST_UNREAD_BYTES = 1 << 20;
const NANOSECONDS_PER_MILLISECOND = 1e6;

export class Device {
  readonly #options: DeviceOptions;
  readonly #state: DeviceState;
  readonly #link: Link;
  /** The loop is under way: in a message, or waiting for flash or CPU. */
  #busy = false;
  #stopped = false;
  /** A frame that was refused: what else comes of it is passed over. */
  #refusedFrame: { readonly handle: number; readonly frame: number } | undefined;
  /** A deploy failed in a chunk: the chunks that were under way are passed over. */
  #deployFailed = false;

  constructor(options: DeviceOptions) {
    this.#options = options;
    const { board, flash, bootId, runner } = options;
    const bufferBytes = board.memory.receiveBufferBytes;
    const maxPayload = largestMessage(bufferBytes);
    this.#link = new Link({ role: "device", bufferBytes, maxPayload, bootId });
    this.#state = {
      board,
      flash,
      store: new ModuleStore(flash, board.store),
      memory: new MemoryAccount(board.memory),
      loaded: new Map(),
      runner,
      bootId,
      receiveBufferBytes: bufferBytes - controlReserve,
      maxPayload,
      logLevel: logLevels.warning,
      lastHandle: 0,
      log: (level, text) => this.#log(level, text),
    };
    this.#link.start(this.#milliseconds());
    this.wake();
  }

  /** Bytes that have arrived. */
  receive(bytes: Uint8Array): void {
    this.#link.receive(bytes, this.#milliseconds());
    this.wake();
  }

  /** Sees to what has arrived and what the line has room for, unless it is busy. */
  wake(): void {
    if (this.#busy || this.#stopped) return;
    this.#busy = true;
    this.#options.clock.after(0, () => this.#run());
  }

  /** Takes the power away. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#unloadAll();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (!this.#flush()) break;
      const event = this.#link.next();
      // What was consumed is acknowledged before a long inference, so that the next frame comes during it.
      this.#flush();
      if (event === null) break;
      if (event.type === "open") await this.#opened();
      if (event.type !== "message") continue;
      const operations = this.#state.flash.busyNanoseconds;
      const outcome = await this.#handle(event.payload);
      const waits = (outcome.nanoseconds ?? 0) + this.#state.flash.busyNanoseconds - operations;
      if (waits > 0) {
        this.#options.clock.after(waits, () => {
          this.#answer(outcome);
          return this.#run();
        });
        return;
      }
      this.#answer(outcome);
    }
    this.#busy = false;
  }

  /** Puts on the line what it has room for. @returns whether everything is on its way that may be */
  #flush(): boolean {
    const { lineUnderWay, send, board } = this.#options;
    while (lineUnderWay() < board.memory.receiveBufferBytes) {
      const bytes = this.#link.output(this.#milliseconds());
      if (bytes === null) return true;
      send(bytes);
    }
    return false;
  }

  /** A new session: whatever the host knew is forgotten, so what it loaded is of no use. */
  async #opened(): Promise<void> {
    await this.#unloadAll();
    this.#refusedFrame = undefined;
    this.#deployFailed = false;
    this.#state.logLevel = logLevels.warning;
  }

  async #unloadAll(): Promise<void> {
    const modules = [...this.#state.loaded.values()];
    this.#state.loaded.clear();
    await Promise.all(modules.map((module) => module.close()));
  }

  #answer({ answers, restart }: Outcome): void {
    if (this.#stopped) return;
    for (const answer of answers) this.#link.send(encodeMessage(answer));
    if (restart === true || this.#link.queuedBytes > MOST_UNREAD_BYTES) {
      this.#flush();
      this.#stopped = true;
      this.#options.restart();
    }
  }

  async #handle(payload: Uint8Array): Promise<Outcome> {
    let request: Message | UnknownMessage;
    try {
      request = decodeMessage(payload);
    } catch (error) {
      if (!(error instanceof WamletError)) throw error;
      const refusal = new Refusal("malformed", [payload[0] ?? 0], error.message);
      return { answers: [errorMessage(refusal, requestOf(payload))] };
    }
    if (request.type === "unknown") {
      const text = `Message type ${request.number} is unknown to this agent.`;
      return {
        answers: [errorMessage(new Refusal("unknown-message", [request.number], text), request.request)],
      };
    }
    if (this.#passesOver(request)) return { answers: [] };
    try {
      return await this.#dispatch(request);
    } catch (error) {
      if (error instanceof PowerCut) return { answers: [], restart: true };
      return { answers: [this.#refuse(request, asRefusal(error))] };
    }
  }

  /** What a refused frame or deploy still had under way is not refused again. */
  #passesOver(request: Message): boolean {
    if (request.type === "deploy-chunk") return this.#deployFailed;
    this.#deployFailed = false;
    if (request.type !== "input") return false;
    const { handle, frame, more } = request;
    const over = this.#refusedFrame?.handle === handle && this.#refusedFrame.frame === frame;
    if (!over || !more) this.#refusedFrame = undefined;
    return over;
  }

  #refuse(request: Message, refusal: Refusal): MessageOf<"error"> {
    if (request.type === "deploy-chunk") this.#deployFailed = true;
    if (request.type !== "input") {
      return errorMessage(refusal, "request" in request ? request.request : 0);
    }
    const { handle, frame, more } = request;
    if (more) this.#refusedFrame = { handle, frame };
    return { ...errorMessage(refusal, 0), handle, frame, input: true };
  }

  #dispatch(request: Message): Outcome | Promise<Outcome> {
    const device = this.#state;
    const { maxPayload } = this.#link;
    switch (request.type) {
      case "hello":
        return hello(device, request);
      case "deploy-begin":
        return deployBegin(device, request);
      case "deploy-chunk":
        return deployChunk(device, request);
      case "deploy-commit":
        return deployCommit(device, request);
      case "list":
        return list(device, request, maxPayload);
      case "activate":
        return activate(device, request);
      case "remove":
        return remove(device, request);
      case "load":
        return load(device, request);
      case "unload":
        return unload(device, request);
      case "input":
        return input(device, request, maxPayload);
      case "counters":
        return counters(device, request);
      case "log-level":
        device.logLevel = request.level;
        return { answers: [message("done", { request: request.request })] };
      case "reset":
        if (request.target === "state") return resetState(device, request);
        return { answers: [message("done", { request: request.request })], restart: true };
      default: {
        const { number } = messageTypes[request.type];
        throw new Refusal(
          "unknown-message",
          [number],
          `${request.type} is a message of the device, not for it.`,
        );
      }
    }
  }

  #log(level: LogLevel, text: string): void {
    if (logLevels[level] <= this.#state.logLevel) this.#link.log(logLevels[level], text);
  }

  #milliseconds(): number {
    return this.#options.clock.now / NANOSECONDS_PER_MILLISECOND;
  }
}

/** A quarter of the window, so that frames overlap; at least what every receiver takes. */
function largestMessage(bufferBytes: number): number {
  const quarter = payloadWithin(Math.floor((bufferBytes - controlReserve) / 4));
  return Math.min(maxPayloadLimit, Math.max(minPayloadLimit, quarter));
}

function errorMessage(refusal: Refusal, request: number): MessageOf<"error"> {
  return message("error", {
    request,
    code: deviceErrors[refusal.reason].number,
    text: cutText(refusal.message),
    numbers: refusal.numbers,
  });
}

/** The longest beginning that takes at most 96 bytes of UTF-8. */
function cutText(text: string): string {
  let cut = text;
  while (new TextEncoder().encode(cut).length > ERROR_TEXT_BYTES) cut = [...cut].slice(0, -1).join("");
  return cut;
}
