/** A board at the other end of a port: what it is, what it stores, and modules to run. */
import { interrupted } from "../transport/abort.js";
import type { ByteStream } from "../transport/byte_stream.js";
import { openPort } from "../transport/open_port.js";
import { type MessageOf, message, type StoredModule } from "../wire/message.js";
import type { Conversation, ConversationOptions } from "./conversation.js";
import { isRestart } from "./conversation_errors.js";
import {
  activateModule,
  type DeployableModule,
  type Deployed,
  type DeployOptions,
  deployModule,
} from "./deploy.js";
import { greet } from "./greet.js";
import { usualConnectTimeout } from "./line_driver.js";
import { lineRates } from "./line_rates.js";
import { LoadedModule } from "./loaded_module.js";

export type BoardInfo = Omit<MessageOf<"info">, "type" | "request">;

export interface BoardOptions extends ConversationOptions {
  /** Bits per second of a serial port; without it the board's, else the usual rates are tried. */
  readonly baudRate?: number | undefined;
  /** Name or path of the board's descriptor, for the speed of its line. */
  readonly board?: string | undefined;
  /** Puts something around the stream, once for each attempt: a meter. */
  readonly wrap?: ((stream: ByteStream) => ByteStream) | undefined;
  /** Reset the board through the port's lines before talking to it. */
  readonly reset?: boolean | undefined;
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined;
  /** How this program calls itself in the board's log. */
  readonly client?: string | undefined;
}

export const logLevels = ["none", "error", "warning", "information", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

/** A board that has not come back by then stays away. */
const restartMilliseconds = 15_000;

/**
 * Opens a board and greets its agent.
 * @param port a URL (`/dev/ttyUSB0`, `COM3`, `tcp://host:port`, `unix:/path`, `emulator:esp32`) or an open stream
 * @throws WamletError as `openPort`; WAMLET_LINE_TIMEOUT where no agent answers; WAMLET_PROTOCOL_VERSION
 */
export async function openBoard(
  port: string | ByteStream,
  options: BoardOptions = {},
): Promise<BoardSession> {
  const { baudRate, board, signal, wrap = (stream: ByteStream) => stream } = options;
  const rates = typeof port === "string" ? await lineRates(port, { baudRate, board }) : [];
  let { reset } = options;
  const open = async (rate: number | undefined): Promise<ByteStream> => {
    if (typeof port !== "string") return wrap(port);
    // An agent may take its time, a connection does not.
    const connectTimeout = Math.min(options.connectTimeout ?? usualConnectTimeout, usualConnectTimeout);
    const stream = await openPort(port, { baudRate: rate, reset, signal, connectTimeout });
    // At the second speed the board would begin anew.
    reset = false;
    return wrap(stream);
  };
  const { stream, conversation } = await greet(open, rates, options);
  const abort = () => void conversation.close();
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  try {
    return new BoardSession(stream.url, conversation, await hello(conversation, options.client ?? "wamlet"));
  } catch (error) {
    await conversation.close();
    throw signal?.aborted ? interrupted() : error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

export class BoardSession {
  readonly #conversation: Conversation;
  #info: BoardInfo;

  /** Use `openBoard`. */
  constructor(
    readonly url: string,
    conversation: Conversation,
    info: BoardInfo,
  ) {
    this.#conversation = conversation;
    this.#info = info;
  }

  /** What the board said of itself, last asked at opening or by `refresh`. */
  get info(): BoardInfo {
    return this.#info;
  }

  /** Frames sent again, questions asked, damaged and doubled frames since opening. */
  get lineStatistics(): Conversation["statistics"] {
    return this.#conversation.statistics;
  }

  /** Asks the board anew what it is and how much memory it has. */
  async refresh(): Promise<BoardInfo> {
    this.#info = await hello(this.#conversation, "");
    return this.#info;
  }

  /**
   * Stores a module and verifies it by the SHA-256 that the board reads back from flash.
   * @throws WamletError WAMLET_DOES_NOT_FIT, WAMLET_UNSUPPORTED_MODULE, WAMLET_STORE_FULL,
   *   WAMLET_HASH_MISMATCH, WAMLET_INTERRUPTED…
   */
  deploy(module: DeployableModule, options: DeployOptions = {}): Promise<Deployed> {
    return this.#conversation.exclusive(() => deployModule(this.#conversation, module, options));
  }

  /** What the store holds. */
  async modules(): Promise<StoredModule[]> {
    const found: StoredModule[] = [];
    for (;;) {
      const page = await this.#conversation.request(
        "list the modules",
        (request) => message("list", { request, first: found.length }),
        "modules",
      );
      found.push(...page.modules);
      if (found.length >= page.total || page.modules.length === 0) return found;
    }
  }

  /** Makes a stored module the one that `load()` without a name takes. */
  activate(name: string): Promise<void> {
    return activateModule(this.#conversation, name);
  }

  /** Frees a module's slot. */
  async remove(name: string): Promise<void> {
    await this.#conversation.request(
      `remove ${name}`,
      (request) => message("remove", { request, name }),
      "done",
    );
  }

  /**
   * Brings a stored module into memory.
   * @param name of the module; without it, the active one
   * @throws WamletError WAMLET_UNKNOWN_MODULE, WAMLET_DOES_NOT_FIT, WAMLET_INVALID_MODULE
   */
  async load(name = ""): Promise<LoadedModule> {
    const loaded = await this.#conversation.request(
      `load ${name === "" ? "the active module" : name}`,
      (request) => message("load", { request, name }),
      "loaded",
    );
    return new LoadedModule(this.#conversation, loaded, this.#info);
  }

  /** Has the board send its log up to this level. */
  async logLevel(level: LogLevel): Promise<void> {
    await this.#conversation.request(
      "set the log level",
      (request) => message("log-level", { request, level: logLevels.indexOf(level) }),
      "done",
    );
  }

  /** Restarts the board and greets it again; what was loaded is gone, what is stored stays. */
  async reset(): Promise<void> {
    const conversation = this.#conversation;
    const restarted = conversation.restart(AbortSignal.timeout(restartMilliseconds));
    // The board may be down before its answer is through.
    const asked = conversation
      .request("reset the board", (request) => message("reset", { request, target: "board" }), "done")
      .catch((error: unknown) => {
        if (!isRestart(error)) throw error;
      });
    await Promise.all([restarted, asked]);
    await this.refresh();
  }

  /** Ends the session and closes the port. */
  close(): Promise<void> {
    return this.#conversation.close();
  }
}

async function hello(conversation: Conversation, client: string): Promise<BoardInfo> {
  const answer = await conversation.request(
    "greet the board",
    (request) => message("hello", { request, client }),
    "info",
  );
  const { type: _type, request: _request, ...info } = answer;
  return info;
}
